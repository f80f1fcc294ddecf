// Sound as WAV files, for people to listen to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace cmkd::media {

struct WavWritten {
  double peak = 0;  // largest magnitude of the samples
  double gain = 1;  // by which they were multiplied: 1, or 1 / peak where the peak is beyond 1, so that nothing clips
};

// 16 bits, mono, written atomically: every sample lies within 1/32768 of the given one times `gain`. Throws
// Error(kEnvironment) when the disk refuses, and Error(kInternal) for samples that are not finite, a rate that is not
// positive, and more than 2^31 samples, which the format cannot say.
WavWritten write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate);

}  // namespace cmkd::media
