// Learned positions on a grid of another size, as a product with a constant matrix: deterministic on CUDA, where the
// backward passes of trilinear and bicubic interpolation are not.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace cmkd {

enum class GridInterpolation { kLinear, kCubic };

// [Π to, Π from] double: row = a place of the grid `to`, column = a place of the grid `from`, both row-major. Sample i
// of an axis lies at (i + ½) / scale − ½, at the borders as PyTorch's interpolation does it (align_corners = false):
// linear in each axis, or cubic with a = −0.75.
// The scale of an axis is DINO's, (to + 0.1) / from: the tenth was there to survive rounding, and moves the samples. An
// axis of the same length on both sides is copied, as PyTorch copies it on the CPU.
[[nodiscard]] at::Tensor position_matrix(const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to,
                                         GridInterpolation interpolation);

}  // namespace cmkd
