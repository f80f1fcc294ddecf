#include "cmkd/media/audio.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numbers>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/media/encode.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;

namespace {

// A canonical WAV file of 16-bit samples, interleaved.
void write_wav(const fs::path& path, const std::vector<std::int16_t>& samples, int channels, int rate) {
  const auto bytes = static_cast<std::uint32_t>(samples.size() * 2);
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](auto value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
  file << "RIFF";
  put(std::uint32_t{36 + bytes});
  file << "WAVEfmt ";
  put(std::uint32_t{16});
  put(std::uint16_t{1});
  put(static_cast<std::uint16_t>(channels));
  put(static_cast<std::uint32_t>(rate));
  put(static_cast<std::uint32_t>(rate * channels * 2));
  put(static_cast<std::uint16_t>(channels * 2));
  put(std::uint16_t{16});
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
  write_wav(folder / "a.wav", {32767, 32767, 16384, -16384, 8192, 0}, 2, 8000);
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
