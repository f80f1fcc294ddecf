// Reduces images to the principal components that hold a share of their variance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cmkd {

// The mean and the fewest leading principal components of a set of images whose variances sum to at least `energy`
// of the whole. Immutable after construction, thread-safe.
class PrincipalComponents {
 public:
  // `images` is [n, d] bytes, row-major; 0 < energy <= 1. Computed in double precision.
  PrincipalComponents(std::span<const std::uint8_t> images, std::int64_t dimension, double energy);

  // Projects one image [d] on the components and back, rounded to bytes.
  [[nodiscard]] std::vector<std::uint8_t> reduce(std::span<const std::uint8_t> image) const;
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }

 private:
  std::int64_t dimension_;
  std::int64_t count_ = 0;
  std::vector<double> mean_;
  std::vector<double> components_;  // [count, d]
};

}  // namespace cmkd
