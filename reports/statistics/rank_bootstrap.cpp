#include "cmkd/reports/statistics/rank_bootstrap.h"

#include <algorithm>
#include <cmath>

#include "cmkd/reports/statistics/rank_tests.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

// Which strata of the resampler a block's methods read: one for all, or one each.
struct RankBlock {
  const Blocks* methods;
  std::size_t first;
  bool paired;
};

std::vector<double> ranks_of_means(const std::vector<double>& means) {
  double largest = 0;
  for (const double value : means) largest = std::max(largest, std::abs(value));
  return descending_ranks(means, 1e-12 * largest);
}

bool has_equal_seeds(const Blocks& methods) {
  return std::ranges::all_of(methods, [&](const auto& seeds) { return seeds.size() == methods.front().size(); });
}

}  // namespace

RankSummary bootstrap_ranks(const std::vector<Blocks>& scores, const BootstrapPlan& plan) {
  require_statistic(!scores.empty() && !scores.front().empty(), "ranks of no method or no block");
  const std::size_t methods = scores.front().size();
  std::vector<RankBlock> blocks;
  std::vector<std::size_t> sizes;
  Blocks all;
  RankSummary summary;
  summary.mean_ranks.resize(methods);
  for (const Blocks& block : scores) {
    require_statistic(block.size() == methods, "blocks with other methods");
    blocks.push_back({&block, sizes.size(), has_equal_seeds(block)});
    for (std::size_t m = 0; m < (blocks.back().paired ? 1 : methods); ++m) sizes.push_back(block[m].size());
    all.insert(all.end(), block.begin(), block.end());
    std::vector<double> means;
    for (const std::vector<double>& seeds : block) means.push_back(mean(seeds));
    const std::vector<double> ranks = ranks_of_means(means);
    for (std::size_t m = 0; m < methods; ++m) summary.mean_ranks[m] += ranks[m] / static_cast<double>(scores.size());
  }
  std::vector<std::vector<std::pair<double, double>>> found(methods);
  std::vector<double> sums(methods);
  std::vector<double> means(methods);
  summary.exact = for_each_resample(sizes, plan, content_key("ranks", all), [&](const auto& indices, double weight) {
    std::ranges::fill(sums, 0.0);
    for (const RankBlock& block : blocks) {
      for (std::size_t m = 0; m < methods; ++m) {
        const std::vector<double>& seeds = (*block.methods)[m];
        double sum = 0;
        for (const std::uint32_t i : indices[block.first + (block.paired ? 0 : m)]) sum += seeds[i];
        means[m] = sum / static_cast<double>(seeds.size());
      }
      const std::vector<double> ranks = ranks_of_means(means);
      for (std::size_t m = 0; m < methods; ++m) sums[m] += ranks[m];
    }
    for (std::size_t m = 0; m < methods; ++m)
      found[m].emplace_back(sums[m] / static_cast<double>(scores.size()), weight);
  });
  for (auto& one : found) summary.intervals.push_back(resamples_of(std::move(one), summary.exact).interval());
  return summary;
}

std::vector<std::pair<std::size_t, std::size_t>> cliques(const std::vector<std::vector<double>>& adjusted,
                                                         double alpha) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t first = 0; first < adjusted.size(); ++first) {
    std::size_t last = first;
    const auto joins = [&](std::size_t next) {
      for (std::size_t i = first; i < next; ++i) {
        if (adjusted[i][next] < alpha) return false;
      }
      return true;
    };
    while (last + 1 < adjusted.size() && joins(last + 1)) ++last;
    const bool is_new = found.empty() || found.back().second < last;
    if (last > first && is_new) found.emplace_back(first, last);
  }
  return found;
}

}  // namespace cmkd::reports
