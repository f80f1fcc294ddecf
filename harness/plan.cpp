#include "cmkd/harness/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/keys.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/methods/method.h"
#include "cmkd/suites/task.h"

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

// Of one seed, or of all of them.
std::string rerun_command(const Suite& suite, const PlannedTraining& planned, bool tuned, bool all_seeds) {
  const std::string file = suite.file.generic_string();
  if (planned.split != Split::kTest) return fmt::format("cmkd tune {} --only '{}'", file, planned.method);
  const std::string seed = all_seeds ? "" : fmt::format(" --seed {}", planned.seed);
  return fmt::format("cmkd run {} --only '{}'{}{}", file, planned.label, seed, tuned ? " --tuned" : "");
}

results::RowRole role_of(const PlannedTraining& planned) {
  if (!planned.control.empty()) return results::RowRole::kControl;
  switch (method_registry().get(planned.method).role) {
    case MethodRole::kLowerBound:
      return results::RowRole::kLowerBound;
    case MethodRole::kCeiling:
      return results::RowRole::kCeiling;
    case MethodRole::kTeacher:
      return results::RowRole::kTeacher;
    case MethodRole::kUpperBound:
      return results::RowRole::kUpperBound;
    case MethodRole::kMethod:
    case MethodRole::kUntrained:
      break;
  }
  return results::RowRole::kMethod;
}

results::SuiteLink make_link(const Suite& whole, const Suite& suite, const PlannedTraining& planned,
                             std::size_t position, bool tuned) {
  results::SuiteLink link = link_of_suite(whole, suite);
  link.method_order = fmt::format("{:04}", position);
  link.method = planned.method;
  link.control = planned.control;
  link.label = planned.label;
  link.role = role_of(planned);
  link.student_model = planned.is_teacher ? suite.teacher.id : suite.student.id;
  link.seed = planned.seed;
  if (planned.trial >= 0) link.trial = planned.trial;
  link.fold = planned.fold;
  link.training_key = planned.key;
  link.evaluation_key = planned.evaluation().key;
  link.rerun_command = rerun_command(suite, planned, tuned, /*all_seeds=*/false);
  link.row_rerun_command = rerun_command(suite, planned, tuned, /*all_seeds=*/true);
  return link;
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

// Which cell, by number in the order of the plan, each training was planned for first. Cells with one teacher are one.
class CellNumbers {
 public:
  void add(const std::string& training_key, const std::string& teacher_key) {
    const auto cell = cells_.emplace(teacher_key, static_cast<std::int64_t>(cells_.size())).first->second;
    trainings_.emplace(training_key, cell);
  }
  [[nodiscard]] bool is_in(const std::string& training_key, const PlanShard& shard) const {
    return trainings_.at(training_key) % shard.count == shard.index;
  }

 private:
  std::map<std::string, std::int64_t> cells_;      // by their teacher's key
  std::map<std::string, std::int64_t> trainings_;  // by key
};

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

PlanShard parse_shard(const std::string& text) {
  PlanShard shard;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto count = slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
  if (slash && count.ec == std::errc() && count.ptr == end && shard.index >= 0 && shard.index < shard.count)
    return shard;
  throw Error(ErrorKind::kUsage, {.what = fmt::format("'{}' is no part of a plan", text),
                                  .where = "--shard",
                                  .allowed = "I/N with I from 0 to N - 1",
                                  .fix = "of 4 machines the first takes --shard 0/4, the last --shard 3/4"});
}

results::SuiteLink link_of_suite(const Suite& whole, const Suite& suite) {
  results::SuiteLink link;
  link.suite = whole.name;
  link.suite_title = whole.general.values.title;
  link.suite_file = whole.file.generic_string();
  link.task = to_string(suite.general.values.task);
  link.dataset = suite.dataset;
  link.direction = suite.direction();
  link.protocol = to_string(suite.general.values.protocol);
  link.primary_metric = task_info(link.task).primary_metric;
  link.swept_setting = suite.swept_setting;
  link.swept_value = suite.swept_value;
  link.level = suite.level;
  return link;
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
