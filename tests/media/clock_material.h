// Media files whose streams begin and pause where a test says, written packet by packet: a flash and a beep at known
// times of the container.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cmkd::test {

struct TimeSpan {
  double from_s = 0;
  double to_s = 0;
  [[nodiscard]] bool holds(double time_s) const noexcept { return time_s >= from_s && time_s < to_s; }
};

// All times are the container's.
struct ClockFile {
  std::string container = "matroska";     // FFmpeg's name of the muxer
  std::string video_codec = "mpeg4";      // FFmpeg's name of the encoder; empty: no picture
  std::string audio_codec = "pcm_s16le";  // likewise
  int reordered_frames = 0;               // B-frames in a row
  int sample_rate = 48000;
  double picture_start_s = 0;
  double sound_start_s = 0;
  double end_s = 4;
  TimeSpan flash = {2, 2.2};  // white in black, at 25 frames per second
  TimeSpan beep = {2, 2.2};   // 1 kHz at half of full scale, in silence
  TimeSpan missing;           // packets of sound that begin here are left out
  TimeSpan twice;             // and these are written twice
  double jitter_s = 0;        // every third packet of sound is stamped earlier by this
};

// Throws when the linked FFmpeg cannot write it.
void write_clock_file(const std::filesystem::path& path, const ClockFile& file);
// Whether it has these encoders; "" counts as there.
[[nodiscard]] bool can_write(const ClockFile& file);

}  // namespace cmkd::test
