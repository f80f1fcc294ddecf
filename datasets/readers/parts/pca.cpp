#include "pca.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

namespace cmkd {

PrincipalComponents::PrincipalComponents(std::span<const std::uint8_t> images, std::int64_t dimension, double energy)
    : dimension_(dimension) {
  const std::int64_t count = static_cast<std::int64_t>(images.size()) / dimension;
  at::Tensor data = at::empty({count, dimension}, at::kDouble);
  std::ranges::copy(images, data.mutable_data_ptr<double>());
  const at::Tensor mean = data.mean(0).contiguous();
  data -= mean;
  const at::Tensor covariance = at::mm(data.t(), data) / static_cast<double>(count);
  const auto [values, vectors] = at::linalg_eigh(covariance);  // ascending
  const at::Tensor variance = values.flip(0).clamp_min(0).contiguous();
  const double* spectrum = variance.const_data_ptr<double>();
  const double wanted = energy * variance.sum().item<double>();
  double held = 0;
  while (count_ < dimension && held < wanted) held += spectrum[count_++];
  const at::Tensor leading = vectors.t().flip(0).slice(0, 0, count_).contiguous();
  mean_.assign(mean.const_data_ptr<double>(), mean.const_data_ptr<double>() + dimension);
  components_.assign(leading.const_data_ptr<double>(), leading.const_data_ptr<double>() + count_ * dimension);
}

std::vector<std::uint8_t> PrincipalComponents::reduce(std::span<const std::uint8_t> image) const {
  const auto dimension = static_cast<std::size_t>(dimension_);
  std::vector<double> result = mean_;
  for (std::size_t k = 0; k < static_cast<std::size_t>(count_); ++k) {
    const double* component = components_.data() + k * dimension;
    double weight = 0;
    for (std::size_t i = 0; i < dimension; ++i) weight += component[i] * (image[i] - mean_[i]);
    for (std::size_t i = 0; i < dimension; ++i) result[i] += weight * component[i];
  }
  std::vector<std::uint8_t> bytes(dimension);
  std::ranges::transform(result, bytes.begin(), [](double value) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  });
  return bytes;
}

}  // namespace cmkd
