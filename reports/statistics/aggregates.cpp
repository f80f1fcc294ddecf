#include "cmkd/reports/statistics/aggregates.h"

#include <algorithm>

#include "requirement.h"

namespace cmkd::reports {

namespace {

// Mean over the blocks of the mean of `of` in them.
template <typename Function>
double mean_in_blocks(const Blocks& blocks, Function of) {
  require_statistic(!blocks.empty(), "an aggregate of no block");
  double sum = 0;
  for (const std::vector<double>& block : blocks) {
    require_statistic(!block.empty(), "an aggregate of a block without seeds");
    double inner = 0;
    for (const double value : block) inner += of(value);
    sum += inner / static_cast<double>(block.size());
  }
  return sum / static_cast<double>(blocks.size());
}

}  // namespace

double interquartile_mean(const Blocks& blocks) {
  std::vector<double> all;
  for (const std::vector<double>& block : blocks) all.insert(all.end(), block.begin(), block.end());
  require_statistic(!all.empty(), "the interquartile mean of no values");
  const std::size_t cut = all.size() / 4;
  const auto low = all.begin() + static_cast<std::ptrdiff_t>(cut);
  const auto high = all.end() - static_cast<std::ptrdiff_t>(cut);
  // Sorted, so that the sum does not depend on the order of the seeds.
  std::ranges::sort(all);
  double sum = 0;
  for (auto value = low; value != high; ++value) sum += *value;
  return sum / static_cast<double>(high - low);
}

double mean_of_blocks(const Blocks& blocks) {
  return mean_in_blocks(blocks, [](double value) { return value; });
}

double median_of_blocks(const Blocks& blocks) {
  require_statistic(!blocks.empty(), "the median of no block");
  std::vector<double> means;
  for (const std::vector<double>& block : blocks) means.push_back(mean(block));
  std::ranges::sort(means);
  const std::size_t middle = means.size() / 2;
  return means.size() % 2 == 1 ? means[middle] : (means[middle - 1] + means[middle]) / 2;
}

double optimality_gap(const Blocks& blocks, double target) {
  return target - mean_in_blocks(blocks, [&](double value) { return std::min(value, target); });
}

double share_above(const Blocks& blocks, double threshold) {
  return mean_in_blocks(blocks, [&](double value) { return value > threshold ? 1.0 : 0.0; });
}

double probability_of_improvement(const Blocks& a, const Blocks& b) {
  require_statistic(a.size() == b.size() && !a.empty(), "methods with other numbers of blocks");
  double sum = 0;
  for (std::size_t block = 0; block < a.size(); ++block) {
    double wins = 0;
    for (const double left : a[block]) {
      for (const double right : b[block]) wins += left > right ? 1 : left == right ? 0.5 : 0;
    }
    require_statistic(!a[block].empty() && !b[block].empty(), "a block without seeds");
    sum += wins / static_cast<double>(a[block].size() * b[block].size());
  }
  return sum / static_cast<double>(a.size());
}

std::vector<ProfilePoint> performance_profile(const Blocks& blocks, std::span<const double> thresholds,
                                              const BootstrapPlan& plan) {
  std::vector<std::size_t> sizes;
  for (const std::vector<double>& block : blocks) sizes.push_back(block.size());
  std::vector<std::vector<std::pair<double, double>>> found(thresholds.size());
  Blocks resampled = blocks;
  const bool exact = for_each_resample(sizes, plan, content_key("performance profile", blocks),
                                       [&](const auto& indices, double weight) {
                                         for (std::size_t block = 0; block < blocks.size(); ++block) {
                                           for (std::size_t i = 0; i < sizes[block]; ++i)
                                             resampled[block][i] = blocks[block][indices[block][i]];
                                         }
                                         for (std::size_t i = 0; i < thresholds.size(); ++i)
                                           found[i].emplace_back(share_above(resampled, thresholds[i]), weight);
                                       });
  std::vector<ProfilePoint> points;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    points.push_back(
        {thresholds[i], share_above(blocks, thresholds[i]), resamples_of(std::move(found[i]), exact).interval()});
  }
  return points;
}

}  // namespace cmkd::reports
