// Random numbers for each clip of a batch, from LibTorch's generator of the host, which the harness seeds before each
// step: the same on every device. Draw in statements of their own: the order of operands and arguments is the
// compiler's.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cmkd {

// [B] double on the host, uniform in [low, high).
[[nodiscard]] at::Tensor draw_uniform(std::int64_t clips, double low, double high);
// [B] -> [B, 1, 1, …] of `like`'s type, device and number of axes.
[[nodiscard]] at::Tensor for_each_clip(const at::Tensor& drawn, const at::Tensor& like);

}  // namespace cmkd
