// Minimisation of a smooth convex function by L-BFGS (Liu and Nocedal, Mathematical Programming 45, 1989).
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace cmkd::probes {

// The value at `point`; writes the gradient there, of the same size.
using SmoothFunction = std::function<double(std::span<const double> point, std::span<double> gradient)>;

struct LbfgsOptions {
  int history = 10;  // pairs of steps and gradient differences that are kept
  int largest_steps = 1000;
  double largest_derivative = 1e-6;  // ends where no partial derivative is larger
};

struct LbfgsResult {
  std::vector<double> point;
  double largest_derivative = 0;
  int steps = 0;
};

// From `start`. Steps shrink until the value falls by Armijo's rule; ends early where rounding leaves no step that
// does. Deterministic. Throws Error(kInterrupted) when a signal came.
[[nodiscard]] LbfgsResult minimise(const SmoothFunction& function, std::vector<double> start,
                                   const LbfgsOptions& options);

}  // namespace cmkd::probes
