// Pictures and sounds for people: what is written is what was given.
#include <png.h>

#include <cmath>
#include <cstring>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/contact_sheet.h"
#include "cmkd/media/png.h"
#include "cmkd/media/wav.h"
#include "paths.h"

using namespace cmkd::media;

namespace {

// By libpng itself.
Picture read_png(const std::filesystem::path& path) {
  const std::string bytes = cmkd::read_file(path);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0);
  CHECK(image.format == PNG_FORMAT_RGB);
  Picture picture{static_cast<int>(image.height), static_cast<int>(image.width), {}};
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) != 0);
  return picture;
}

std::array<std::uint8_t, 3> pixel(const Picture& picture, int y, int x) {
  const std::size_t at = 3 * static_cast<std::size_t>(y * picture.width + x);
  return {picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2]};
}

// L* of CIELAB, from the definition.
double lightness(const std::array<std::uint8_t, 3>& colour) {
  const auto linear = [](std::uint8_t value) {
    const double share = value / 255.0;
    return share <= 0.04045 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4);
  };
  const double y = 0.2126729 * linear(colour[0]) + 0.7151522 * linear(colour[1]) + 0.0721750 * linear(colour[2]);
  return y > 216.0 / 24389.0 ? 116 * std::cbrt(y) - 16 : y * 24389.0 / 27.0;
}

}  // namespace

TEST_CASE("a PNG file has every pixel that was given, and the same picture gives the same bytes") {
  const cmkd::test::TemporaryFolder folder;
  Picture picture{5, 7, {}};
  for (int i = 0; i < 3 * 5 * 7; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(i * 91 % 256));
  write_png(folder / "deep/er/a.png", picture);
  write_png(folder / "b.png", picture);
  const Picture read = read_png(folder / "deep/er/a.png");
  CHECK(read.height == 5);
  CHECK(read.width == 7);
  CHECK(read.pixels == picture.pixels);
  CHECK(cmkd::read_file(folder / "deep/er/a.png") == cmkd::read_file(folder / "b.png"));
  picture.pixels.pop_back();
  CHECK_THROWS_AS(write_png(folder / "c.png", picture), cmkd::Error);
  CHECK_THROWS_AS(write_png(folder / "c.png", Picture{}), cmkd::Error);
  CHECK_FALSE(std::filesystem::exists(folder / "c.png"));
}

TEST_CASE("a WAV file gives the samples back within 1/32768, scaled down where they are beyond full scale") {
  if (ffmpeg_versions().empty()) {
    WARN("skipped: built without FFmpeg");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  std::vector<float> samples;
  for (int i = 0; i < 2000; ++i) samples.push_back(static_cast<float>(std::sin(0.05 * i)));
  samples[0] = 1.0F;
  samples[1] = -1.0F;
  const WavWritten plain = write_wav(folder / "plain.wav", samples, 8000);
  CHECK(plain.gain == 1);
  CHECK(plain.peak == 1);
  for (float& sample : samples) sample *= 4;
  const WavWritten loud = write_wav(folder / "loud.wav", samples, 8000);
  CHECK(loud.gain == 0.25);
  CHECK(loud.peak == 4);
  CHECK(cmkd::read_file(folder / "loud.wav") == cmkd::read_file(folder / "plain.wav"));
  const auto read = decode_audio(folder / "loud.wav", 0);
  REQUIRE(read.ok());
  CHECK(read.value().sample_rate == 8000);
  REQUIRE(read.value().samples.size() == samples.size());
  double worst = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(read.value().samples[i]) - samples[i] * loud.gain));
  }
  CHECK(worst <= 1.0 / 32768);
}

TEST_CASE("a WAV file refuses samples that are not finite, and holds none at all if asked") {
  const cmkd::test::TemporaryFolder folder;
  CHECK_THROWS_WITH(write_wav(folder / "a.wav", std::vector<float>{0, NAN}, 8000), message_contains("not finite"));
  CHECK_THROWS_AS(write_wav(folder / "a.wav", std::vector<float>{0}, 0), cmkd::Error);
  CHECK_FALSE(std::filesystem::exists(folder / "a.wav"));
  write_wav(folder / "empty.wav", {}, 8000);
  CHECK(cmkd::read_file(folder / "empty.wav").size() == 44);
}

TEST_CASE("a contact sheet has each pixel of each frame as a square of its own colour") {
  // 3 frames of 2 x 4: pixel (t, y, x) is (10 t + y, 100 + x, 200).
  constexpr int kFrames = 3;
  std::vector<std::uint8_t> pixels;
  for (int channel = 0; channel < 3; ++channel) {
    for (int t = 0; t < kFrames; ++t) {
      for (int y = 0; y < 2; ++y) {
        for (int x = 0; x < 4; ++x) {
          pixels.push_back(static_cast<std::uint8_t>(channel == 0 ? 10 * t + y : (channel == 1 ? 100 + x : 200)));
        }
      }
    }
  }
  const ContactSheet sheet = contact_sheet(pixels, kFrames, 2, 4, {"0.000 s", "0.125 s", "0.250 s"});
  CHECK(sheet.scale == 64);  // 128 / 2
  REQUIRE(sheet.corners.size() == kFrames);
  for (int t = 0; t < kFrames; ++t) {
    const auto corner = sheet.corners[static_cast<std::size_t>(t)];
    for (int y = 0; y < 2 * sheet.scale; ++y) {
      for (int x = 0; x < 4 * sheet.scale; ++x) {
        const std::array<std::uint8_t, 3> expected{static_cast<std::uint8_t>(10 * t + y / sheet.scale),
                                                   static_cast<std::uint8_t>(100 + x / sheet.scale), 200};
        if (pixel(sheet.picture, corner.top + y, corner.left + x) != expected) {
          FAIL("frame " << t << " pixel " << y << ", " << x);
        }
      }
    }
  }
  CHECK_THROWS_AS(contact_sheet(pixels, kFrames, 2, 3, {"", "", ""}), cmkd::Error);
  CHECK_THROWS_AS(contact_sheet(pixels, kFrames, 2, 4, {""}), cmkd::Error);
}

TEST_CASE("frames of the legible size and larger are not enlarged, and one frame is a sheet") {
  const std::vector<std::uint8_t> large(std::size_t{3} * 130 * 240, 7);
  const ContactSheet sheet = contact_sheet(large, 1, 130, 240, {""});
  CHECK(sheet.scale == 1);
  CHECK(sheet.columns == 1);
  CHECK(sheet.picture.width > 240);
}

TEST_CASE("a heat map has row 0 at the bottom, the smallest value darkest and the largest brightest") {
  const HeatMap map = heat_map(std::vector<float>{0, 1, 2, 3, 4, 10}, 2, 3);
  CHECK(map.low == 0);
  CHECK(map.high == 10);
  CHECK(map.picture.height == 2 * map.scale_down);
  CHECK(map.picture.width == 3 * map.scale_right);
  CHECK(pixel(map.picture, map.picture.height - 1, 0) == colour_of_share(0));
  CHECK(pixel(map.picture, 0, map.picture.width - 1) == colour_of_share(1));
  CHECK(pixel(map.picture, 0, 0) == colour_of_share(0.3));
  const HeatMap silence = heat_map(std::vector<float>(6, -16.0F), 2, 3);
  CHECK(pixel(silence.picture, 0, 0) == colour_of_share(0));
  CHECK_THROWS_AS(heat_map(std::vector<float>(5), 2, 3), cmkd::Error);
}

TEST_CASE("the colours of a heat map rise in lightness in equal steps") {
  // L* = 8 + 88 share; eight bits a channel leave about half a unit of it.
  for (int i = 0; i <= 255; ++i) {
    const double share = i / 255.0;
    INFO("share " << share);
    CHECK(lightness(colour_of_share(share)) == Approx(8 + 88 * share).margin(0.7));
  }
  CHECK(colour_of_share(-1) == colour_of_share(0));
  CHECK(colour_of_share(2) == colour_of_share(1));
}
