#include "cmkd/reports/statistics/rank_tests.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "requirement.h"

namespace cmkd::reports {

namespace {

struct TieGroup {
  std::size_t size;
  double rank;
};

// Of the descending values; gives the groups of ties, too.
std::vector<double> rank_descending(std::span<const double> values, double tolerance, std::vector<TieGroup>& groups) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  groups.clear();
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[begin]] - values[order[end]] <= tolerance) ++end;
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    groups.push_back({end - begin, rank});
    begin = end;
  }
  return ranks;
}

void require_matrix(const ScoreMatrix& scores) {
  require_statistic(!scores.empty() && !scores.front().empty(), "ranks of no method or no block");
  for (const std::vector<double>& method : scores) {
    require_statistic(method.size() == scores.front().size(), "methods with other numbers of blocks");
  }
}

double tie_tolerance(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return 1e-12 * largest;
}

std::vector<double> block_scores(const ScoreMatrix& scores, std::size_t block) {
  std::vector<double> values;
  for (const std::vector<double>& method : scores) values.push_back(method[block]);
  return values;
}

}  // namespace

std::vector<double> descending_ranks(std::span<const double> values, double tolerance) {
  std::vector<TieGroup> groups;
  return rank_descending(values, tolerance, groups);
}

std::vector<double> mean_ranks(const ScoreMatrix& scores) {
  require_matrix(scores);
  const std::size_t blocks = scores.front().size();
  std::vector<double> sums(scores.size());
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::vector<double> values = block_scores(scores, block);
    const std::vector<double> ranks = descending_ranks(values, tie_tolerance(values));
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += ranks[i];
  }
  for (double& sum : sums) sum /= static_cast<double>(blocks);
  return sums;
}

std::optional<FriedmanTest> friedman_test(const ScoreMatrix& scores) {
  require_matrix(scores);
  const auto k = static_cast<double>(scores.size());
  const auto n = static_cast<double>(scores.front().size());
  if (k < 2 || n < 2) return std::nullopt;
  double tied = 0;  // Σ (t³ − t)
  std::vector<TieGroup> groups;
  for (std::size_t block = 0; block < scores.front().size(); ++block) {
    const std::vector<double> values = block_scores(scores, block);
    (void)rank_descending(values, tie_tolerance(values), groups);
    for (const TieGroup& group : groups)
      tied += std::pow(static_cast<double>(group.size), 3) - static_cast<double>(group.size);
  }
  const double correction = 1 - tied / (n * k * (k * k - 1));
  if (correction <= 0) return std::nullopt;
  double squares = 0;
  for (const double rank : mean_ranks(scores)) squares += (rank - (k + 1) / 2) * (rank - (k + 1) / 2);
  FriedmanTest test;
  test.chi2 = 12 * n / (k * (k + 1)) * squares / correction;
  test.chi2_p = boost::math::cdf(boost::math::complement(boost::math::chi_squared(k - 1), test.chi2));
  const double rest = n * (k - 1) - test.chi2;
  if (rest <= 1e-12 * n * (k - 1)) {
    test.f = std::numeric_limits<double>::infinity();
    test.f_p = 0;
    return test;
  }
  test.f = (n - 1) * test.chi2 / rest;
  test.f_p = boost::math::cdf(boost::math::complement(boost::math::fisher_f(k - 1, (k - 1) * (n - 1)), test.f));
  return test;
}

}  // namespace cmkd::reports
