#include "cmkd/reports/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd::reports {

namespace {

void require(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::kInternal, {.what = what});
}

}  // namespace

double mean(std::span<const double> values) {
  require(!values.empty(), "the mean of no values");
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<double> standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double centre = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::optional<Interval> t_interval(std::span<const double> values, double level) {
  require(level > 0 && level < 1, "a confidence level outside (0, 1)");
  const std::optional<double> deviation = standard_deviation(values);
  if (!deviation) return std::nullopt;
  const boost::math::students_t distribution(static_cast<double>(values.size() - 1));
  const double quantile = boost::math::quantile(boost::math::complement(distribution, (1 - level) / 2));
  const double half = quantile * *deviation / std::sqrt(static_cast<double>(values.size()));
  const double centre = mean(values);
  return Interval{centre - half, centre + half};
}

PairedComparison compare_paired(std::span<const double> a, std::span<const double> b, const SignFlipTest& test) {
  require(a.size() == b.size() && !a.empty(), "a paired comparison of lists of different length, or of empty ones");
  std::vector<double> differences(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];

  PairedComparison result;
  result.n = static_cast<std::int64_t>(a.size());
  result.difference = mean(differences);
  result.interval = t_interval(differences);
  result.sign_flip_p = test(differences);
  result.sign_flip_exact = differences.size() <= kMaximalSignFlips;
  const std::optional<double> deviation = standard_deviation(differences);
  // Equal differences of fractions such as 0.48 and 0.41 differ by rounding: a t of 10¹⁵ would be made of that.
  double magnitude = 0;
  for (std::size_t i = 0; i < a.size(); ++i) magnitude = std::max({magnitude, std::abs(a[i]), std::abs(b[i])});
  if (deviation && *deviation > 1e-12 * magnitude) {
    const double pairs = static_cast<double>(a.size());
    result.cohen_dz = result.difference / *deviation;
    result.t = *result.cohen_dz * std::sqrt(pairs);
    const boost::math::students_t distribution(pairs - 1);
    result.t_p = 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(*result.t)));
  }
  std::int64_t wins = 0;
  for (const double left : a) {
    for (const double right : b) wins += (left > right ? 1 : 0) - (left < right ? 1 : 0);
  }
  result.cliff_delta = static_cast<double>(wins) / static_cast<double>(a.size() * b.size());
  return result;
}

double smallest_reachable_p(std::int64_t n) {
  require(n >= 1, "a test of no pairs");
  return std::ldexp(1.0, static_cast<int>(1 - n));
}

}  // namespace cmkd::reports
