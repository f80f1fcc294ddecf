// The views that XKD trains on (Sarkar and Etemad 2022, arXiv 2211.13929, section 4.1): one global view of the whole
// window and local views of a quarter of it, of sight and of sound, augmented on the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "cmkd/models/vit_model.h"

namespace cmkd {

struct XkdViewOptions {
  std::int64_t local_views = 1;
  std::int64_t temporal_ratio = 4;  // a local view has this part of the window's frames and samples
  std::int64_t local_size = 0;      // side of a local view in pixels; 0: 96/112 of the global one, in whole patches
  bool mirror = true;               // each view by a toss of a coin (not where left and right are classes)
  // The other augmentations; false: global views are the window as it is, local ones are cut out and no more.
  bool augment = true;
};

// One draw for each view and clip from LibTorch's generator of the host, which the harness seeds before each step:
// the same on every device. Resampling is by products with matrices, whose backward and forward are deterministic.

// Frames, height and width of a local view of a video network's input, in whole patches. Throws Error(kUsage) where
// that is less than one.
[[nodiscard]] std::vector<std::int64_t> xkd_local_size(const VitOptions& vit, const XkdViewOptions& options);

// [B, 3, T, H, W] of the network's size -> the global view of that size, then the local views. A random part of the
// picture (global 20 to 100 % of its area, local 8 to 40 %; sides 3:4 to 4:3) scaled to the view's size; contrast,
// saturation and brightness ± 0.4; local views also grey (one in five) and blurred (every other, σ 0.1 to 2 pixels).
// The same over all frames of a view. Throws as xkd_local_size.
[[nodiscard]] std::vector<at::Tensor> xkd_video_views(const at::Tensor& video, const VitOptions& vit,
                                                      const XkdViewOptions& options);

// Waveforms [B, n] -> spectrograms of the global view and of the local views of n / ratio samples, as
// VitModel::backbone_input gives them. Volume ± 10 % (global), ± 20 % (local); local spectrograms are cut out of a
// canvas 1.5 times as long at 0.6 to 1.5 of their size in time and frequency and scaled back (BYOL-A).
[[nodiscard]] std::vector<at::Tensor> xkd_audio_views(const at::Tensor& waveform, VitModel& model,
                                                      const XkdViewOptions& options);

// ---- Parts --------------------------------------------------------------------------------------------------------

enum class Beyond { kEdge, kZero };  // what lies beyond the ends of a line

// Rows that sample `out` places of a line of `length` places from `from` [B], `extent` [B] places long, linearly, over
// the width of an output place where that is more than one: [B, out, length]. kEdge: rows sum to 1; `from` and the end
// must lie on the line.
[[nodiscard]] at::Tensor sampling_matrix(const at::Tensor& from, const at::Tensor& extent, std::int64_t out,
                                         std::int64_t length, Beyond beyond);
// Convolution with a normal curve of deviation sigma [B] in places; a row sums to 1. sigma 0: nothing is done.
[[nodiscard]] at::Tensor blurring_matrix(const at::Tensor& sigma, std::int64_t length);

}  // namespace cmkd
