// A clip cache in a device's memory: windows are gathered where the model computes.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "cmkd/batches/stored_windows.h"
#include "cmkd/clips/clip_cache.h"

namespace cmkd {

// Thread-safe: const after construction. Does not need the cache after it.
class HeldClips {
 public:
  // What it takes of the device's memory: frames as uint8 (JPEG frames decoded), sound as float.
  [[nodiscard]] static std::uint64_t bytes_needed(const ClipCache& cache);

  // Reads every clip, by `threads` threads. Throws what reading throws, and LibTorch's errors where memory is short.
  HeldClips(const ClipCache& cache, c10::Device device, int threads);

  // [B, 3, T, height, width] uint8 and [B, samples_per_window] float on the device: what StoredWindows reads of the
  // same draws. `windows` is of the same cache.
  [[nodiscard]] at::Tensor frames(const StoredWindows& windows, const std::vector<ClipDraw>& draws) const;
  [[nodiscard]] at::Tensor samples(const StoredWindows& windows, const std::vector<ClipDraw>& draws) const;

  [[nodiscard]] c10::Device device() const noexcept { return device_; }
  [[nodiscard]] std::uint64_t bytes() const { return frames_.nbytes() + samples_.nbytes(); }

 private:
  c10::Device device_;
  std::vector<std::int64_t> first_frame_;   // of each clip, among all
  std::vector<std::int64_t> first_sample_;  // likewise
  at::Tensor frames_;                       // [frames of all clips, 3, H, W] uint8
  at::Tensor samples_;                      // [samples of all clips] float
};

}  // namespace cmkd
