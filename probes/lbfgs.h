// Minimisation of a smooth, strongly convex function by L-BFGS (Liu and Nocedal, Mathematical Programming 45, 1989).
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace cmkd::probes {

// The value at `point`; writes the gradient there, of the same size.
using SmoothFunction = std::function<double(std::span<const double> point, std::span<double> gradient)>;

struct LbfgsOptions {
  double convexity = 0;       // > 0: the function less convexity/2 · |point|² is still convex
  double largest_gap = 1e-7;  // ends where the relative gap is no larger
  int history = 10;           // pairs of steps and gradient differences that are kept
  int largest_steps = 1000;
};

struct LbfgsResult {
  std::vector<double> point;
  // |gradient|² / (2 convexity) / |value|: the minimum is no further below the value than this share of it.
  double relative_gap = 0;
  int steps = 0;
};

// From `start`. Steps shrink until the value falls by Armijo's rule; ends early where rounding leaves no step that
// does. Deterministic. Throws Error(kInterrupted) when a signal came.
[[nodiscard]] LbfgsResult minimise(const SmoothFunction& function, std::vector<double> start,
                                   const LbfgsOptions& options);

}  // namespace cmkd::probes
