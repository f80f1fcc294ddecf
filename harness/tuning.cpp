#include "cmkd/harness/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/random.h"
#include "cmkd/methods/method.h"
#include "cmkd/suites/task.h"

namespace cmkd {

namespace {

double log_uniform(RandomStream& stream, double low, double high) {
  return std::exp(stream.uniform(std::log(low), std::log(high)));
}

// Four significant digits: a value that a person can copy, and that reads back as itself.
double rounded(double value) { return std::stod(fmt::format("{:.4g}", value)); }

ParameterValue drawn(const SearchRange& range, const ParameterSpec& spec, RandomStream& stream) {
  if (!range.choices.empty()) return range.choices[stream.below(range.choices.size())];
  if (spec.type == ParameterType::kInteger) {
    return stream.integer(static_cast<std::int64_t>(range.low), static_cast<std::int64_t>(range.high));
  }
  return rounded(range.logarithmic ? log_uniform(stream, range.low, range.high)
                                   : stream.uniform(range.low, range.high));
}

const ParameterSpec& spec_of(const MethodInfo& info, const std::string& name) {
  const auto found = std::ranges::find(info.parameters, name, &ParameterSpec::name);
  if (found == info.parameters.end()) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("method '{}' searches '{}', which it does not declare", info.id, name)});
  }
  return *found;
}

// A trial of its own stream: whatever one method declares shifts no other draw.
RandomStream stream_of(const Suite& suite, const std::string& purpose, std::int64_t number) {
  return RandomStreams("cmkd", suite.dataset, 0).stream(purpose, number);
}

void draw_budget(const Suite& suite, RandomStream stream, TrainingBudget& budget) {
  const SettingTable<TrainingBudget>& table = setting_table<TrainingBudget>();
  const double rate = budget.learning_rate;
  const double factor = suite.tune.values.learning_rate_factor;
  if (rate > 0) table.set(budget, "learning_rate", rounded(log_uniform(stream, rate / factor, rate * factor)));
  const double low = suite.tune.values.weight_decay_low;
  const double high = suite.tune.values.weight_decay_high;
  if (low > high) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("tune.weight_decay_low = {} is above weight_decay_high = {}", low, high),
                 .where = suite.file.string(),
                 .fix = "swap them"});
  }
  table.set(budget, "weight_decay", rounded(log_uniform(stream, low, high)));
}

}  // namespace

Trial draw_trial(const Suite& suite, const MethodEntry& entry, std::int64_t number) {
  const MethodInfo& info = method_registry().get(entry.id, entry.origin);
  Trial trial{number, entry.section.values, suite.training.values};
  if (number == 0) return trial;
  draw_budget(suite, stream_of(suite, "tune-budget-" + entry.id, number), trial.budget);
  for (const SearchRange& range : info.search) {
    // A stream for each: a further range changes no other draw.
    RandomStream stream = stream_of(suite, "tune-" + entry.id + "-" + range.parameter, number);
    trial.parameters.set(range.parameter, drawn(range, spec_of(info, range.parameter), stream));
  }
  return trial;
}

Suite tuning_suite(const Suite& suite) {
  Suite tuning = suite;
  tuning.name = suite.name + "-tuning";
  tuning.variants.clear();  // the setting without the sweep is tuned, for all of its levels
  tuning.general.values.title += " (tuning)";
  tuning.general.set("seeds", suite.tune.values.seeds);
  tuning.general.set("first_seed", suite.tune.values.first_seed);
  if (suite.labels.values.validation_clips == 0) {
    tuning.labels.values.validation_clips = suite.tune.values.validation_clips;
  }
  const std::vector<std::int64_t> seeds = suite.seeds();
  const std::set<std::int64_t> reported(seeds.begin(), seeds.end());
  for (const std::int64_t seed : tuning.seeds()) {
    if (!reported.contains(seed)) continue;
    throw Error(ErrorKind::kUsage,
                {fmt::format("tune.first_seed: seed {} is tuned on and reported", seed), suite.file.string(),
                 "seeds that the suite does not report", "set tune.first_seed beyond the suite's seeds"});
  }
  return tuning;
}

Suite tuned_suite(const Suite& suite) {
  Suite tuned = suite;
  tuned.name = suite.name + "-tuned";
  tuned.general.values.title += " (tuned)";
  return tuned;
}

void check_tuning(const Suite& tuning_suite, const SuiteData& data) {
  for (const std::int64_t seed : tuning_suite.seeds()) {
    if (!data.roles(tuning_suite, seed, data.folds(tuning_suite).front()).validation.empty()) continue;
    throw Error(
        ErrorKind::kUsage,
        {.what = "tuning needs validation clips, and this suite has none: the reported split must not choose anything",
         .where = tuning_suite.file.string(),
         .fix = "set tune.validation_clips (for tuning alone) or labels.validation_clips, for example --set "
                "tune.validation_clips=200"});
  }
}

namespace {

// Mean of what is in the store; −1 when every seed failed, nothing while one is missing.
std::optional<double> trial_value(const std::vector<const PlannedTraining*>& seeds, const std::string& primary,
                                  const results::Store& store) {
  double sum = 0;
  std::int64_t count = 0;
  for (const PlannedTraining* planned : seeds) {
    const auto status = store.status(planned->key);
    if (!status) return std::nullopt;
    // A trial that fails is a setting that does not work: it wins nothing.
    if (*status == results::RunStatus::kFailed) continue;
    const auto evaluation = store.evaluation(planned->evaluation().key);
    if (!evaluation) return std::nullopt;
    for (const results::MetricValue& metric : evaluation->metrics) {
      if (metric.name != primary || metric.split != to_string(Split::kValidation)) continue;
      sum += metric.value;
      ++count;
    }
  }
  if (count < static_cast<std::int64_t>(seeds.size())) return -1.0;
  return sum / static_cast<double>(count);
}

}  // namespace

std::int64_t stored_trials(const Suite& suite, const results::Store& store) {
  std::int64_t trials = 0;
  for (const results::LeaderboardRow& row : store.leaderboard_rows(suite.name + "-tuning")) {
    if (row.link.trial) trials = std::max(trials, *row.link.trial + 1);
  }
  return trials;
}

std::vector<TuningResult> tuning_results(const Suite& suite, const PlanSource& source, const results::Store& store,
                                         const PlanFilter& filter) {
  Suite stored = suite;
  const std::int64_t count = stored_trials(suite, store);
  if (count == 0) {
    throw Error(ErrorKind::kUsage, {.what = "nothing is tuned here yet",
                                    .where = store.path().string(),
                                    .fix = fmt::format("run 'cmkd tune {}' first", suite.file.generic_string())});
  }
  stored.tune.set("trials", count);
  const Plan plan = make_tuning_plan(tuning_suite(stored), source, filter);
  std::map<std::string, std::map<std::int64_t, std::vector<const PlannedTraining*>>> trials;
  std::vector<std::string> order;
  for (const PlannedTraining& planned : plan.trainings) {
    if (planned.is_teacher) continue;
    if (!trials.contains(planned.method)) order.push_back(planned.method);
    trials[planned.method][planned.trial].push_back(&planned);
  }
  const std::string& primary = task_info(suite.general.values.task).primary_metric;
  std::vector<TuningResult> results;
  std::vector<std::string> unfinished;
  for (const std::string& method : order) {
    TuningResult result{method, {}, 0};
    for (const auto& [number, seeds] : trials[method]) {
      const std::optional<double> value = trial_value(seeds, primary, store);
      if (!value) break;
      result.values.push_back(*value);
    }
    if (result.values.size() < trials[method].size()) {
      unfinished.push_back(method);
      continue;
    }
    result.winner = std::ranges::max_element(result.values) - result.values.begin();
    results.push_back(std::move(result));
  }
  if (!unfinished.empty()) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("the tuning of {} trials is not finished for: {}", count, join(unfinished)),
                 .where = store.path().string(),
                 .fix = fmt::format("run 'cmkd tune {} --trials {}' to its end", suite.file.generic_string(), count)});
  }
  return results;
}

Winners winners_of(const std::vector<TuningResult>& results) {
  Winners winners;
  for (const TuningResult& result : results) {
    if (result.values[static_cast<std::size_t>(result.winner)] < 0) {
      throw Error(ErrorKind::kUsage,
                  {.what = fmt::format("every trial of method '{}' failed: none can be run", result.method),
                   .fix = "see the reasons with 'cmkd status'; mend the method or its search space, and "
                          "tune again with --retry-failed"});
    }
    winners[result.method] = result.winner;
  }
  return winners;
}

std::string trial_text(const Suite& suite, const MethodEntry& entry, std::int64_t number) {
  const Trial trial = draw_trial(suite, entry, number);
  std::vector<std::string> parts;
  const auto add_changed = [&](const ParameterValues& now, const ParameterValues& before) {
    for (const auto& [name, value] : now) {
      if (value != before.at(name)) parts.push_back(fmt::format("{} = {}", name, to_text(value)));
    }
  };
  add_changed(setting_table<TrainingBudget>().values(trial.budget), suite.training.by_name());
  add_changed(trial.parameters.values(), entry.section.by_name());
  return parts.empty() ? "the suite's own values" : join(parts);
}

}  // namespace cmkd
