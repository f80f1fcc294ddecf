#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/statistics/aggregates.h"
#include "cmkd/reports/statistics/clusters.h"
#include "cmkd/reports/statistics/equivalence.h"
#include "cmkd/reports/statistics/rank_bootstrap.h"

namespace cmkd::reports {
namespace {

constexpr BootstrapPlan kDrawsOnly{50'000, 0};

// The values of `statistic` over all n^n sequences of one block's seeds.
std::vector<double> all_sequences(const std::vector<double>& seeds, const Statistic& statistic) {
  std::vector<double> found;
  std::vector<std::size_t> digits(seeds.size(), 0);
  while (true) {
    std::vector<double> chosen;
    for (const std::size_t digit : digits) chosen.push_back(seeds[digit]);
    found.push_back(statistic({chosen}));
    std::size_t place = 0;
    while (place < digits.size() && ++digits[place] == seeds.size()) digits[place++] = 0;
    if (place == digits.size()) return found;
  }
}

TEST_CASE("all resamples, each with its probability, are the plain enumeration") {
  const std::vector<double> seeds{0.31, 0.72, 0.55, 0.48, 0.11};
  const std::vector<double> plain = all_sequences(seeds, interquartile_mean);
  const Resamples weighted = bootstrap({seeds}, interquartile_mean);
  REQUIRE(plain.size() == 3125);
  CHECK(weighted.exact);
  CHECK(weighted.values.size() == 126);  // C(9, 5) multisets
  double mean = 0;
  for (const double value : plain) mean += value / 3125;
  CHECK(weighted.mean() == Approx(mean).epsilon(1e-12));
  for (const double limit : {0.2, 0.4, 0.45, 0.6}) {
    const auto below = std::ranges::count_if(plain, [&](double value) { return value < limit - 1e-12; });
    CHECK(weighted.share_below(limit) == Approx(static_cast<double>(below) / 3125).margin(1e-12));
  }
  std::vector<double> sorted = plain;
  std::ranges::sort(sorted);
  CHECK(weighted.interval().low == Approx(sorted[78]));     // the 79th of 3125 is the first to reach 2.5 %
  CHECK(weighted.interval().high == Approx(sorted[3046]));  // 3047 / 3125 = 97.504 %
}

TEST_CASE("drawn resamples agree with all of them within four standard errors") {
  const Blocks blocks{{0.31, 0.72, 0.55}, {0.2, 0.9, 0.4, 0.6}};
  const Resamples exact = bootstrap(blocks, mean_of_blocks);
  const Resamples drawn = bootstrap(blocks, mean_of_blocks, kDrawsOnly);
  CHECK(exact.exact);
  CHECK_FALSE(drawn.exact);
  REQUIRE(drawn.values.size() == 50'000);
  CHECK(std::abs(drawn.mean() - exact.mean()) < 4 * std::sqrt(exact.variance() / 50'000));
  for (const double limit : {0.45, 0.52, 0.6}) {
    const double share = exact.share_below(limit);
    CHECK(std::abs(drawn.share_below(limit) - share) < 4 * std::sqrt(share * (1 - share) / 50'000));
  }
  // The variance of the mean of n draws is the seeds' own (divisor n) over n; blocks count a half each.
  const auto of_mean = [](const std::vector<double>& seeds) {
    double squares = 0;
    for (const double seed : seeds) squares += (seed - mean(seeds)) * (seed - mean(seeds));
    return squares / static_cast<double>(seeds.size() * seeds.size());
  };
  CHECK(exact.variance() == Approx((of_mean(blocks[0]) + of_mean(blocks[1])) / 4).epsilon(1e-12));
}

TEST_CASE("the same values give the same draws, others do not") {
  const Blocks blocks{{0.31, 0.72, 0.55}};
  CHECK(bootstrap(blocks, mean_of_blocks, kDrawsOnly).values == bootstrap(blocks, mean_of_blocks, kDrawsOnly).values);
  CHECK(content_key("a", blocks) != content_key("b", blocks));
  CHECK(content_key("a", {{0.0}}) == content_key("a", {{-0.0}}));
  CHECK(content_key("a", {{0.0}}) != content_key("a", {{1e-300}}));
}

TEST_CASE("one seed has one resample, and no seed has none") {
  const Resamples one = bootstrap({{0.5}}, mean_of_blocks);
  CHECK(one.values == std::vector<double>{0.5});
  CHECK(one.weights == std::vector<double>{1});
  CHECK_THROWS_AS(bootstrap({}, mean_of_blocks), Error);
  CHECK_THROWS_AS(bootstrap({{}}, mean_of_blocks), Error);
}

TEST_CASE("sorting and comparing once gives the resamples of doing it in each") {
  const Blocks a{{0.31, 0.72, 0.55, 0.31}, {0.2, 0.9, 0.4}};
  const Blocks b{{0.31, 0.6}, {0.1, 0.95, 0.4, 0.5}};
  const auto equal = [](const Resamples& one, const Resamples& other) {
    REQUIRE(one.values.size() == other.values.size());
    CHECK(one.exact == other.exact);
    for (std::size_t i = 0; i < one.values.size(); ++i) {
      if (std::abs(one.values[i] - other.values[i]) > 1e-12) return false;
    }
    return std::abs(one.mean() - other.mean()) < 1e-12;
  };
  for (const BootstrapPlan& plan : {BootstrapPlan{}, BootstrapPlan{500, 0}}) {
    CHECK(equal(resampled_interquartile_mean(a, plan), bootstrap(a, interquartile_mean, plan)));
    CHECK(
        equal(resampled_probability_of_improvement(a, b, plan), bootstrap_two(a, b, probability_of_improvement, plan)));
  }
}

TEST_CASE("the probability of improvement counts ties half, block by block") {
  // Block 1: 1 > 0, 1 = 1, 2 > 0, 2 > 1: 3.5 of 4. Block 2: 0 of 1.
  CHECK(probability_of_improvement({{1, 2}, {0}}, {{0, 1}, {5}}) == Approx((0.875 + 0) / 2));
  CHECK_THROWS_AS(probability_of_improvement({{1}}, {{1}, {2}}), Error);
}

TEST_CASE("a profile is the share above each threshold, inside its interval") {
  const Blocks blocks{{0.2, 0.4, 0.6}, {0.5, 0.7, 0.9}};
  const std::vector<double> thresholds{0.0, 0.45, 0.6, 1.0};
  const std::vector<ProfilePoint> points = performance_profile(blocks, thresholds);
  CHECK(points[0].share == 1);
  CHECK(points[1].share == Approx((1.0 / 3 + 1) / 2));
  CHECK(points[2].share == Approx((0.0 + 2.0 / 3) / 2));  // above, not at
  CHECK(points[3].share == 0);
  CHECK(points[0].interval.low == 1);
  CHECK(points[1].interval.contains(points[1].share));
}

TEST_CASE("a rank interval spans what resampled seeds can make of it") {
  // First against second: 3, 1 against 2, 2. Seeds are drawn together: sums 6, 4, 4, 2 against 4: rank 1, 1.5
  // (twice), 2.
  const RankSummary two = bootstrap_ranks({{{3, 1}, {2, 2}}});
  CHECK(two.exact);
  CHECK(two.mean_ranks == std::vector<double>{1.5, 1.5});
  CHECK(two.intervals[0].low == 1);
  CHECK(two.intervals[0].high == 2);
  const RankSummary clear = bootstrap_ranks({{{3, 4}, {1, 2}}, {{9, 8}, {1, 2}}});
  CHECK(clear.mean_ranks == std::vector<double>{1, 2});
  CHECK(clear.intervals[1].low == 2);
}

TEST_CASE("paired seeds keep their rank although their values move together") {
  const RankSummary paired = bootstrap_ranks({{{0.1, 0.5, 0.9}, {0.0, 0.4, 0.8}}});
  CHECK(paired.intervals[0].high == 1);
  const RankSummary unpaired = bootstrap_ranks({{{0.1, 0.5, 0.9}, {0.0, 0.4}}});
  CHECK(unpaired.intervals[0].high == 2);
}

TEST_CASE("clips of one video are drawn together") {
  const std::vector<std::string> groups{"b", "a", "b", "a", "c"};
  const std::vector<double> right{1, 0, 1, 1, 0};
  const std::vector<double> other{1, 0, 0, 1, 1};
  const ClusteredValues first = cluster_values(groups, right);
  CHECK(first.groups == std::vector<std::string>{"a", "b", "c"});
  CHECK(first.clips == std::vector<double>{2, 2, 1});
  CHECK(first.sums == std::vector<double>{1, 2, 0});
  CHECK(first.mean() == Approx(0.6));
  const ClipReplicates replicates = bootstrap_clips({first, cluster_values(groups, other)});
  CHECK(replicates.exact);
  // Of the 27 sequences of three groups, by hand: the mean is 1 where only b is drawn (1 of 27), 0 where only c is.
  CHECK(replicates.of(0).share_at(1) == Approx(1.0 / 27));
  CHECK(replicates.of(0).share_at(0) == Approx(1.0 / 27));
  // The paired difference by group is a: 0, b: +1, c: −1: nothing where b is drawn as often as c: aaa, six orders of
  // abc.
  const Resamples difference = replicates.difference(0, 1);
  CHECK(difference.share_at(0) == Approx(7.0 / 27));
  CHECK(difference.share_below(0) == Approx(10.0 / 27));
}

TEST_CASE("drawn clips agree with all resamples of the groups within four standard errors") {
  const ClusteredValues clips{{"a", "b", "c", "d"}, {3, 1, 2, 4}, {2, 1, 0, 3}};
  const Resamples exact = bootstrap_clips({clips}).of(0);
  const Resamples drawn = bootstrap_clips({clips}, kDrawsOnly).of(0);
  CHECK(exact.exact);
  CHECK_FALSE(drawn.exact);
  CHECK(std::abs(drawn.mean() - exact.mean()) < 4 * std::sqrt(exact.variance() / 50'000));
}

TEST_CASE("lists over other clips have no common resamples") {
  const ClusteredValues first{{"a", "b"}, {1, 1}, {0, 1}};
  const ClusteredValues second{{"a", "c"}, {1, 1}, {0, 1}};
  CHECK_THROWS_AS(bootstrap_clips({first, second}), Error);
  CHECK_THROWS_AS(bootstrap_clips({}), Error);
}

TEST_CASE("one difference beyond the rope is practical with the probability that follows from Beta(½, 1)") {
  // Zero has weight w ~ Beta(½, 1) beside it: P(W ≤ w) = √w. The sums 0 + 0 lie in the rope (w²), 0 + d and d + d
  // beyond: the difference wins where w² < ½, with probability √(½^½) = 2^(−1/4).
  const Equivalence result = bayesian_signed_rank(std::vector<double>{0.05});
  const double wanted = std::pow(2.0, -0.25);
  const double error = std::sqrt(wanted * (1 - wanted) / 50'000);
  CHECK(std::abs(result.first_better - wanted) < 4 * error);
  CHECK(result.first_better + result.equivalent == Approx(1));
  CHECK(result.second_better == 0);
}

TEST_CASE("equal methods are equivalent, and exchanging two exchanges what is said of them") {
  CHECK(bayesian_signed_rank(std::vector<double>(7, 0.0)).equivalent == 1);
  CHECK(bayesian_signed_rank(std::vector<double>(7, 0.0), {.rope = 0}).first_better == Approx(0.5));
  const Equivalence better = bayesian_signed_rank(std::vector<double>{0.05, 0.04, 0.06, 0.03, 0.05, 0.002});
  const Equivalence worse = bayesian_signed_rank(std::vector<double>{-0.05, -0.04, -0.06, -0.03, -0.05, -0.002});
  CHECK(better.first_better > 0.95);
  // Other draws: within four standard errors of their difference.
  CHECK(std::abs(better.first_better - worse.second_better) < 4 * std::sqrt(2 * 0.05 * 0.95 / 50'000));
}

}  // namespace
}  // namespace cmkd::reports
