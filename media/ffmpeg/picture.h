// A decoder's frame as planar RGB at the working size, turned upright.
#pragma once

#include <cstdint>

#include "cmkd/media/video.h"
#include "handles.h"

namespace cmkd::media {

// Scales and converts in one step (libswscale, SWS_AREA where the picture shrinks, bit-exact code paths), with the
// colour matrix and range that the frame states; an unstated matrix is BT.601, as FFmpeg has it. Pixels count as
// square. Wide-gamut or HDR transfer is not mapped. Owns the scaler and one picture; not thread-safe.
class PictureConverter {
 public:
  PictureConverter(const FrameSize& size, int rotation_degrees) : size_(size), rotation_degrees_(rotation_degrees) {}

  // Settles the size of delivery by the stream's first frame; later calls change nothing, so that a stream whose
  // resolution changes keeps one working size.
  void settle_size(int stored_width, int stored_height);

  // Of delivered frames; 0 before the size is settled.
  [[nodiscard]] int width() const noexcept { return upright_width_; }
  [[nodiscard]] int height() const noexcept { return upright_height_; }
  [[nodiscard]] std::size_t frame_bytes() const noexcept {
    return std::size_t{3} * static_cast<std::size_t>(upright_width_) * static_cast<std::size_t>(upright_height_);
  }

  // Writes [3, height, width] to `out`. False when libswscale has no conversion from this pixel format.
  [[nodiscard]] bool convert(const AVFrame& frame, std::uint8_t* out);

 private:
  // What the scaler was made for; a frame that differs needs another.
  struct Source {
    int width = 0;
    int height = 0;
    AVPixelFormat format = AV_PIX_FMT_NONE;
    bool full_range = false;
    int matrix = 0;
    bool operator==(const Source&) const = default;
  };

  [[nodiscard]] bool prepare_scaler(const Source& source);
  [[nodiscard]] bool sideways() const noexcept { return rotation_degrees_ % 180 != 0; }
  void copy_upright(std::uint8_t* out) const;

  FrameSize size_;
  int rotation_degrees_;
  int upright_width_ = 0;
  int upright_height_ = 0;
  Source source_;
  ScalerHandle scaler_;
  FrameHandle scaled_;  // planar GBR before the turn
};

}  // namespace cmkd::media
