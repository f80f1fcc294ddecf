// Writes the media files of the embedded dataset: H.264 video and lossless FLAC sound in Matroska.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace cmkd::media {

struct EncodeVideo {
  std::span<const std::uint8_t> pixels;  // [T, 3, H, W] RGB; H and W even
  std::int64_t frame_count = 0;
  int height = 0;
  int width = 0;
  double fps = 0;
};

struct EncodeAudio {
  std::span<const std::int16_t> samples;  // [n] mono
  int sample_rate = 0;
};

// Writes both streams (either may be empty) atomically to `path` (.mkv). Throws Error(kEnvironment) when the linked
// FFmpeg has no such encoder or the disk is full. The same input and library give the same bytes.
// The span is checked: a wrong size, an odd picture or a rate that is not positive throws Error(kInternal).
void encode_media(const std::filesystem::path& path, const EncodeVideo& video, const EncodeAudio& audio);

// Whether the linked FFmpeg can write both: `doctor` and the tests ask.
[[nodiscard]] bool has_encoders();

}  // namespace cmkd::media
