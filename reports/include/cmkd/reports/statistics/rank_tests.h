// Tests that read ranks alone: Wilcoxon's signed ranks for two methods, Friedman and Iman–Davenport for many, Nemenyi's
// distance. A block is a data set, with a method's seeds averaged in it: seeds as blocks would be pseudo-replication.
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cmkd::reports {

// Rank 1 is the highest value. Ties, values within `tolerance` of the highest of their group, share their mean rank.
[[nodiscard]] std::vector<double> descending_ranks(std::span<const double> values, double tolerance = 0);

// Wilcoxon's signed-rank test with Pratt's zeros: zeros are ranked with the others, then left out.
struct SignedRankTest {
  double w_plus = 0;         // sum of the ranks of the positive differences
  double w_minus = 0;        // of the negative ones
  std::int64_t nonzero = 0;  // m
  double p = 1;              // two-sided
  bool exact = true;  // the share of the 2^m sign patterns with |W⁺ − W⁻| at least the observed one; else by the normal
                      // distribution with the moments of the ranks at hand, without continuity correction
};
// Up to here the test is exact, with ties and zeros, too.
inline constexpr std::size_t kMaximalExactSignedRanks = 50;
// Differences within `resolution` count as equal (and as zero); at least 1e-12 of the largest is taken, since equal
// differences of fractions differ by rounding. Requires at least one difference.
[[nodiscard]] SignedRankTest wilcoxon_signed_rank(std::span<const double> differences, double resolution = 0);

// scores[method][block], higher is better. Requires at least one of each, and as many blocks for each method.
using ScoreMatrix = std::vector<std::vector<double>>;

// Mean over the blocks of each method's rank.
[[nodiscard]] std::vector<double> mean_ranks(const ScoreMatrix& scores);

struct FriedmanTest {
  double chi2 = 0;  // corrected for ties; k − 1 degrees of freedom
  double chi2_p = 1;
  double f = 0;  // Iman and Davenport (1980): (n − 1) χ² / (n (k − 1) − χ²); infinite where all blocks agree
  double f_p = 1;
};
// Nothing below two methods or two blocks, and where every block ties all methods.
[[nodiscard]] std::optional<FriedmanTest> friedman_test(const ScoreMatrix& scores);

// Distribution function of the range of `groups` independent standard normals (infinite degrees of freedom), and the
// value that it exceeds with probability `alpha`. Require q ≥ 0, groups ≥ 2, alpha in (0, 1).
[[nodiscard]] double studentized_range_cdf(double q, std::int64_t groups);
[[nodiscard]] double studentized_range_quantile(double alpha, std::int64_t groups);

// Mean ranks further apart differ at `alpha` (Nemenyi; Demšar, JMLR 7, 2006): q/√2 · √(k (k + 1) / (6 n)).
[[nodiscard]] double nemenyi_distance(std::int64_t methods, std::int64_t blocks, double alpha = 0.05);

}  // namespace cmkd::reports
