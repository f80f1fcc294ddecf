#include "picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

namespace cmkd::media {
namespace {

// The formats whose name says "full range" (JPEG) as their ordinary twins; the range is stated apart.
AVPixelFormat without_range(AVPixelFormat format, bool& full_range) noexcept {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      full_range = true;
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      full_range = true;
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      full_range = true;
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      full_range = true;
      return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
      full_range = true;
      return AV_PIX_FMT_YUV411P;
    default:
      return format;
  }
}

int scaler_matrix(AVColorSpace space) noexcept {
  switch (space) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    default:
      return SWS_CS_ITU601;
  }
}

int even(double side) { return std::max(2, static_cast<int>(std::lround(side / 2.0)) * 2); }

}  // namespace

void PictureConverter::settle_size(int stored_width, int stored_height) {
  if (upright_width_ > 0) return;
  const int width = sideways() ? stored_height : stored_width;
  const int height = sideways() ? stored_width : stored_height;
  if (size_.width > 0 && size_.height > 0) {
    upright_width_ = size_.width;
    upright_height_ = size_.height;
  } else if (size_.short_side > 0) {
    const double ratio = static_cast<double>(std::max(width, height)) / std::min(width, height);
    const int long_side = width == height ? size_.short_side : even(size_.short_side * ratio);
    upright_width_ = width <= height ? size_.short_side : long_side;
    upright_height_ = width <= height ? long_side : size_.short_side;
  } else {
    upright_width_ = width;
    upright_height_ = height;
  }
  scaled_ = make_frame();
  scaled_->format = AV_PIX_FMT_GBRP;
  scaled_->width = sideways() ? upright_height_ : upright_width_;
  scaled_->height = sideways() ? upright_width_ : upright_height_;
  // The scaler's vector code writes whole registers: the picture that it writes to is padded, the delivered one is not.
  if (av_frame_get_buffer(scaled_.get(), 0) < 0) throw std::bad_alloc();
}

bool PictureConverter::prepare_scaler(const Source& source) {
  if (scaler_ != nullptr && source == source_) return true;
  const bool shrinks = source.width > scaled_->width && source.height > scaled_->height;
  const int flags = (shrinks ? SWS_AREA : SWS_BILINEAR) | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT;
  scaler_.reset(sws_getContext(source.width, source.height, source.format, scaled_->width, scaled_->height,
                               AV_PIX_FMT_GBRP, flags, nullptr, nullptr, nullptr));
  if (scaler_ == nullptr) return false;
  constexpr int kNeutral = 1 << 16;  // contrast and saturation, 16.16 fixed point
  // Refused for formats that are RGB or grey already: those need no matrix.
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(source.matrix), source.full_range ? 1 : 0,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, kNeutral, kNeutral);
  source_ = source;
  return true;
}

bool PictureConverter::convert(const AVFrame& frame, std::uint8_t* out) {
  settle_size(frame.width, frame.height);
  Source source;
  source.width = frame.width;
  source.height = frame.height;
  source.full_range = frame.color_range == AVCOL_RANGE_JPEG;
  source.format = without_range(static_cast<AVPixelFormat>(frame.format), source.full_range);
  source.matrix = scaler_matrix(frame.colorspace);
  if (!prepare_scaler(source)) return false;
  if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, scaled_->data, scaled_->linesize) !=
      scaled_->height) {
    return false;
  }
  copy_upright(out);
  return true;
}

void PictureConverter::copy_upright(std::uint8_t* out) const {
  constexpr int kPlanes[] = {2, 0, 1};  // R, G, B in FFmpeg's order G, B, R
  const int width = upright_width_;
  const int height = upright_height_;
  for (const int index : kPlanes) {
    const std::uint8_t* plane = scaled_->data[index];
    const std::ptrdiff_t stride = scaled_->linesize[index];
    // The source pixel of upright (row, column) lies at start + row * down + column * right.
    std::ptrdiff_t start = 0;
    std::ptrdiff_t down = stride;
    std::ptrdiff_t right = 1;
    if (rotation_degrees_ == 90) {
      start = (scaled_->height - 1) * stride, down = 1, right = -stride;
    } else if (rotation_degrees_ == 180) {
      start = (scaled_->height - 1) * stride + scaled_->width - 1, down = -stride, right = -1;
    } else if (rotation_degrees_ == 270) {
      start = scaled_->width - 1, down = -1, right = stride;
    }
    for (int row = 0; row < height; ++row, out += width) {
      const std::uint8_t* line = plane + start + row * down;
      if (right == 1) {
        std::memcpy(out, line, static_cast<std::size_t>(width));
      } else {
        for (int column = 0; column < width; ++column) out[column] = line[column * right];
      }
    }
  }
}

}  // namespace cmkd::media
