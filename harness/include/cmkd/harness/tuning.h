// The same tuning budget for every method: trials drawn at random, judged on the validation clips, with seeds that are
// never reported. Trial 0 is the suite's own setting; trial k is the same whatever the number of trials, the other
// methods and the order in which they run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/results/store.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// The values of one trial of one method.
struct Trial {
  std::int64_t number = 0;
  Parameters parameters;  // of the method
  TrainingBudget budget;  // [training]
};

// What is varied, for `describe` and the report: the method's own search space and, for every method, learning rate and
// weight decay of [training].
[[nodiscard]] Trial draw_trial(const Suite& suite, const MethodEntry& entry, std::int64_t number);

// The suite whose trainings are trials: its own name ("quick-tuning"), the seeds of [tune] and, where the suite has no
// validation clips, those of [tune]. Throws Error(kUsage) when a seed of [tune] is one of the reported.
[[nodiscard]] Suite tuning_suite(const Suite& suite);
// The name under which tuned runs are linked, so that both leaderboards stand beside each other: "quick-tuned".
[[nodiscard]] Suite tuned_suite(const Suite& suite);

// Throws Error(kUsage) when a seed has no validation clip, saying which setting gives them.
void check_tuning(const Suite& tuning_suite, const SuiteData& data);

struct TuningResult {
  std::string method;
  std::vector<double> values;  // by trial: mean validation top-1 over the seeds; −1 where one of them failed
  std::int64_t winner = 0;     // highest value, the lower number of equals
};

// Trials a method of the last `cmkd tune` of this suite; 0 when there was none. What has been tuned is in the store,
// not in the settings of the command that asks.
[[nodiscard]] std::int64_t stored_trials(const Suite& suite, const results::Store& store);

// Of the methods that `filter` wants. Throws Error(kUsage) naming the methods whose trials are not all in the store.
[[nodiscard]] std::vector<TuningResult> tuning_results(const Suite& suite, const PlanSource& source,
                                                       const results::Store& store, const PlanFilter& filter);
// Throws Error(kUsage) for a method whose trials all failed.
[[nodiscard]] Winners winners_of(const std::vector<TuningResult>& results);

// "learning_rate = 0.0031, weight = 0.8": what the trial sets of the suite's own values.
[[nodiscard]] std::string trial_text(const Suite& suite, const MethodEntry& entry, std::int64_t number);

}  // namespace cmkd
