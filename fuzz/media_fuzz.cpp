// Media files: what is asked of FFmpeg, and what is made of its answers (times, sizes, the range that a clip wants).
// FFmpeg itself is not built with sanitizers here: what is searched for is what this project does with strange streams.
#include <array>
#include <cmath>

#include "cmkd/media/audio.h"
#include "cmkd/media/video.h"
#include "fuzz.h"

namespace {

constexpr int kRate = 8000;  // Hz

void read_video(const std::filesystem::path& path) {
  const cmkd::media::VideoOptions options{.size = {.short_side = 16}, .memory_limit_bytes = std::size_t{16} << 20};
  const auto resampled = cmkd::media::decode_video(path, {.start_s = 0.1, .duration_s = 0.5, .fps = 8}, options);
  if (resampled) {
    const cmkd::media::VideoFrames& frames = resampled.value();
    const auto pixels = static_cast<std::size_t>(frames.frame_count * 3 * frames.height * frames.width);
    if (frames.pixels.size() != pixels) __builtin_trap();
    if (static_cast<std::int64_t>(frames.presentation_time_s.size()) != frames.frame_count) __builtin_trap();
  }
  auto reader = cmkd::media::VideoReader::open(path, options);
  if (reader) (void)reader.value().frames_at(std::array{0.0, 0.2, 0.3});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cmkd::fuzz::MemoryFile file({data, size});
  cmkd::fuzz::expect_answer([&] { (void)cmkd::media::probe(file.path(), {.decode = false}); });
  cmkd::fuzz::expect_answer([&] { read_video(file.path()); });
  cmkd::fuzz::expect_answer([&] {
    const auto sound = cmkd::media::decode_audio(file.path(), kRate, {.start_s = 0, .duration_s = 0.5});
    if (!sound) return;
    if (sound.value().samples.size() > kRate) __builtin_trap();  // half a second was asked for
    for (const float sample : sound.value().samples) {
      if (!std::isfinite(sample)) __builtin_trap();
    }
  });
  return 0;
}
