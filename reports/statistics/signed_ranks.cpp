#include <algorithm>
#include <cmath>
#include <vector>

#include "cmkd/reports/statistics/rank_tests.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

// P(|W⁺ − W⁻| ≥ observed) when each rank takes either sign with probability ½. Ranks doubled are whole numbers, ties
// and zeros included, so that the distribution of their sum is a table.
double exact_signed_rank_p(const std::vector<std::int64_t>& doubled, std::int64_t observed) {
  std::int64_t total = 0;
  for (const std::int64_t rank : doubled) total += rank;
  std::vector<double> probability(static_cast<std::size_t>(total) + 1);
  probability[0] = 1;
  std::int64_t reach = 0;
  for (const std::int64_t rank : doubled) {
    reach += rank;
    for (std::int64_t sum = reach; sum >= 0; --sum) {
      const double taken = sum >= rank ? probability[static_cast<std::size_t>(sum - rank)] : 0;
      double& here = probability[static_cast<std::size_t>(sum)];
      here = (here + taken) / 2;
    }
  }
  double p = 0;
  for (std::int64_t sum = 0; sum <= total; ++sum) {
    if (std::abs(2 * sum - total) >= observed) p += probability[static_cast<std::size_t>(sum)];
  }
  return std::min(1.0, p);
}

double normal_signed_rank_p(const std::vector<std::int64_t>& doubled, double difference) {
  double variance = 0;  // of W⁺ − W⁻
  for (const std::int64_t rank : doubled) variance += static_cast<double>(rank * rank) / 4;
  return variance == 0 ? 1 : std::erfc(std::abs(difference) / std::sqrt(2 * variance));
}

}  // namespace

SignedRankTest wilcoxon_signed_rank(std::span<const double> differences, double resolution) {
  require_statistic(!differences.empty(), "a signed-rank test of no differences");
  std::vector<double> below;  // −|d|, so that the smallest has rank 1
  double largest = 0;
  for (const double difference : differences) {
    below.push_back(-std::abs(difference));
    largest = std::max(largest, std::abs(difference));
  }
  const double tolerance = std::max(resolution, 1e-12 * largest);
  for (double& value : below) value = -value <= tolerance ? 0 : value;
  const std::vector<double> ranks = descending_ranks(below, tolerance);
  SignedRankTest test;
  std::vector<std::int64_t> doubled;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (below[i] == 0) continue;
    (differences[i] > 0 ? test.w_plus : test.w_minus) += ranks[i];
    doubled.push_back(static_cast<std::int64_t>(std::llround(2 * ranks[i])));
  }
  test.nonzero = static_cast<std::int64_t>(doubled.size());
  test.exact = differences.size() <= kMaximalExactSignedRanks;
  const double difference = test.w_plus - test.w_minus;
  test.p = test.exact ? exact_signed_rank_p(doubled, static_cast<std::int64_t>(std::llround(2 * std::abs(difference))))
                      : normal_signed_rank_p(doubled, difference);
  return test;
}

}  // namespace cmkd::reports
