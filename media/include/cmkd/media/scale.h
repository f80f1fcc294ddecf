// Pictures that are decoded elsewhere, at the working size: scaled by the same code as the frames of a video.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cmkd/media/media.h"
#include "cmkd/media/video.h"

namespace cmkd::media {

// The first picture settles the size of all, as a stream's first frame does. Not thread-safe.
class PictureScaler {
 public:
  explicit PictureScaler(const FrameSize& size);
  ~PictureScaler();
  PictureScaler(PictureScaler&&) noexcept;
  PictureScaler& operator=(PictureScaler&&) noexcept;

  // Appends the picture `planar`, [3, height, width] RGB, as [3, this->height(), this->width()]. Says why it cannot.
  [[nodiscard]] std::optional<Failure> append(std::span<const std::uint8_t> planar, int height, int width,
                                              std::vector<std::uint8_t>& pixels);
  [[nodiscard]] int height() const noexcept;  // 0 before the first picture
  [[nodiscard]] int width() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cmkd::media
