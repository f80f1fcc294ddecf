#include "cmkd/media/wav.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"

namespace cmkd::media {

namespace {

constexpr std::size_t kMostWavSamples = (std::size_t{1} << 31U) - 64;

// Little-endian, whatever the machine.
void append_number(std::string& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
}

// RIFF header of PCM: one channel of 16 bits.
std::string wav_header(std::uint32_t data_bytes, std::uint32_t sample_rate) {
  constexpr std::uint32_t kPcm = 1;
  constexpr std::uint32_t kChannels = 1;
  constexpr std::uint32_t kBytesOfSample = 2;
  std::string bytes = "RIFF";
  append_number(bytes, 36 + data_bytes, 4);
  bytes += "WAVEfmt ";
  append_number(bytes, 16, 4);
  append_number(bytes, kPcm, 2);
  append_number(bytes, kChannels, 2);
  append_number(bytes, sample_rate, 4);
  append_number(bytes, sample_rate * kBytesOfSample, 4);
  append_number(bytes, kBytesOfSample, 2);
  append_number(bytes, 8 * kBytesOfSample, 2);
  bytes += "data";
  append_number(bytes, data_bytes, 4);
  return bytes;
}

}  // namespace

WavWritten write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate) {
  const bool finite = std::ranges::all_of(samples, [](float sample) { return std::isfinite(sample); });
  if (!finite || sample_rate < 1 || samples.size() > kMostWavSamples) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("{} samples at {} Hz cannot be a WAV file{}", samples.size(),
                                                           sample_rate, finite ? "" : ": some are not finite"),
                                       .where = path.string()});
  }
  WavWritten written;
  for (const float sample : samples) written.peak = std::max(written.peak, std::abs(static_cast<double>(sample)));
  if (written.peak > 1) written.gain = 1 / written.peak;
  std::string bytes =
      wav_header(static_cast<std::uint32_t>(2 * samples.size()), static_cast<std::uint32_t>(sample_rate));
  bytes.reserve(bytes.size() + 2 * samples.size());
  for (const float sample : samples) {
    // Full scale is 32768, as decoders have it; +1 itself has no number and becomes the one below.
    const double scaled = std::round(static_cast<double>(sample) * written.gain * 32768.0);
    const auto value = static_cast<std::int32_t>(std::clamp(scaled, -32768.0, 32767.0));
    append_number(bytes, static_cast<std::uint32_t>(value), 2);
  }
  write_file_atomically(path, bytes);
  return written;
}

}  // namespace cmkd::media
