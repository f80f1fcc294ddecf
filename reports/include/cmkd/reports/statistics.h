// Statistics over a handful of seeds: means with Student-t intervals, and paired comparisons. Pure functions of their
// arguments, deterministic, safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace cmkd::reports {

struct Interval {
  double low = 0;
  double high = 0;

  [[nodiscard]] bool contains(double value) const noexcept { return low <= value && value <= high; }
};

// Requires at least one value.
[[nodiscard]] double mean(std::span<const double> values);

// Sample standard deviation (divisor n − 1); nothing below two values.
[[nodiscard]] std::optional<double> standard_deviation(std::span<const double> values);

// Student-t interval of the mean: mean ± t(1 − (1 − level) / 2; n − 1) · std / √n; nothing below two values.
[[nodiscard]] std::optional<Interval> t_interval(std::span<const double> values, double level = 0.95);

// a and b measured on the same seeds, in the same order. Requires equal lengths of at least 1.
struct PairedComparison {
  std::int64_t n = 0;
  double difference = 0;             // mean of a − b
  std::optional<Interval> interval;  // 95 % t interval of the mean difference; nothing below two pairs
  std::optional<double> t;           // nothing below two pairs, or when all differences are equal
  std::optional<double> t_p;         // two-sided, of the paired t test; nothing where `t` is
  double sign_flip_p = 1;            // two-sided
  bool sign_flip_exact = true;       // up to kMaximalSignFlips pairs; else from draws
  std::optional<double> cohen_dz;    // mean difference over its standard deviation; nothing where `t` is
  double cliff_delta = 0;            // share of pairs (i, j) with a_i > b_j, minus the share with a_i < b_j
};
// Up to here all 2^n sign patterns are counted; above, kSignFlipDraws of them are drawn, keyed by the values.
inline constexpr std::size_t kMaximalSignFlips = 20;
inline constexpr std::int64_t kSignFlipDraws = 100'000;

// Two-sided sign-flip permutation test of the mean: the share of the sign patterns whose |sum| is at least the observed
// one, or (b + 1) / (B + 1) when b of B drawn patterns are. Requires at least one difference.
[[nodiscard]] double sign_flip_p(std::span<const double> differences);

using SignFlipTest = std::function<double(std::span<const double>)>;
// `test` computes sign_flip_p, or gives what it computed before.
[[nodiscard]] PairedComparison compare_paired(std::span<const double> a, std::span<const double> b,
                                              const SignFlipTest& test = sign_flip_p);

// The smallest p that an exact two-sided test of n pairs can reach: 2^(1 − n). Requires n ≥ 1.
[[nodiscard]] double smallest_reachable_p(std::int64_t n);

}  // namespace cmkd::reports
