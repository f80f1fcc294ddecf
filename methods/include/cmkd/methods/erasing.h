// Random erasing (Zhong et al. 2020, arXiv 1708.04896) of clips: a rectangle of noise, in the same place of all frames.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "cmkd/core/random.h"

namespace cmkd {

struct ErasingOptions {
  double chance = 0.0;  // of each clip
  double area_low = 0.02;
  double area_high = 1.0 / 3.0;
  double aspect = 0.3;  // height to width from this to its inverse, evenly in the logarithm
};

struct ErasedPlace {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

// Sides are rounded to whole pixels, at least one, and cut to the picture's.
[[nodiscard]] std::optional<ErasedPlace> draw_erasing(std::int64_t height, std::int64_t width,
                                                      const ErasingOptions& options, RandomStream& stream);

// video [B, 3, T, H, W] normalised, `places` one a clip: noise N(0, 1), drawn on the host for each pixel and frame,
// stands there. A new tensor where anything is erased.
[[nodiscard]] at::Tensor erase_places(const at::Tensor& video, const std::vector<std::optional<ErasedPlace>>& places);

[[nodiscard]] at::Tensor random_erasing(const at::Tensor& video, const ErasingOptions& options, RandomStream& stream);

}  // namespace cmkd
