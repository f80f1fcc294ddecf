#include "cmkd/models/position_grid.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace cmkd {

namespace {

// Keys' cubic kernel with a = −0.75 at distances 1 + t, t, 1 − t, 2 − t.
std::array<double, 4> cubic_position_weights(double t) {
  constexpr double kA = -0.75;
  const auto near = [](double d) { return ((kA + 2) * d - (kA + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA; };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

constexpr double kOffset = 0.1;  // DINO's

// [to, from]
at::Tensor axis_position_matrix(std::int64_t from, std::int64_t to, GridInterpolation interpolation) {
  if (from == to) return at::eye(from, at::kDouble);
  at::Tensor matrix = at::zeros({to, from}, at::kDouble);
  auto cells = matrix.accessor<double, 2>();
  const double step = static_cast<double>(from) / (static_cast<double>(to) + kOffset);
  const auto inside = [&](std::int64_t place) { return std::clamp<std::int64_t>(place, 0, from - 1); };
  for (std::int64_t i = 0; i < to; ++i) {
    double source = step * (static_cast<double>(i) + 0.5) - 0.5;
    if (interpolation == GridInterpolation::kLinear) source = std::max(source, 0.0);
    const double floor = std::floor(source);
    const auto first = static_cast<std::int64_t>(floor);
    const double t = source - floor;
    if (interpolation == GridInterpolation::kLinear) {
      cells[i][inside(first)] += 1 - t;
      cells[i][inside(first + 1)] += t;
      continue;
    }
    const std::array<double, 4> weights = cubic_position_weights(t);
    for (std::int64_t tap = 0; tap < 4; ++tap)
      cells[i][inside(first - 1 + tap)] += weights[static_cast<std::size_t>(tap)];
  }
  return matrix;
}

}  // namespace

at::Tensor position_matrix(const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to,
                           GridInterpolation interpolation) {
  at::Tensor matrix = at::ones({1, 1}, at::kDouble);
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    matrix = at::kron(matrix, axis_position_matrix(from[axis], to[axis], interpolation));
  }
  return matrix;
}

}  // namespace cmkd
