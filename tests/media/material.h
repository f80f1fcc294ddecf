// Media for the tests of this room: made here, so that a bare checkout has them too, and the shared recordings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/media/video.h"

namespace cmkd::test {

struct MadeClip {
  int width = 64;
  int height = 48;
  std::int64_t frames = 40;
  double fps = 25;
  int sample_rate = 16000;  // 0: silent file
};

// A bright square that wanders over a gradient, one place per frame: no two frames are equal. [T, 3, H, W]
[[nodiscard]] std::vector<std::uint8_t> moving_square(const MadeClip& clip);
// A tone with a slow swell, as long as the pictures.
[[nodiscard]] std::vector<std::int16_t> swelling_tone(const MadeClip& clip);
// Encodes both to `path`.
void make_clip(const std::filesystem::path& path, const MadeClip& clip = {});

// The files of the shared data's folder "hard"; empty, with the test case counted as skipped, where a machine has none.
[[nodiscard]] std::vector<std::filesystem::path> hard_files();
// The recordings of its folder "clips"; likewise.
[[nodiscard]] std::vector<std::filesystem::path> real_clips();

// Frame k of the pixels.
[[nodiscard]] std::vector<std::uint8_t> frame(const media::VideoFrames& frames, std::int64_t k);

}  // namespace cmkd::test
