#include "cmkd/media/scale.h"

#include <cstring>
#include <new>

#include "picture.h"

namespace cmkd::media {

struct PictureScaler::State {
  PictureConverter converter;
};

PictureScaler::PictureScaler(const FrameSize& size) : state_(new State{PictureConverter(size, 0)}) {}
PictureScaler::~PictureScaler() = default;
PictureScaler::PictureScaler(PictureScaler&&) noexcept = default;
PictureScaler& PictureScaler::operator=(PictureScaler&&) noexcept = default;

int PictureScaler::height() const noexcept { return state_->converter.height(); }
int PictureScaler::width() const noexcept { return state_->converter.width(); }

std::optional<Failure> PictureScaler::append(std::span<const std::uint8_t> planar, int height, int width,
                                             std::vector<std::uint8_t>& pixels) {
  constexpr int kPlanes[] = {2, 0, 1};  // R, G, B in FFmpeg's order G, B, R
  const FrameHandle frame = make_frame();
  frame->format = AV_PIX_FMT_GBRP;
  frame->width = width;
  frame->height = height;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  const std::uint8_t* line = planar.data();
  for (const int plane : kPlanes) {
    for (int row = 0; row < height; ++row, line += width) {
      std::memcpy(frame->data[plane] + std::ptrdiff_t{row} * frame->linesize[plane], line,
                  static_cast<std::size_t>(width));
    }
  }
  PictureConverter& converter = state_->converter;
  converter.settle_size(width, height);
  const std::size_t start = pixels.size();
  pixels.resize(start + converter.frame_bytes());
  if (converter.convert(*frame, pixels.data() + start)) return std::nullopt;
  pixels.resize(start);
  return Failure{FailureReason::kNothingDecodable, "libswscale cannot scale the picture"};
}

}  // namespace cmkd::media
