// One number for a method over all data sets and seeds (Agarwal et al., "Deep reinforcement learning at the edge of the
// statistical precipice", NeurIPS 2021; as rliable computes it), to be given to `bootstrap`. Higher is better.
// Each requires a block, and a seed in each. Pure functions, safe from any thread.
#pragma once

#include <span>
#include <vector>

#include "cmkd/reports/statistics/bootstrap.h"

namespace cmkd::reports {

// Mean of the middle half of all values: ⌊n/4⌋ are left out at each end.
[[nodiscard]] double interquartile_mean(const Blocks& blocks);

[[nodiscard]] double mean_of_blocks(const Blocks& blocks);    // mean over the blocks of their means
[[nodiscard]] double median_of_blocks(const Blocks& blocks);  // median over the blocks of their means

// How far the values fall short of `target`: mean of target − min(value, target).
[[nodiscard]] double optimality_gap(const Blocks& blocks, double target = 1);

// Share of the values above `threshold`, averaged over the blocks: P(score > τ).
[[nodiscard]] double share_above(const Blocks& blocks, double threshold);

// Mean over the blocks of P(a > b) + ½ P(a = b), a and b any seeds. Requires as many blocks of both.
[[nodiscard]] double probability_of_improvement(const Blocks& a, const Blocks& b);

// As bootstrap(blocks, interquartile_mean) and bootstrap_two(a, b, probability_of_improvement), of the same resamples,
// but sorted and compared once instead of in each.
[[nodiscard]] Resamples resampled_interquartile_mean(const Blocks& blocks, const BootstrapPlan& plan = {});
[[nodiscard]] Resamples resampled_probability_of_improvement(const Blocks& a, const Blocks& b,
                                                             const BootstrapPlan& plan = kSmallBootstrap);

struct ProfilePoint {
  double threshold = 0;
  double share = 0;   // of the values above it
  Interval interval;  // 95 %, over resampled seeds
};
// At each threshold, all read from the same resamples.
[[nodiscard]] std::vector<ProfilePoint> performance_profile(const Blocks& blocks, std::span<const double> thresholds,
                                                            const BootstrapPlan& plan = kSmallBootstrap);

}  // namespace cmkd::reports
