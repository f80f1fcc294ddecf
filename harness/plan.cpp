#include "cmkd/harness/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/keys.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/methods/method.h"
#include "plan_parts.h"

namespace cmkd {

using nlohmann::json;

namespace {

void finish(const Suite& suite, const json& config, PlannedTraining& planned) {
  planned.config = config.dump();
  planned.key = hash_hex(planned.config);
  PlannedEvaluation evaluation;
  evaluation.config = evaluation_config(suite, planned.key, planned.split).dump();
  evaluation.key = hash_hex(evaluation.config);
  evaluation.judge = hash_hex(evaluation_config(suite, "", planned.split).dump());
  planned.evaluations = {evaluation};
  planned.label = planned.control.empty() ? planned.method : fmt::format("{} ({})", planned.method, planned.control);
  if (planned.trial >= 0) planned.label = fmt::format("{} trial {}", planned.method, planned.trial);
}

PlannedTraining plan_teacher(const Suite& suite, const CellData& data, std::int64_t seed, Split split) {
  PlannedTraining planned;
  planned.fold = data.fold;
  planned.split = split;
  planned.budget = suite.teacher.training.values;
  planned.method = "teacher";
  planned.seed = seed;
  planned.is_teacher = true;
  planned.parameters = Parameters(method_registry().get("teacher").parameters);
  planned.weights_hash = weights_hash(suite.teacher);
  finish(suite, teacher_config(suite, data, seed, split), planned);
  return planned;
}

bool wanted(const PlanFilter& filter, const PlannedTraining& planned) {
  const bool method = filter.methods.empty() ||
                      std::ranges::find(filter.methods, planned.method) != filter.methods.end() ||
                      std::ranges::find(filter.methods, planned.label) != filter.methods.end();
  const bool seed = filter.seeds.empty() || std::ranges::find(filter.seeds, planned.seed) != filter.seeds.end();
  const bool key = filter.keys.empty() || std::ranges::find(filter.keys, planned.key) != filter.keys.end();
  return method && seed && key;
}

// A control shuffles what a student learns from. The upper bound is given the teacher itself, at test too, where
// nothing is shuffled: the two would not be the same classifier's inputs.
void require_controllable(const MethodEntry& entry, const MethodInfo& info) {
  if (info.role != MethodRole::kUpperBound || entry.controls.empty()) return;
  throw Error(ErrorKind::kUsage,
              {.what = fmt::format("method '{}' uses both modalities at test: control '{}' means nothing there",
                                   entry.id, entry.controls.front()),
               .where = entry.origin,
               .fix = "remove the method's 'controls'"});
}

// The seed's teacher and what its trainings share.
struct Cell {
  json config;
  PlannedTraining teacher;
};

Cell make_cell(const Suite& suite, const CellData& data, std::int64_t seed, Split split) {
  Cell cell{cell_config(suite, data, seed), plan_teacher(suite, data, seed, split)};
  json shared = cell.config;
  shared["teacher"] = cell.teacher.key;
  cell.teacher.cell_key = hash_hex(shared.dump());
  return cell;
}

// `planned` comes with control, trial, parameters, budget and split.
PlannedTraining plan_method(const Suite& suite, const Cell& cell, const MethodEntry& entry, PlannedTraining planned) {
  planned.method = entry.id;
  planned.seed = cell.teacher.seed;
  planned.cell_key = cell.teacher.cell_key;
  planned.fold = cell.teacher.fold;
  planned.weights_hash = weights_hash(suite.student);
  const Needs& needs = method_registry().get(entry.id).needs;
  if (needs.both_inputs) planned.other_weights_hash = weights_hash(suite.teacher);
  planned.teacher_key = needs.teacher ? cell.teacher.key : "";
  const MethodChoice choice{entry.id, planned.control, planned.parameters, planned.budget, planned.teacher_key};
  finish(suite, method_config(suite, cell.config, choice), planned);
  return planned;
}

// All trainings of one seed, the teacher first.
std::vector<PlannedTraining> plan_seed(const Suite& suite, const CellData& data, std::int64_t seed,
                                       const Winners& winners) {
  const Cell cell = make_cell(suite, data, seed, Split::kTest);
  std::vector<PlannedTraining> trainings{cell.teacher};
  for (const MethodEntry& entry : suite.methods) {
    if (entry.id == "teacher") continue;
    require_controllable(entry, method_registry().get(entry.id, entry.origin));
    PlannedTraining planned;
    planned.parameters = entry.section.values;
    planned.budget = suite.training.values;
    if (const auto winner = winners.find(entry.id); winner != winners.end()) {
      const Trial trial = draw_trial(suite, entry, winner->second);
      planned.parameters = trial.parameters;
      planned.budget = trial.budget;
    }
    trainings.push_back(plan_method(suite, cell, entry, planned));
    for (const std::string& control : entry.controls) {
      planned.control = control;
      trainings.push_back(plan_method(suite, cell, entry, planned));
    }
  }
  return trainings;
}

// All trials of one seed, the teacher first.
std::vector<PlannedTraining> plan_trials(const Suite& suite, const CellData& data, std::int64_t seed) {
  const Cell cell = make_cell(suite, data, seed, Split::kValidation);
  std::vector<PlannedTraining> trainings{cell.teacher};
  for (const MethodEntry& entry : suite.methods) {
    if (entry.id == "teacher") continue;
    for (std::int64_t number = 0; number < suite.tune.values.trials; ++number) {
      const Trial trial = draw_trial(suite, entry, number);
      PlannedTraining planned;
      planned.split = Split::kValidation;
      planned.trial = number;
      planned.parameters = trial.parameters;
      planned.budget = trial.budget;
      trainings.push_back(plan_method(suite, cell, entry, planned));
    }
  }
  return trainings;
}

// A training that is there already is judged by the new one's judge, too.
void add_training(const PlannedTraining& planned, Plan& plan) {
  const auto found = std::ranges::find(plan.trainings, planned.key, &PlannedTraining::key);
  if (found == plan.trainings.end()) {
    plan.trainings.push_back(planned);
    return;
  }
  std::vector<PlannedEvaluation>& known = found->evaluations;
  for (const PlannedEvaluation& evaluation : planned.evaluations) {
    if (std::ranges::find(known, evaluation.key, &PlannedEvaluation::key) == known.end()) known.push_back(evaluation);
  }
}

// Adds one seed's trainings, the teacher first, to the plan: links of all, and those to train that the filter wants.
void add_seed(const Suite& whole, const Suite& suite, std::vector<PlannedTraining> trainings, const PlanFilter& filter,
              bool shows_teacher, bool tuned, CellNumbers& cells, Plan& plan) {
  // A teacher that the suite does not show may be asked for by its key.
  bool teacher_needed = !filter.keys.empty() && wanted(filter, trainings.front());
  std::vector<PlannedTraining> chosen;
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    if (&suite != &whole) {
      trainings[i].variant = &suite - whole.variants.data();
      trainings[i].evaluations.front().variant = trainings[i].variant;
    }
    if (i == 0 && !shows_teacher) continue;
    plan.links.push_back(make_link(whole, suite, trainings[i], i, tuned));
    if (!wanted(filter, trainings[i])) continue;
    if (i > 0) chosen.push_back(trainings[i]);
    teacher_needed = teacher_needed || i == 0 || !trainings[i].teacher_key.empty();
  }
  if (teacher_needed) add_training(trainings.front(), plan);
  for (const PlannedTraining& planned : chosen) add_training(planned, plan);
  for (const PlannedTraining& planned : trainings) cells.add(planned.key, trainings.front().key);
}

// After what the whole plan has is known to be something: a part of it may be empty.
void keep_shard(const CellNumbers& cells, const PlanShard& shard, Plan& plan) {
  std::erase_if(plan.trainings, [&](const PlannedTraining& planned) { return !cells.is_in(planned.key, shard); });
}

void require_trainings(const Suite& suite, const Plan& plan) {
  if (!plan.trainings.empty()) return;
  std::vector<std::string> ids;
  for (const MethodEntry& entry : suite.methods) ids.push_back(entry.id);
  throw Error(ErrorKind::kNothingSelected, {"the filter selects no training of this suite", suite.file.string(),
                                            "methods: " + join(ids), "check --only and --seed"});
}

}  // namespace

const PlannedTraining* Plan::find(const std::string& key) const {
  const auto found = std::ranges::find(trainings, key, &PlannedTraining::key);
  return found == trainings.end() ? nullptr : &*found;
}

const Suite& suite_of(const Suite& suite, const PlannedTraining& planned) {
  return planned.variant < 0 ? suite : suite.variants.at(static_cast<std::size_t>(planned.variant));
}

const Suite& suite_of(const Suite& suite, const PlannedEvaluation& evaluation) {
  return evaluation.variant < 0 ? suite : suite.variants.at(static_cast<std::size_t>(evaluation.variant));
}

std::string cell_text(const Suite& suite, const PlannedTraining& planned) {
  std::string text = fmt::format("seed {}", planned.seed);
  if (!planned.fold.empty()) text += ", fold " + planned.fold;
  if (planned.variant >= 0) text += ", " + suite_of(suite, planned).condition();
  return text;
}

Plan make_plan(const Suite& suite, const PlanSource& source, const PlanFilter& filter, const Winners& winners) {
  Plan plan;
  CellNumbers cells;
  const bool lists_teacher = std::ranges::find(suite.methods, "teacher", &MethodEntry::id) != suite.methods.end();
  for (const Suite* one : suite.cases()) {
    for (const std::string& fold : one->folds(source.folds)) {
      for (const std::int64_t seed : one->seeds()) {
        add_seed(suite, *one, plan_seed(*one, {source.fingerprint, fold}, seed, winners), filter, lists_teacher,
                 !winners.empty(), cells, plan);
      }
    }
  }
  require_trainings(suite, plan);
  keep_shard(cells, filter.shard, plan);
  return plan;
}

Plan make_tuning_plan(const Suite& tuning_suite, const PlanSource& source, const PlanFilter& filter) {
  Plan plan;
  CellNumbers cells;
  const std::vector<std::string> folds = tuning_suite.folds(source.folds);
  if (folds.size() > 1) {
    throw Error(
        ErrorKind::kUsage,
        {"the validation clips of one official split are test clips of another: several cannot be tuned at once",
         tuning_suite.labels.origin("folds"), join(folds), "tune one: --set labels.folds=1, as a string"});
  }
  for (const std::int64_t seed : tuning_suite.seeds()) {
    add_seed(tuning_suite, tuning_suite, plan_trials(tuning_suite, {source.fingerprint, folds.front()}, seed), filter,
             /*shows_teacher=*/false, /*tuned=*/false, cells, plan);
  }
  require_trainings(tuning_suite, plan);
  keep_shard(cells, filter.shard, plan);
  return plan;
}

}  // namespace cmkd
