#include "material.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "catch.h"
#include "cmkd/media/encode.h"
#include "paths.h"

namespace cmkd::test {
namespace fs = std::filesystem;

std::vector<std::uint8_t> moving_square(const MadeClip& clip) {
  constexpr int kSide = 12;
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(clip.frames * 3 * clip.height * clip.width));
  for (std::int64_t t = 0; t < clip.frames; ++t) {
    const int left = static_cast<int>((t * 3) % (clip.width - kSide));
    const int top = static_cast<int>((t * 2) % (clip.height - kSide));
    for (int channel = 0; channel < 3; ++channel) {
      for (int row = 0; row < clip.height; ++row) {
        for (int column = 0; column < clip.width; ++column) {
          const bool inside = row >= top && row < top + kSide && column >= left && column < left + kSide;
          const int shade = inside ? 235 - 60 * channel : 40 + (row + column + channel * 20) % 90;
          pixels.push_back(static_cast<std::uint8_t>(shade));
        }
      }
    }
  }
  return pixels;
}

std::vector<std::int16_t> swelling_tone(const MadeClip& clip) {
  constexpr double kPitch_hz = 440;
  constexpr double kSwell_hz = 1.5;
  const auto count = static_cast<std::size_t>(static_cast<double>(clip.frames) / clip.fps * clip.sample_rate);
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double time_s = static_cast<double>(i) / clip.sample_rate;
    const double swell = 0.5 + 0.4 * std::sin(2 * std::numbers::pi * kSwell_hz * time_s);
    samples[i] =
        static_cast<std::int16_t>(std::lround(20000 * swell * std::sin(2 * std::numbers::pi * kPitch_hz * time_s)));
  }
  return samples;
}

void make_clip(const fs::path& path, const MadeClip& clip) {
  const std::vector<std::uint8_t> pixels = moving_square(clip);
  const std::vector<std::int16_t> samples = clip.sample_rate > 0 ? swelling_tone(clip) : std::vector<std::int16_t>();
  media::encode_media(path, {pixels, clip.frames, clip.height, clip.width, clip.fps}, {samples, clip.sample_rate});
}

namespace {

std::vector<fs::path> shared_files(const std::string& part) {
  std::vector<fs::path> files;
  if (media::ffmpeg_versions().empty()) {
    WARN("skipped: built without FFmpeg");
    return files;
  }
  const fs::path folder = shared_data(part);
  if (folder.empty()) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() != ".tsv") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<fs::path> hard_files() { return shared_files("hard"); }
std::vector<fs::path> real_clips() { return shared_files("clips"); }

std::vector<std::uint8_t> frame(const media::VideoFrames& frames, std::int64_t k) {
  const auto bytes = static_cast<std::ptrdiff_t>(3) * frames.height * frames.width;
  return {frames.pixels.begin() + k * bytes, frames.pixels.begin() + (k + 1) * bytes};
}

}  // namespace cmkd::test
