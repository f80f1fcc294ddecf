#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <numbers>

#include "cmkd/reports/statistics/rank_tests.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

double standard_normal_cdf(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

}  // namespace

// k ∫ φ(z) (Φ(z) − Φ(z − q))^(k − 1) dz, z the largest of the k. The integrand is analytic and falls as φ does, so that
// the trapezoidal rule converges faster than any power of its step.
double studentized_range_cdf(double q, std::int64_t groups) {
  require_statistic(q >= 0 && groups >= 2, "a studentized range below zero, or of fewer than two groups");
  constexpr double kStep = 1.0 / 16;
  constexpr int kSteps = 9 * 16;  // φ(9) = 1e-18
  double sum = 0;
  for (int i = -kSteps; i <= kSteps; ++i) {
    const double z = kStep * i;
    const double within = standard_normal_cdf(z) - standard_normal_cdf(z - q);
    sum += std::exp(-z * z / 2) * std::pow(within, static_cast<double>(groups - 1));
  }
  return static_cast<double>(groups) * kStep * sum / std::sqrt(2 * std::numbers::pi);
}

double studentized_range_quantile(double alpha, std::int64_t groups) {
  require_statistic(alpha > 0 && alpha < 1, "a level outside (0, 1)");
  const auto excess = [&](double q) { return studentized_range_cdf(q, groups) - (1 - alpha); };
  double high = 1;
  while (excess(high) < 0) high *= 2;
  boost::uintmax_t rounds = 200;
  const auto [low, up] =
      boost::math::tools::toms748_solve(excess, 0.0, high, boost::math::tools::eps_tolerance<double>(50), rounds);
  return (low + up) / 2;
}

double nemenyi_distance(std::int64_t methods, std::int64_t blocks, double alpha) {
  require_statistic(methods >= 2 && blocks >= 1, "Nemenyi's distance of fewer than two methods or of no block");
  const auto k = static_cast<double>(methods);
  return studentized_range_quantile(alpha, methods) / std::numbers::sqrt2 *
         std::sqrt(k * (k + 1) / (6 * static_cast<double>(blocks)));
}

}  // namespace cmkd::reports
