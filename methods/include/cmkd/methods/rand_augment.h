// RandAugment (Cubuk et al. 2019, arXiv 1909.13719) for clips, on the device: operations that are drawn for each clip
// and done in the same way to all its frames.
//
// B clips of T frames: [B, 3, T, H, W] float. Pixels are 0 to 1 here; rand_augment takes and gives normalised ones.
// Nothing is differentiated. Sampling is by gathering the four pixels around a place: no operator whose result depends
// on an order of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/core/random.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

enum class PictureOp {
  kIdentity,
  kAutocontrast,  // each channel stretched to 0 … 1 over the clip
  kBrightness,    // amount: factor of the pixels
  kContrast,      // factor of the distance from the clip's mean grey
  kSaturation,    // from the pixel's own grey
  kSharpness,     // from the picture smoothed over 3 x 3 pixels; the border stays
  kPosterise,     // bits that are kept, of 8
  kSolarise,      // pixels of this value and above are inverted
  kRotate,        // degrees, counter-clockwise
  kShearX,        // columns by which the picture moves for each row below its centre
  kShearY,        // likewise, rows and columns exchanged
  kTranslateX,    // share of the width by which the picture moves right
  kTranslateY,    // of the height, down
};
constexpr auto enum_names(PictureOp) noexcept {
  return std::to_array<EnumName<PictureOp>>({{PictureOp::kIdentity, "identity"},
                                             {PictureOp::kAutocontrast, "autocontrast"},
                                             {PictureOp::kBrightness, "brightness"},
                                             {PictureOp::kContrast, "contrast"},
                                             {PictureOp::kSaturation, "saturation"},
                                             {PictureOp::kSharpness, "sharpness"},
                                             {PictureOp::kPosterise, "posterise"},
                                             {PictureOp::kSolarise, "solarise"},
                                             {PictureOp::kRotate, "rotate"},
                                             {PictureOp::kShearX, "shear_x"},
                                             {PictureOp::kShearY, "shear_y"},
                                             {PictureOp::kTranslateX, "translate_x"},
                                             {PictureOp::kTranslateY, "translate_y"}});
}

// Moves pixels, and with them what a direction or a place means.
[[nodiscard]] bool is_geometric(PictureOp op);

// Of an operation at a magnitude from 0 (nothing, but for posterise) to 10, in the scale of timm's "increasing" set:
// factors 1 ± 0.9, 4 to 1 bits, solarised from 1 down to 0, ± 30 degrees, sheared by ± 0.3, moved by ± 0.45 of a side.
// `negative` takes the other sign, where there are two.
[[nodiscard]] double amount_of(PictureOp op, double magnitude, bool negative);

// pixels [B, 3, T, H, W], amounts [B] on the host (left unread by identity and autocontrast). Places outside of the
// picture are `fill` [3]. The result is within 0 and 1 where the pixels are.
[[nodiscard]] at::Tensor apply_picture_op(const at::Tensor& pixels, PictureOp op, const std::vector<double>& amounts,
                                          const std::array<float, 3>& fill);

struct RandAugmentOptions {
  std::int64_t operations = 0;  // drawn for each clip, with replacement; 0: nothing is done
  double magnitude = 0.0;       // 0 … 10
  double deviation = 0.5;       // of the normal distribution round it; cut at 0 and 10
  double chance = 0.5;          // that an operation which was drawn is done
  bool geometry = true;         // false: no geometric operations
};

// A clip to which nothing is done keeps its bits. Pixels beyond 0 and 1 by rounding are cut off.
[[nodiscard]] at::Tensor rand_augment(const at::Tensor& video, const PixelScale& scale,
                                      const RandAugmentOptions& options, RandomStream& stream);

}  // namespace cmkd
