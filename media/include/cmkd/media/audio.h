// Sound as float mono at one rate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <vector>

#include "cmkd/media/media.h"

namespace cmkd::media {

struct AudioRange {
  double start_s = 0;  // after the stream's first presentation time
  double duration_s = std::numeric_limits<double>::infinity();
};

struct AudioSamples {
  int sample_rate = 0;         // Hz
  std::vector<float> samples;  // [n] mono = the arithmetic mean of the channels; not clipped: may exceed ±1
  std::optional<Failure> warning;
};

// Decodes the best audio stream, averages its channels (in float, before resampling) and resamples to `sample_rate`
// (0: the stream's own). Thread-safe; one decoder thread.
[[nodiscard]] Outcome<AudioSamples> decode_audio(const std::filesystem::path& path, int sample_rate,
                                                 const AudioRange& range = {});

}  // namespace cmkd::media
