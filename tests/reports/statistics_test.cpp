#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/statistics.h"
#include "paths.h"

namespace cmkd::reports {
namespace {

// (file name, that part of it) of every case that the folder holds.
std::vector<std::pair<std::string, nlohmann::json>> cases_of(const std::string& part) {
  std::vector<std::pair<std::string, nlohmann::json>> cases;
  for (const auto& entry : std::filesystem::directory_iterator(test::vectors_dir() / "statistics")) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    REQUIRE(file);
    const nlohmann::json whole = nlohmann::json::parse(file);
    if (whole.contains(part)) cases.emplace_back(entry.path().filename().string(), whole.at(part));
  }
  REQUIRE_FALSE(cases.empty());
  return cases;
}

void check_close(double actual, double expected) { CHECK(actual == Approx(expected).margin(1e-9).epsilon(1e-9)); }

TEST_CASE("means, intervals and paired comparisons agree with SciPy") {
  for (const auto& [name, paired] : cases_of("paired")) {
    INFO(name);
    const nlohmann::json& expected = paired.at("expected");
    const auto a = paired.at("a").get<std::vector<double>>();
    const auto b = paired.at("b").get<std::vector<double>>();
    check_close(mean(a), expected.at("mean_a"));
    check_close(standard_deviation(a).value(), expected.at("std_a"));
    check_close(t_interval(a).value().low, expected.at("ci95_a").at(0));
    check_close(t_interval(a).value().high, expected.at("ci95_a").at(1));
    const PairedComparison comparison = compare_paired(a, b);
    check_close(comparison.t.value(), expected.at("paired_t").at(0));
    check_close(comparison.t_p.value(), expected.at("paired_t").at(1));
    if (!expected.at("sign_flip_p").is_null()) {  // the reference stops at 10 pairs
      check_close(comparison.sign_flip_p, expected.at("sign_flip_p"));
    }
    check_close(comparison.cohen_dz.value(), expected.at("cohen_dz"));
    check_close(comparison.cliff_delta, expected.at("cliff_delta"));
  }
}

TEST_CASE("the sign-flip test counts tied sums as the enumeration does") {
  for (const auto& [name, ties] : cases_of("wilcoxon_ties")) {
    INFO(name);
    const auto differences = ties.at("difference").get<std::vector<double>>();
    check_close(sign_flip_p(differences), ties.at("expected").at("sign_flip_p"));
  }
}

TEST_CASE("the interval of three values is the one derived by hand") {
  // Values 1, 2, 3: mean 2, std 1, t(0.975; 2) = √(2 · 0.95² / (1 − 0.95²)) = 4.302652729911275, half = t / √3.
  const std::vector<double> values{1, 2, 3};
  const double half = std::sqrt(2 * 0.95 * 0.95 / (1 - 0.95 * 0.95)) / std::sqrt(3.0);
  check_close(mean(values), 2);
  check_close(standard_deviation(values).value(), 1);
  check_close(t_interval(values).value().low, 2 - half);
  check_close(t_interval(values).value().high, 2 + half);
}

TEST_CASE("one value has a mean, and neither a deviation nor an interval") {
  const std::vector<double> one{0.5};
  CHECK(mean(one) == 0.5);
  CHECK_FALSE(standard_deviation(one).has_value());
  CHECK_FALSE(t_interval(one).has_value());
  CHECK_FALSE(compare_paired(one, one).interval.has_value());
}

TEST_CASE("equal differences have an interval of one point and no t") {
  const std::vector<double> a{0.75, 0.5, 0.25};
  const std::vector<double> b{0.5, 0.25, 0.0};
  const PairedComparison comparison = compare_paired(a, b);
  CHECK(comparison.difference == 0.25);
  CHECK(comparison.interval.value().low == 0.25);
  CHECK(comparison.interval.value().high == 0.25);
  CHECK_FALSE(comparison.t.has_value());
  CHECK_FALSE(comparison.cohen_dz.has_value());
  CHECK(comparison.sign_flip_p == 0.25);  // 2 of 2³ patterns: all as they are, all flipped
}

TEST_CASE("differences that are equal but for rounding have no t") {
  const std::vector<double> a{0.48, 0.58, 0.68};
  const std::vector<double> b{0.41, 0.51, 0.61};
  const PairedComparison comparison = compare_paired(a, b);
  CHECK_FALSE(comparison.t.has_value());
  CHECK_FALSE(comparison.t_p.has_value());
  CHECK_FALSE(comparison.cohen_dz.has_value());
}

TEST_CASE("the smallest reachable p halves with each pair, and differences of one sign reach it") {
  CHECK(smallest_reachable_p(1) == 1);
  CHECK(smallest_reachable_p(3) == 0.25);
  CHECK(smallest_reachable_p(5) == 0.0625);
  for (std::int64_t n = 1; n <= 12; ++n) {
    std::vector<double> differences;
    for (std::int64_t i = 1; i <= n; ++i) differences.push_back(0.1 * static_cast<double>(i));
    CHECK(sign_flip_p(differences) == smallest_reachable_p(n));
  }
}

TEST_CASE("above twenty pairs the sign-flip test draws, always the same, and never says zero") {
  CHECK(compare_paired(std::vector<double>(20, 1.0), std::vector<double>(20, 0.0)).sign_flip_exact);
  CHECK_FALSE(compare_paired(std::vector<double>(21, 1.0), std::vector<double>(21, 0.0)).sign_flip_exact);
  // All of one sign: the exact p is 2^(1 - 21) = 4.8e-7; of 100,000 draws almost surely none is as extreme.
  CHECK(sign_flip_p(std::vector<double>(21, 1.0)) == 1.0 / 100'001);
  // ±1 each, 14 of 22 positive: |sum| ≥ 6 for at least 14 or at most 8 positive ones, 2 Σ_{k=14}^{22} C(22, k) / 2^22 =
  // 2 (319770 + 170544 + 74613 + 26334 + 7315 + 1540 + 231 + 22 + 1) / 4194304 = 0.286279…
  std::vector<double> differences(22, 1.0);
  std::fill_n(differences.begin(), 8, -1.0);
  const double exact = 2 * 600370.0 / 4194304;
  const double error = std::sqrt(exact * (1 - exact) / 100'000);
  CHECK(std::abs(sign_flip_p(differences) - exact) < 4 * error);
  CHECK(sign_flip_p(differences) == sign_flip_p(differences));
}

TEST_CASE("statistics of nothing, or of unequal lists, are a bug of the caller") {
  const std::vector<double> none;
  const std::vector<double> one{1};
  CHECK_THROWS_AS(mean(none), Error);
  CHECK_THROWS_AS(sign_flip_p(none), Error);
  CHECK_THROWS_AS(compare_paired(one, none), Error);
  CHECK_THROWS_AS(smallest_reachable_p(0), Error);
}

}  // namespace
}  // namespace cmkd::reports
