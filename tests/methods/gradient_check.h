// Finite differences in float64: central, step 1e-5.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace cmkd::test {

// Numbers of mean 0 that are the same on every machine: no generator is drawn from. Different `salt`, different
// numbers.
inline at::Tensor noise(at::IntArrayRef shape, int salt) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  const at::Tensor index = at::arange(count, at::kDouble) + 0.37 * salt + 1;
  const at::Tensor wild = (index * (12.9898 + salt)).sin() * 43758.5453;
  return ((wild - wild.floor()) * 2 - 1).view(shape);
}

// The largest difference between automatic and numeric gradient of `loss` over all values of `at_values`, relative to
// the largest gradient (or to 1 where that is smaller). What the loss detaches must be a constant of `loss`.
inline double gradient_error(const std::vector<at::Tensor>& at_values,
                             const std::function<at::Tensor(const std::vector<at::Tensor>&)>& loss) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& value : at_values) leaves.push_back(value.detach().clone().requires_grad_(true));
  loss(leaves).backward();
  double worst = 0.0;
  double largest = 1.0;
  for (const at::Tensor& leaf : leaves) {
    const at::Tensor flat = leaf.detach().view({-1});
    const at::Tensor automatic = leaf.grad().defined() ? leaf.grad().reshape({-1}) : at::zeros_like(flat);
    for (std::int64_t index = 0; index < flat.numel(); ++index) {
      constexpr double kStep = 1e-5;
      double values[2];
      for (const int side : {0, 1}) {
        const at::NoGradGuard no_grad;
        flat[index] += side == 0 ? kStep : -kStep;
        values[side] = loss(leaves).item<double>();
        flat[index] -= side == 0 ? kStep : -kStep;
      }
      const double numeric = (values[0] - values[1]) / (2 * kStep);
      worst = std::max(worst, std::abs(numeric - automatic[index].item<double>()));
      largest = std::max(largest, std::abs(numeric));
    }
  }
  return worst / largest;
}

}  // namespace cmkd::test
