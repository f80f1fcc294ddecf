// Sound as float mono at one rate, on a clock that it may share with a picture.
//
// Sample k of what is delivered lies at start_s + k / rate on the clock, within a sample: delays of decoders and of the
// resampler are taken out, sound before 0 is dropped, sound that begins later is preceded by silence, and a hole in the
// timestamps is silence of its length. Where packets overlap, the sound that came first stays, and what follows is not
// pushed back. Timestamps that are off by less than 10 ms, or for a moment only, move nothing.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <vector>

#include "cmkd/media/media.h"

namespace cmkd::media {

struct AudioRange {
  double start_s = 0;  // on the clock
  double duration_s = std::numeric_limits<double>::infinity();
  // The time in the container that is 0 on the clock, such as VideoFrames::origin_s; absent: that of the first sample.
  std::optional<double> origin_s = {};
};

struct AudioSamples {
  int sample_rate = 0;         // Hz
  std::vector<float> samples;  // [n] mono = the arithmetic mean of the channels; not clipped: may exceed ±1
  std::optional<Failure> warning;

  double offset_s = 0;  // of the stream's first sample on the clock; negative: it lies before 0
  // Of the range only:
  double leading_silence_s = 0;      // put in before the first sample
  double hole_silence_s = 0;         // put in for holes
  double overlap_dropped_s = 0;      // of packets that lie over others
  std::int64_t decoded_samples = 0;  // as decoded, of all channels at once
  // Of them, those at full scale in a channel with two others at the same end of the scale among the seven before them:
  // lossy coding ripples what was flat. Full scale is 32767 / 32768 and more (8 bit: 127 / 128). A single peak is none.
  std::int64_t clipped_samples = 0;
};

// The largest magnitude that a recording holds, full scale being 1: that of 32-bit integers taken for floats as they
// are. The power spectrum of a window with such samples is far from the end of float.
inline constexpr float kLargestSample = 2147483648.0F;
[[nodiscard]] inline bool is_usable_sample(float value) noexcept { return std::abs(value) <= kLargestSample; }

// Decodes the best audio stream, averages its channels (in float, before resampling) and resamples to `sample_rate`
// (0: the stream's own). kUnusableSamples when the range holds samples that are none, in any channel, as decoded.
// Thread-safe; one decoder thread.
[[nodiscard]] Outcome<AudioSamples> decode_audio(const std::filesystem::path& path, int sample_rate,
                                                 const AudioRange& range = {});

}  // namespace cmkd::media
