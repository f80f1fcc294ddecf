// Mean ranks of methods with their bootstrap intervals, and the cliques of a critical-difference diagram. Pure
// functions, safe from any thread.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "cmkd/reports/statistics/bootstrap.h"

namespace cmkd::reports {

struct RankSummary {
  std::vector<double> mean_ranks;   // by method: mean over the blocks of the rank of its mean over the seeds; 1 is best
  std::vector<Interval> intervals;  // 95 %, of that number over resampled seeds
  bool exact = false;               // over all resamples
};
// scores[block][method][seed], higher is better. Within a block a resample takes the same seeds of every method where
// all have as many (they are paired, in the same order), and independent ones where they have not. Requires a block,
// the same methods in each, and a seed of each.
[[nodiscard]] RankSummary bootstrap_ranks(const std::vector<Blocks>& scores, const BootstrapPlan& plan = {});

// Longest runs of methods, by mean rank, in which no pair differs: adjusted[i][j] ≥ alpha for all of them. Positions in
// the order of the input (best rank first); runs of one method are left out.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> cliques(const std::vector<std::vector<double>>& adjusted,
                                                                       double alpha = 0.05);

}  // namespace cmkd::reports
