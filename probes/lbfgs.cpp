#include "lbfgs.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <numeric>
#include <utility>

#include "cmkd/core/interrupt.h"

namespace cmkd::probes {

namespace {

double lbfgs_dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

struct LbfgsPair {
  std::vector<double> step;
  std::vector<double> change;  // of the gradient over the step
  double product = 0;          // of both, above 0
};

// −H · gradient by the two loops, H the inverse of the curvature that the pairs have seen.
std::vector<double> descent_direction(const std::deque<LbfgsPair>& pairs, const std::vector<double>& gradient) {
  std::vector<double> direction = gradient;
  std::vector<double> factors(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    factors[i] = lbfgs_dot(pairs[i].step, direction) / pairs[i].product;
    for (std::size_t k = 0; k < direction.size(); ++k) direction[k] -= factors[i] * pairs[i].change[k];
  }
  const double scale = pairs.empty() ? 1 / std::max(1.0, std::sqrt(lbfgs_dot(gradient, gradient)))
                                     : pairs.back().product / lbfgs_dot(pairs.back().change, pairs.back().change);
  for (double& value : direction) value *= scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double factor = factors[i] - lbfgs_dot(pairs[i].change, direction) / pairs[i].product;
    for (std::size_t k = 0; k < direction.size(); ++k) direction[k] += factor * pairs[i].step[k];
  }
  for (double& value : direction) value = -value;
  return direction;
}

struct LbfgsPlace {
  std::vector<double> point;
  std::vector<double> gradient;
  double value = 0;

  [[nodiscard]] double relative_gap(double convexity) const {
    return lbfgs_dot(gradient, gradient) / (2 * convexity) / std::abs(value);
  }
};

// Whether a step along `direction` was found that lowers the value enough; `to` is where it leads.
bool search_along(const SmoothFunction& function, const LbfgsPlace& from, const std::vector<double>& direction,
                  LbfgsPlace& to) {
  constexpr double kEnough = 1e-4;  // of the fall that the slope promises
  constexpr int kTrials = 40;
  const double slope = lbfgs_dot(from.gradient, direction);
  if (!(slope < 0)) return false;
  double length = 1;
  for (int trial = 0; trial < kTrials; ++trial) {
    for (std::size_t k = 0; k < direction.size(); ++k) to.point[k] = from.point[k] + length * direction[k];
    to.value = function(to.point, to.gradient);
    if (to.value <= from.value + kEnough * length * slope) return true;
    // The lowest point of the parabola through both values and the slope, kept within a tenth and a half.
    const double lowest = -slope * length * length / (2 * (to.value - from.value - slope * length));
    length = std::isfinite(lowest) ? std::clamp(lowest, 0.1 * length, 0.5 * length) : 0.5 * length;
  }
  return false;
}

}  // namespace

LbfgsResult minimise(const SmoothFunction& function, std::vector<double> start, const LbfgsOptions& options) {
  LbfgsPlace here{std::move(start), {}, 0};
  here.gradient.resize(here.point.size());
  here.value = function(here.point, here.gradient);
  LbfgsPlace next = here;
  std::deque<LbfgsPair> pairs;
  int steps = 0;
  while (steps < options.largest_steps && here.relative_gap(options.convexity) > options.largest_gap) {
    throw_if_interrupted();
    if (!search_along(function, here, descent_direction(pairs, here.gradient), next)) {
      if (pairs.empty()) break;
      pairs.clear();  // once more along the gradient itself
      continue;
    }
    LbfgsPair pair{next.point, next.gradient, 0};
    for (std::size_t k = 0; k < pair.step.size(); ++k) {
      pair.step[k] -= here.point[k];
      pair.change[k] -= here.gradient[k];
    }
    pair.product = lbfgs_dot(pair.step, pair.change);
    if (pair.product > 0) pairs.push_back(std::move(pair));  // not above 0: by rounding only, the function is convex
    if (pairs.size() > static_cast<std::size_t>(options.history)) pairs.pop_front();
    std::swap(here, next);
    ++steps;
  }
  const double gap = here.relative_gap(options.convexity);
  return {std::move(here.point), gap, steps};
}

}  // namespace cmkd::probes
