#ifdef CMKD_HAVE_FFMPEG

#include <cmath>

#include "catch.h"
#include "picture.h"
#include "timeline.h"

using namespace cmkd::media;

TEST_CASE("a second that is a tick up to rounding is that tick, and a microsecond less is the tick before") {
  for (const AVRational base :
       {AVRational{1, 90000}, AVRational{1, 12800}, AVRational{1, 1000}, AVRational{1001, 30000}}) {
    for (const std::int64_t tick : {0, 1, 3, 7, 1001, 123457, 90000 * 3600}) {
      const double time_s = seconds_at(tick, base);
      CHECK(ticks_at(time_s, base) == tick);
      CHECK(ticks_at(std::nextafter(time_s, 1e9), base) == tick);
      CHECK(ticks_at(std::nextafter(time_s, -1e9), base) == tick);
      CHECK(ticks_at(time_s - 1e-6, base) == tick - 1);
      CHECK(first_tick_from(time_s, base) == tick);
      CHECK(first_tick_from(time_s + 1e-6, base) == tick + 1);
    }
  }
  // 0.1 + 2 / 10 is a little more than 0.3, 0.7 + 1 / 10 a little less than 0.8.
  CHECK(ticks_at(0.1 + 2 / 10.0, {1, 10}) == 3);
  CHECK(ticks_at(0.7 + 1 / 10.0, {1, 10}) == 8);
}

TEST_CASE("a picture is turned clockwise by its rotation") {
  // A grey ramp of 4 x 2: rows 0 1 2 3 and 4 5 6 7, times 30.
  const FrameHandle source = make_frame();
  source->format = AV_PIX_FMT_GBRP;
  source->width = 4;
  source->height = 2;
  REQUIRE(av_frame_get_buffer(source.get(), 0) == 0);
  for (int plane = 0; plane < 3; ++plane) {
    for (int i = 0; i < 8; ++i) {
      source->data[plane][i / 4 * source->linesize[plane] + i % 4] = static_cast<std::uint8_t>(30 * i);
    }
  }
  const auto turned = [&](int degrees) {
    PictureConverter converter({}, degrees);
    std::vector<std::uint8_t> pixels(24);
    REQUIRE(converter.convert(*source, pixels.data()));
    std::vector<int> red(8);
    for (std::size_t i = 0; i < 8; ++i) red[i] = (pixels[i] + 15) / 30;
    CHECK(converter.width() == (degrees % 180 == 0 ? 4 : 2));
    return red;
  };
  CHECK(turned(0) == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(turned(90) == std::vector<int>{4, 0, 5, 1, 6, 2, 7, 3});
  CHECK(turned(180) == std::vector<int>{7, 6, 5, 4, 3, 2, 1, 0});
  CHECK(turned(270) == std::vector<int>{3, 7, 2, 6, 1, 5, 0, 4});
}

TEST_CASE("colours follow the matrix and the range that a frame states") {
  const FrameHandle source = make_frame();
  source->format = AV_PIX_FMT_YUV444P;
  source->width = 16;
  source->height = 16;
  REQUIRE(av_frame_get_buffer(source.get(), 0) == 0);
  const auto red_of = [&](int y, int cr, AVColorSpace matrix, AVColorRange range) {
    for (int plane = 0; plane < 3; ++plane) {
      const int value = plane == 0 ? y : plane == 1 ? 128 : cr;
      for (int row = 0; row < 16; ++row) {
        std::fill_n(source->data[plane] + std::ptrdiff_t{row} * source->linesize[plane], 16,
                    static_cast<std::uint8_t>(value));
      }
    }
    source->colorspace = matrix;
    source->color_range = range;
    PictureConverter converter({}, 0);
    std::vector<std::uint8_t> pixels(3UL * 16 * 16);
    REQUIRE(converter.convert(*source, pixels.data()));
    return int{pixels[0]};
  };
  // R = (Y − 16) 255 / 219 + k (Cr − 128) 255 / 224, k = 1.402 (BT.601) or 1.5748 (BT.709); full range: Y + k (Cr −
  // 128).
  const double luma = (100 - 16) * 255.0 / 219;
  CHECK(std::abs(red_of(100, 178, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG) - (luma + 1.402 * 50 * 255 / 224)) < 1.5);
  CHECK(std::abs(red_of(100, 178, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED) - (luma + 1.402 * 50 * 255 / 224)) <
        1.5);
  CHECK(std::abs(red_of(100, 178, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG) - (luma + 1.5748 * 50 * 255 / 224)) < 1.5);
  CHECK(std::abs(red_of(100, 178, AVCOL_SPC_BT709, AVCOL_RANGE_JPEG) - (100 + 1.5748 * 50)) < 1.5);
}

TEST_CASE("a size by its short side keeps the aspect ratio, also of a picture that is turned") {
  PictureConverter wide({.short_side = 128}, 0);
  wide.settle_size(1280, 720);
  CHECK(wide.height() == 128);
  CHECK(wide.width() == 228);  // 128 · 16 / 9 = 227.6, to even
  PictureConverter turned({.short_side = 128}, 90);
  turned.settle_size(1280, 720);
  CHECK(turned.width() == 128);
  CHECK(turned.height() == 228);
  PictureConverter squeezed({.width = 112, .height = 96}, 270);
  squeezed.settle_size(1280, 720);
  CHECK(squeezed.width() == 112);
  CHECK(squeezed.height() == 96);
}

#endif
