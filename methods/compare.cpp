// The error of conformance, as vectors/README.md defines it.
#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "cmkd/methods/conformance.h"

namespace cmkd {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_gradient(const std::string& name) {
  const std::string dotted = "." + name + ".";
  return dotted.find(".grad.") != std::string::npos || dotted.find(".clipped_grad.") != std::string::npos;
}

bool is_floating(const at::Tensor& tensor) { return at::isFloatingType(tensor.scalar_type()); }

double largest_magnitude(const at::Tensor& tensor) {
  if (tensor.numel() == 0 || !is_floating(tensor)) return 0.0;
  const at::Tensor values = tensor.detach().to(at::kCPU, at::kDouble).abs();
  return values.masked_fill(values.isfinite().logical_not(), 0.0).max().item<double>();
}

// Zero but for what 64 roundings of numbers of size `scale` leave.
bool is_rounding(const at::Tensor& tensor, double scale) {
  return is_floating(tensor) && tensor.isfinite().all().item<bool>() &&
         largest_magnitude(tensor) <= 64 * std::numeric_limits<double>::epsilon() * scale;
}

std::string shape_text(const at::Tensor& tensor) {
  std::string text = "[";
  for (std::int64_t axis = 0; axis < tensor.dim(); ++axis)
    text += (axis ? ", " : "") + std::to_string(tensor.size(axis));
  return text + "]";
}

}  // namespace

double tensor_error(const at::Tensor& computed, const at::Tensor& expected, double scale) {
  if (computed.sizes() != expected.sizes() || is_floating(computed) != is_floating(expected)) return kInfinity;
  if (expected.numel() == 0) return 0.0;
  const at::Tensor a = computed.detach().to(at::kCPU);
  const at::Tensor b = expected.detach().to(at::kCPU);
  if (!is_floating(b)) return a.to(at::kLong).equal(b.to(at::kLong)) ? 0.0 : kInfinity;
  const at::Tensor x = a.to(at::kDouble);
  const at::Tensor y = b.to(at::kDouble);
  // Where either is not finite, both must be the same: NaN and NaN, or infinities of one sign.
  const at::Tensor odd = x.isfinite().logical_and(y.isfinite()).logical_not();
  const at::Tensor same = x.eq(y).logical_or(x.isnan().logical_and(y.isnan()));
  if (odd.logical_and(same.logical_not()).any().item<bool>()) return kInfinity;
  const double difference = (x - y).abs().masked_fill(odd, 0.0).max().item<double>();
  if (difference == 0.0) return 0.0;
  return difference / std::max(largest_magnitude(y), 1e-6 * scale);
}

CaseResult compare_case(const std::string& name, const TensorMap& computed, const TensorMap& expected) {
  CaseResult result;
  result.name = name;
  if (expected.empty()) result.problem = "the case expects nothing: it has no 'expected.*'";
  double value_scale = 0.0;
  double gradient_scale = 0.0;
  for (const auto& [key, tensor] : expected) {
    double& scale = is_gradient(key) ? gradient_scale : value_scale;
    scale = std::max(scale, largest_magnitude(tensor));
  }
  double worst = -1.0;
  for (const auto& [key, tensor] : expected) {
    const auto found = computed.find(key);
    if (found == computed.end()) {
      if (result.problem.empty()) result.problem = "not computed: " + key;
      continue;
    }
    const bool gradient = is_gradient(key);
    if (gradient && found->second.sizes() == tensor.sizes() && is_rounding(tensor, gradient_scale) &&
        is_rounding(found->second, gradient_scale)) {
      result.rounding.push_back(key);
      continue;
    }
    result.compared.push_back(key);
    const double error = tensor_error(found->second, tensor, gradient ? gradient_scale : value_scale);
    if (found->second.sizes() != tensor.sizes() && result.problem.empty()) {
      result.problem = key + " has shape " + shape_text(found->second) + ", expected " + shape_text(tensor);
    }
    double& largest = gradient ? result.gradient_error : result.value_error;
    largest = std::max(largest, error);
    if (error > worst) {
      worst = error;
      result.worst = key;
    }
  }
  return result;
}

}  // namespace cmkd
