#include "cmkd/reports/statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "requirement.h"

namespace cmkd::reports {

namespace {

// Sums in another order differ by rounding: what is that near is a tie.
double rounding_of(const std::vector<double>& ascending, double value) {
  return 1e-12 * std::max({std::abs(ascending.front()), std::abs(ascending.back()), std::abs(value)});
}

void gather(const Blocks& from, const std::vector<std::vector<std::uint32_t>>& indices, std::size_t first,
            Blocks& into) {
  for (std::size_t block = 0; block < from.size(); ++block) {
    const std::vector<std::uint32_t>& chosen = indices[first + block];
    for (std::size_t i = 0; i < chosen.size(); ++i) into[block][i] = from[block][chosen[i]];
  }
}

std::vector<std::size_t> sizes_of(const Blocks& blocks) {
  std::vector<std::size_t> sizes;
  for (const std::vector<double>& block : blocks) sizes.push_back(block.size());
  return sizes;
}

}  // namespace

double Resamples::mean() const {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
  return sum;
}

double Resamples::variance() const {
  const double centre = mean();
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] * (values[i] - centre) * (values[i] - centre);
  return sum;
}

double Resamples::share_below(double value) const {
  const double limit = value - rounding_of(values, value);
  double sum = 0;
  for (std::size_t i = 0; i < values.size() && values[i] < limit; ++i) sum += weights[i];
  return sum;
}

double Resamples::share_at(double value) const {
  const double rounding = rounding_of(values, value);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += std::abs(values[i] - value) <= rounding ? weights[i] : 0;
  return sum;
}

double Resamples::quantile(double share) const {
  require_statistic(share >= 0 && share <= 1, "a quantile outside [0, 1]");
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += weights[i];
    if (sum >= share - 1e-9) return values[i];
  }
  return values.back();
}

Interval Resamples::interval(double level) const { return {quantile((1 - level) / 2), quantile((1 + level) / 2)}; }

Resamples resamples_of(std::vector<std::pair<double, double>> weighted, bool exact) {
  require_statistic(!weighted.empty(), "a distribution of no resample");
  std::ranges::sort(weighted);
  Resamples result;
  result.exact = exact;
  result.values.reserve(weighted.size());
  result.weights.reserve(weighted.size());
  for (const auto& [value, weight] : weighted) {
    result.values.push_back(value);
    result.weights.push_back(weight);
  }
  return result;
}

Resamples bootstrap(const Blocks& blocks, const Statistic& statistic, const BootstrapPlan& plan) {
  Blocks resampled = blocks;
  std::vector<std::pair<double, double>> found;
  const bool exact = for_each_resample(sizes_of(blocks), plan, content_key("stratified bootstrap", blocks),
                                       [&](const auto& indices, double weight) {
                                         gather(blocks, indices, 0, resampled);
                                         found.emplace_back(statistic(resampled), weight);
                                       });
  return resamples_of(std::move(found), exact);
}

Resamples bootstrap_two(const Blocks& a, const Blocks& b, const TwoSampleStatistic& statistic,
                        const BootstrapPlan& plan) {
  Blocks both = a;
  both.insert(both.end(), b.begin(), b.end());
  Blocks left = a;
  Blocks right = b;
  std::vector<std::pair<double, double>> found;
  const bool exact = for_each_resample(sizes_of(both), plan, content_key("two-sample bootstrap", both),
                                       [&](const auto& indices, double weight) {
                                         gather(a, indices, 0, left);
                                         gather(b, indices, a.size(), right);
                                         found.emplace_back(statistic(left, right), weight);
                                       });
  return resamples_of(std::move(found), exact);
}

}  // namespace cmkd::reports
