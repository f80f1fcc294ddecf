#include "cmkd/media/audio.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <numbers>
#include <type_traits>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/media/encode.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;

namespace {

// A canonical WAV file of 16-bit integers or 32-bit floats, interleaved.
template <typename Sample>
void write_wav(const fs::path& path, const std::vector<Sample>& samples, int channels, int rate) {
  static_assert(std::is_same_v<Sample, std::int16_t> || std::is_same_v<Sample, float>);
  constexpr int kBytes = sizeof(Sample);
  const auto bytes = static_cast<std::uint32_t>(samples.size() * kBytes);
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](auto value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
  file << "RIFF";
  put(std::uint32_t{36 + bytes});
  file << "WAVEfmt ";
  put(std::uint32_t{16});
  put(std::uint16_t{std::is_same_v<Sample, float> ? 3 : 1});  // IEEE float, PCM
  put(static_cast<std::uint16_t>(channels));
  put(static_cast<std::uint32_t>(rate));
  put(static_cast<std::uint32_t>(rate * channels * kBytes));
  put(static_cast<std::uint16_t>(channels * kBytes));
  put(std::uint16_t{8 * kBytes});
  file << "data";
  put(bytes);
  file.write(reinterpret_cast<const char*>(samples.data()), bytes);
}

std::vector<std::int16_t> tone(double pitch_hz, int rate, double seconds) {
  std::vector<std::int16_t> samples(static_cast<std::size_t>(rate * seconds));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::int16_t>(
        std::lround(16000 * std::sin(2 * std::numbers::pi * pitch_hz * static_cast<double>(i) / rate)));
  }
  return samples;
}

bool skip_without_ffmpeg() {
  if (!ffmpeg_versions().empty()) return false;
  WARN("skipped: built without FFmpeg");
  return true;
}

}  // namespace

TEST_CASE("mono is the arithmetic mean of the channels") {
  if (skip_without_ffmpeg()) return;
  const cmkd::test::TemporaryFolder folder;
  // Left and right: (full scale, full scale), (half, −half), (0.25, 0): mean 32767/32768, 0 and 0.125.
  write_wav<std::int16_t>(folder / "a.wav", {32767, 32767, 16384, -16384, 8192, 0}, 2, 8000);
  const auto sound = decode_audio(folder / "a.wav", 0);
  REQUIRE(sound.ok());
  CHECK(sound.value().sample_rate == 8000);
  CHECK(sound.value().samples == std::vector<float>{32767.0F / 32768.0F, 0.0F, 0.125F});
  CHECK_FALSE(sound.value().warning);
}

TEST_CASE("resampling keeps the pitch, the loudness and the length") {
  if (skip_without_ffmpeg()) return;
  const cmkd::test::TemporaryFolder folder;
  write_wav(folder / "a.wav", tone(500, 44100, 1.0), 1, 44100);
  const auto sound = decode_audio(folder / "a.wav", 16000);
  REQUIRE(sound.ok());
  const std::vector<float>& samples = sound.value().samples;
  CHECK(sound.value().sample_rate == 16000);
  CHECK(std::abs(static_cast<int>(samples.size()) - 16000) <= 2);
  // Away from the ends the resampled tone is the tone itself, sampled at the new rate.
  double worst = 0;
  for (std::size_t i = 1000; i < 15000; ++i) {
    const double expected = 16000.0 / 32768.0 * std::sin(2 * std::numbers::pi * 500 * static_cast<double>(i) / 16000);
    worst = std::max(worst, std::abs(expected - static_cast<double>(samples[i])));
  }
  CHECK(worst < 0.002);
}

TEST_CASE("a range of sound is the same samples as that part of the whole") {
  if (skip_without_ffmpeg()) return;
  const cmkd::test::TemporaryFolder folder;
  write_wav(folder / "a.wav", tone(330, 22050, 3.0), 1, 22050);
  for (const int rate : {0, 16000, 48000}) {
    const auto whole = decode_audio(folder / "a.wav", rate);
    const auto part = decode_audio(folder / "a.wav", rate, {0.75, 0.5});
    REQUIRE(whole.ok());
    REQUIRE(part.ok());
    const int out_rate = whole.value().sample_rate;
    const auto first = static_cast<std::ptrdiff_t>(std::lround(0.75 * out_rate));
    const auto last = static_cast<std::ptrdiff_t>(std::lround(1.25 * out_rate));
    const std::vector<float> expected(whole.value().samples.begin() + first, whole.value().samples.begin() + last);
    CHECK((part.value().samples == expected));
  }
}

TEST_CASE("a range past the end of the sound is out of range, and one that reaches past it is cut there") {
  if (skip_without_ffmpeg()) return;
  const cmkd::test::TemporaryFolder folder;
  write_wav(folder / "a.wav", tone(330, 8000, 1.0), 1, 8000);
  const auto beyond = decode_audio(folder / "a.wav", 0, {2.0, 1.0});
  REQUIRE_FALSE(beyond.ok());
  CHECK(beyond.failure().reason == FailureReason::kOutOfRange);
  const auto cut = decode_audio(folder / "a.wav", 0, {0.5, 5.0});
  REQUIRE(cut.ok());
  CHECK(cut.value().samples.size() == 4000);
}

TEST_CASE("lossless sound comes back as it was written") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no encoders");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  const cmkd::test::MadeClip clip;
  cmkd::test::make_clip(folder / "clip.mkv", clip);
  const auto sound = decode_audio(folder / "clip.mkv", 0);
  REQUIRE(sound.ok());
  std::vector<float> expected;
  for (const std::int16_t sample : cmkd::test::swelling_tone(clip)) expected.push_back(sample / 32768.0F);
  CHECK((sound.value().samples == expected));
}

TEST_CASE("a file without sound says so") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no encoders");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::MadeClip silent;
  silent.sample_rate = 0;
  cmkd::test::make_clip(folder / "clip.mkv", silent);
  const auto sound = decode_audio(folder / "clip.mkv", 16000);
  REQUIRE_FALSE(sound.ok());
  CHECK(sound.failure().reason == FailureReason::kNoAudioStream);
}

TEST_CASE("sound of every sample format has as many samples as its duration says") {
  if (cmkd::test::hard_files().empty()) return;
  const fs::path folder = cmkd::test::shared_data("hard");
  for (const auto& [file, count] : std::vector<std::pair<std::string, std::size_t>>{
           {"audio_only_16ch_s16.wav", 16000},
           {"audio_only_mono_8k_s32.wav", 32000},
           {"audio_only_mono_f64.wav", 64000},
           {"audio_only_mono_s24.wav", 64000},
           {"audio_only_mono_u8.wav", 64000},
           {"audio_only_seek_bug_s24_48k.wav", 48001},
       }) {
    INFO(file);
    const auto sound = decode_audio(folder / file, 0);
    REQUIRE(sound.ok());
    CHECK(sound.value().samples.size() == count);
    for (const float sample : sound.value().samples) REQUIRE(std::isfinite(sample));
  }
}

TEST_CASE("samples that are not finite, or beyond any recording, are refused with their number, in any channel") {
  if (skip_without_ffmpeg()) return;
  const cmkd::test::TemporaryFolder folder;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto outcome = [&](const std::vector<float>& values, int channels, const AudioRange& range = {}) {
    write_wav(folder / "a.wav", values, channels, 8000);
    return decode_audio(folder / "a.wav", 16000, range);
  };
  const auto with = [](const std::vector<std::pair<std::size_t, float>>& places) {
    std::vector<float> values(16000, 0.1F);
    for (const auto& [place, value] : places) values[place] = value;
    return values;
  };
  for (const float wrong : {kNan, kInfinity, -kInfinity, 3e29F, -3e29F, 3e9F}) {
    INFO(wrong);
    const auto refused = outcome(with({{100, wrong}, {8000, wrong}}), 1);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.failure().reason == FailureReason::kUnusableSamples);
    CHECK_THAT(refused.failure().detail, message_contains("2 of 16000 samples"));
  }
  // Opposite infinities in two channels, whose mean would be anything: one sample of 8000.
  CHECK_THAT(outcome(with({{200, 3e38F}, {201, -3e38F}}), 2).failure().detail, message_contains("1 of 8000 samples"));
  // Floats that are integers as they are, of 16 and of 32 bit, are a recording.
  CHECK(outcome(with({{5, 32768.0F}}), 1).ok());
  CHECK(outcome(with({{5, -2147483648.0F}}), 1).ok());
  // What lies outside the piece is not its fault, and the resampler does not smear it into the piece: 1 s, from 0.5 s.
  const std::vector<float> around = with({{3999, kNan}, {12000, kNan}});
  const auto piece = outcome(around, 1, {0.5, 1.0});
  REQUIRE(piece.ok());
  CHECK(piece.value().samples.size() == 16000);
  for (const float sample : piece.value().samples) REQUIRE(std::abs(sample) < 0.2F);
  CHECK_FALSE(outcome(around, 1, {0.49, 1.0}).ok());
  const fs::path shared = cmkd::test::shared_data("clock/not_finite.wav");
  if (shared.empty()) return;
  CHECK_THAT(decode_audio(shared, 0).failure().detail, Catch::Matchers::StartsWith("2 of "));
}

TEST_CASE("clipped samples are those at full scale close to others, and no single peak nor a loud tone is any") {
  if (skip_without_ffmpeg()) return;
  const cmkd::test::TemporaryFolder folder;
  const auto clipped = [&](const std::vector<std::int16_t>& samples, int channels = 1) {
    write_wav(folder / "a.wav", samples, channels, 8000);
    return decode_audio(folder / "a.wav", 0).value().clipped_samples;
  };
  std::vector<std::int16_t> quiet = tone(440, 8000, 1.0);
  CHECK(clipped(quiet) == 0);
  std::vector<std::int16_t> peaks = quiet;
  for (std::size_t i = 50; i < peaks.size(); i += 100) peaks[i] = 32767;
  CHECK(clipped(peaks) == 0);
  // A run of five: the third to the fifth. One that goes on at the other end of the scale begins anew.
  std::vector<std::int16_t> run = quiet;
  std::fill_n(run.begin() + 1000, 5, std::int16_t{32767});
  CHECK(clipped(run) == 3);
  std::fill_n(run.begin() + 1005, 2, std::int16_t{-32768});
  CHECK(clipped(run) == 3);
  // A run over the border of two frames (WAV is read 4096 bytes at a time): 2048 lies within it.
  std::vector<std::int16_t> border = quiet;
  std::fill_n(border.begin() + 2046, 5, std::int16_t{-32768});
  CHECK(clipped(border) == 3);
  // 440 Hz at full scale: a peak holds at most two samples.
  std::vector<std::int16_t> loud(8000);
  for (std::size_t i = 0; i < loud.size(); ++i) {
    loud[i] = static_cast<std::int16_t>(
        std::lround(32767 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 8000)));
  }
  CHECK(clipped(loud) == 0);
  // Three times as loud: sin x lies beyond 1 / 3 for 78 % of the time.
  std::vector<std::int16_t> cut(8000);
  for (std::size_t i = 0; i < cut.size(); ++i) {
    const double value = 3 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 8000);
    cut[i] = static_cast<std::int16_t>(std::lround(32767 * std::clamp(value, -1.0, 1.0)));
  }
  const double share = static_cast<double>(clipped(cut)) / 8000;
  CHECK(share > 0.5);
  CHECK(share < 0.79);
}
