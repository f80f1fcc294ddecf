#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <numbers>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/statistics/p_values.h"
#include "cmkd/reports/statistics/rank_bootstrap.h"
#include "cmkd/reports/statistics/rank_tests.h"

namespace cmkd::reports {
namespace {

TEST_CASE("ties share the mean of their ranks, from the highest value down") {
  CHECK(descending_ranks(std::vector<double>{0.5, 0.9, 0.5, 0.1}) == std::vector<double>{2.5, 1, 2.5, 4});
  CHECK(descending_ranks(std::vector<double>{0.3, 0.3 + 1e-15, 0.1}, 1e-12) == std::vector<double>{1.5, 1.5, 3});
}

// The share of the sign patterns of the non-zero ranks whose |W⁺ − W⁻| is at least the observed one.
double enumerated_signed_rank_p(const std::vector<double>& ranks, double observed) {
  std::size_t as_extreme = 0;
  for (std::size_t pattern = 0; pattern < (std::size_t{1} << ranks.size()); ++pattern) {
    double sum = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) sum += ((pattern >> i) & 1U) != 0 ? ranks[i] : -ranks[i];
    if (std::abs(sum) >= observed) ++as_extreme;
  }
  return static_cast<double>(as_extreme) / static_cast<double>(std::size_t{1} << ranks.size());
}

TEST_CASE("the signed-rank test ranks zeros, leaves them out, and counts every sign pattern") {
  // |d| ascending: 0, 0, 1, 2, 2, 3 have ranks 1.5, 1.5, 3, 4.5, 4.5, 6.
  const std::vector<double> differences{2, 0, -1, 3, 0, 2};
  const SignedRankTest test = wilcoxon_signed_rank(differences);
  CHECK(test.w_plus == 15);
  CHECK(test.w_minus == 3);
  CHECK(test.nonzero == 4);
  CHECK(test.exact);
  CHECK(test.p == Approx(enumerated_signed_rank_p({3, 4.5, 4.5, 6}, 12)).margin(1e-15));
}

TEST_CASE("differences of nothing but zeros give a signed-rank p of one") {
  const SignedRankTest test = wilcoxon_signed_rank(std::vector<double>(4, 0.0));
  CHECK(test.p == 1);
  CHECK(test.nonzero == 0);
}

TEST_CASE("five differences of one sign cannot reach 0.05, six can") {
  CHECK(wilcoxon_signed_rank(std::vector<double>{1, 2, 3, 4, 5}).p == 0.0625);
  CHECK(wilcoxon_signed_rank(std::vector<double>{1, 2, 3, 4, 5, 6}).p == 0.03125);
}

TEST_CASE("above fifty differences the signed-rank test is the normal one of the reference") {
  // d = 1 … 60, every third negative: W⁻ = 3 + 6 + … + 60 = 630, W⁺ = 1830 − 630 = 1200; variance of W⁺ is
  // 60 · 61 · 121 / 24 = 18452.5, z = (630 − 915) / √18452.5, p = erfc(|z| / √2).
  std::vector<double> differences;
  for (int i = 1; i <= 60; ++i) differences.push_back(i % 3 == 0 ? -i : i);
  const SignedRankTest test = wilcoxon_signed_rank(differences);
  CHECK_FALSE(test.exact);
  CHECK(test.p == Approx(std::erfc(285 / std::sqrt(18452.5) / std::numbers::sqrt2)).epsilon(1e-12));
}

TEST_CASE("Holm's correction is monotone, at most one, and keeps the order of its input") {
  // Sorted 0.01, 0.03, 0.04: times 3, 2, 1 is 0.03, 0.06, 0.04, and the last may not be below 0.06.
  const std::vector<double> adjusted = holm_adjusted(std::vector<double>{0.04, 0.01, 0.03});
  CHECK(adjusted[0] == Approx(0.06));
  CHECK(adjusted[1] == Approx(0.03));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(holm_adjusted(std::vector<double>{0.9, 0.8}) == std::vector<double>{1, 1});
  CHECK(holm_adjusted({}).empty());
  CHECK_THROWS_AS(holm_adjusted(std::vector<double>{1.5}), Error);
}

TEST_CASE("McNemar's test is the binomial one of the clips on which one method alone is right") {
  // 2 (C(5, 0) + C(5, 1)) / 2^5
  CHECK(mcnemar_exact_p(1, 4) == Approx(0.375).epsilon(1e-12));
  CHECK(mcnemar_exact_p(4, 1) == mcnemar_exact_p(1, 4));
  CHECK(mcnemar_exact_p(3, 3) == 1);
  CHECK(mcnemar_exact_p(0, 0) == 1);
  CHECK_THROWS_AS(mcnemar_exact_p(-1, 2), Error);
}

TEST_CASE("Friedman's statistic of blocks that all agree is the largest there is, and F is infinite") {
  const ScoreMatrix scores{{0.9, 0.8, 0.7}, {0.5, 0.6, 0.5}, {0.1, 0.2, 0.3}};
  const FriedmanTest test = friedman_test(scores).value();
  CHECK(test.chi2 == Approx(6));  // n (k − 1)
  CHECK(std::isinf(test.f));
  CHECK(test.f_p == 0);
  CHECK(mean_ranks(scores) == std::vector<double>{1, 2, 3});
}

TEST_CASE("where every block ties all methods there is no omnibus test") {
  CHECK_FALSE(friedman_test({{0.5, 0.5}, {0.5, 0.5}}).has_value());
  CHECK_FALSE(friedman_test({{0.5, 0.6}}).has_value());
  CHECK_THROWS_AS(friedman_test({{0.5, 0.6}, {0.5}}), Error);
}

TEST_CASE("the range of two normals is √2 times the absolute value of one") {
  for (const double q : {0.5, 1.0, 2.7718, 5.0}) {
    CHECK(studentized_range_cdf(q, 2) == Approx(std::erf(q / 2)).epsilon(1e-13));
  }
  CHECK(studentized_range_cdf(0, 3) == 0);
  CHECK(studentized_range_quantile(0.05, 2) == Approx(1.959963984540054 * std::numbers::sqrt2).epsilon(1e-12));
}

TEST_CASE("a clique is a longest run of methods without a pair that differs") {
  const auto p = [](std::initializer_list<std::pair<std::size_t, std::size_t>> differing) {
    std::vector<std::vector<double>> adjusted(4, std::vector<double>(4, 1));
    for (const auto& [i, j] : differing) adjusted[i][j] = adjusted[j][i] = 0.01;
    return adjusted;
  };
  using Runs = std::vector<std::pair<std::size_t, std::size_t>>;
  CHECK(cliques(p({})) == Runs{{0, 3}});
  CHECK(cliques(p({{0, 2}, {0, 3}})) == Runs{{0, 1}, {1, 3}});
  CHECK(cliques(p({{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}})).empty());
}

}  // namespace
}  // namespace cmkd::reports
