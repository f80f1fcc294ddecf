// The tuning behind a leaderboard: each method's trials, and what its best validation value is expected to be after k
// of them, so that methods are compared at equal budgets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cmkd/results/store.h"

namespace cmkd::reports {

// One method's trials, judged on the validation clips.
struct TunedMethod {
  std::string name;
  std::vector<std::optional<double>> values;  // by trial, mean over its seeds; nothing where a seed failed
  std::optional<std::int64_t> winner;         // the highest, the lower number of equals; nothing when all failed
  std::string winning_values;                 // "learning_rate = 0.0031, weight = 0.8", against those of trial 0
  std::vector<double> best_of;                // [k − 1]: expected best value of k trials; a failed one counts as 0
};

struct Tuning {
  std::string metric;  // "top1"
  std::int64_t seeds = 0;
  std::int64_t trials = 0;           // of the method with most
  std::int64_t unfinished = 0;       // trainings that are wanted and neither done nor failed
  std::vector<TunedMethod> methods;  // in the suite's order
};

// Expected maximum of k values drawn with replacement from `values` (Dodge et al. 2019, "Show Your Work", arXiv
// 1909.03004, equation 8): Σ_v v (P(V ≤ v)^k − P(V < v)^k). Requires a value and k ≥ 1.
[[nodiscard]] double expected_best(std::span<const double> values, std::int64_t k);

// From the rows of a tuning suite ("quick-tuning"); nothing when there is none.
[[nodiscard]] std::optional<Tuning> build_tuning(const std::vector<results::LeaderboardRow>& rows);

}  // namespace cmkd::reports
