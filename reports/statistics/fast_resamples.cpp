// The two statistics that a leaderboard resamples most.
#include <algorithm>
#include <numeric>
#include <utility>

#include "cmkd/reports/statistics/aggregates.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

std::vector<std::size_t> seeds_in_blocks(const Blocks& blocks) {
  std::vector<std::size_t> sizes;
  for (const std::vector<double>& block : blocks) sizes.push_back(block.size());
  return sizes;
}

// All values ascending, and where each seed of each block stands among them.
struct SortedSeeds {
  std::vector<double> values;
  std::vector<std::vector<std::uint32_t>> places;
};

SortedSeeds sorted_seeds(const Blocks& blocks) {
  std::vector<std::pair<std::size_t, std::size_t>> seeds;
  SortedSeeds sorted;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    sorted.places.emplace_back(blocks[b].size());
    for (std::size_t i = 0; i < blocks[b].size(); ++i) seeds.emplace_back(b, i);
  }
  std::ranges::stable_sort(seeds, {}, [&](const auto& seed) { return blocks[seed.first][seed.second]; });
  for (std::size_t place = 0; place < seeds.size(); ++place) {
    const auto [b, i] = seeds[place];
    sorted.values.push_back(blocks[b][i]);
    sorted.places[b][i] = static_cast<std::uint32_t>(place);
  }
  return sorted;
}

// Of a multiset of the values, given how often each is in it.
double middle_half_mean(const std::vector<double>& values, const std::vector<std::uint32_t>& counts) {
  const std::size_t cut = values.size() / 4;
  const std::size_t end = values.size() - cut;
  double sum = 0;
  std::size_t reached = 0;
  for (std::size_t place = 0; reached < end; ++place) {
    const std::size_t next = reached + counts[place];
    const std::size_t from = std::max(reached, cut);
    const std::size_t to = std::min(next, end);
    if (to > from) sum += static_cast<double>(to - from) * values[place];
    reached = next;
  }
  return sum / static_cast<double>(end - cut);
}

// wins[i · |b| + j]: 2 where a's seed i is above b's seed j, 1 where they tie.
std::vector<std::uint32_t> wins_of(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<std::uint32_t> wins;
  for (const double left : a) {
    for (const double right : b) wins.push_back(left > right ? 2 : left == right ? 1 : 0);
  }
  return wins;
}

}  // namespace

Resamples resampled_interquartile_mean(const Blocks& blocks, const BootstrapPlan& plan) {
  const SortedSeeds sorted = sorted_seeds(blocks);
  std::vector<std::uint32_t> counts(sorted.values.size());
  std::vector<std::pair<double, double>> found;
  const bool exact = for_each_resample(seeds_in_blocks(blocks), plan, content_key("stratified bootstrap", blocks),
                                       [&](const auto& indices, double weight) {
                                         std::ranges::fill(counts, 0U);
                                         for (std::size_t b = 0; b < indices.size(); ++b) {
                                           for (const std::uint32_t i : indices[b]) ++counts[sorted.places[b][i]];
                                         }
                                         found.emplace_back(middle_half_mean(sorted.values, counts), weight);
                                       });
  return resamples_of(std::move(found), exact);
}

Resamples resampled_probability_of_improvement(const Blocks& a, const Blocks& b, const BootstrapPlan& plan) {
  require_statistic(a.size() == b.size() && !a.empty(), "methods with other numbers of blocks");
  Blocks both = a;
  both.insert(both.end(), b.begin(), b.end());
  std::vector<std::vector<std::uint32_t>> wins;
  for (std::size_t block = 0; block < a.size(); ++block) wins.push_back(wins_of(a[block], b[block]));
  std::vector<std::pair<double, double>> found;
  const bool exact = for_each_resample(seeds_in_blocks(both), plan, content_key("two-sample bootstrap", both),
                                       [&](const auto& indices, double weight) {
                                         double sum = 0;
                                         for (std::size_t block = 0; block < a.size(); ++block) {
                                           const std::size_t width = b[block].size();
                                           std::uint32_t won = 0;
                                           for (const std::uint32_t i : indices[block]) {
                                             const std::uint32_t* row = wins[block].data() + i * width;
                                             for (const std::uint32_t j : indices[a.size() + block]) won += row[j];
                                           }
                                           sum += won / (2.0 * static_cast<double>(a[block].size() * width));
                                         }
                                         found.emplace_back(sum / static_cast<double>(a.size()), weight);
                                       });
  return resamples_of(std::move(found), exact);
}

}  // namespace cmkd::reports
