// The stratified bootstrap: the seeds of each block are drawn with replacement within that block. Where the resamples
// are few, all of them are taken, each with its probability, and nothing is random; else they are drawn from a
// counter-based generator whose key is a hash of the values: the same values give the same draws everywhere.
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "cmkd/reports/statistics.h"

namespace cmkd::reports {

using Blocks = std::vector<std::vector<double>>;  // [block][seed]

// The values of a statistic over resamples.
struct Resamples {
  std::vector<double> values;   // ascending
  std::vector<double> weights;  // as many; sum 1
  bool exact = false;           // these are all resamples there are

  [[nodiscard]] double mean() const;
  [[nodiscard]] double variance() const;                       // of the distribution: no divisor n − 1
  [[nodiscard]] double share_below(double value) const;        // ties, within rounding, not counted
  [[nodiscard]] double share_at(double value) const;           // within rounding
  [[nodiscard]] double quantile(double share) const;           // the lowest value that at least this share reaches
  [[nodiscard]] Interval interval(double level = 0.95) const;  // percentiles, as rliable's
};
// From (value, weight) in any order. Requires one.
[[nodiscard]] Resamples resamples_of(std::vector<std::pair<double, double>> weighted, bool exact);

struct BootstrapPlan {
  std::int64_t draws = 50'000;         // where not all are taken
  std::int64_t exact_up_to = 250'000;  // the most resamples of which all are taken: one block of 10 seeds has 92,378
};
// For pairs of methods and profiles, of which there are many.
inline constexpr BootstrapPlan kSmallBootstrap{2'000, 20'000};

using Statistic = std::function<double(const Blocks&)>;
// Requires a block, and a seed in each.
[[nodiscard]] Resamples bootstrap(const Blocks& blocks, const Statistic& statistic, const BootstrapPlan& plan = {});

// Of two methods whose seeds are drawn independently of each other.
using TwoSampleStatistic = std::function<double(const Blocks&, const Blocks&)>;
[[nodiscard]] Resamples bootstrap_two(const Blocks& a, const Blocks& b, const TwoSampleStatistic& statistic,
                                      const BootstrapPlan& plan = kSmallBootstrap);

// --- The resamples themselves ---

// For each stratum of sizes[i] members, as many indices of members. Calls visit(indices, weight) for each resample;
// returns whether these were all of them. `key` names the draws.
using ResampleVisitor = std::function<void(const std::vector<std::vector<std::uint32_t>>& indices, double weight)>;
bool for_each_resample(std::span<const std::size_t> sizes, const BootstrapPlan& plan, std::uint64_t key,
                       const ResampleVisitor& visit);

// A hash of the values (−0 as 0) and of what they are drawn for.
[[nodiscard]] std::uint64_t content_key(std::string_view purpose, const Blocks& values);

}  // namespace cmkd::reports
