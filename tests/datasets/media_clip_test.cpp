// Clips that are pieces of real media files, from the encoder to the cache.
#include "catch.h"
#include "paths.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/file.h"
#include "cmkd/media/decoder_budget.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/manifest.h"
#include "cmkd/readers/media_source.h"
#include "error_text.h"

namespace cmkd {
namespace {

namespace fs = std::filesystem;

constexpr int kMediaClipSize = 32;
constexpr int kMediaClipRate = 8000;

// Frame k is grey of 20 + 10 k, at 8 frames a second; the sound is 100 Hz for the first second, 500 Hz after it.
void write_clip_media(const fs::path& path, std::int64_t frames, bool video = true, bool audio = true) {
  std::vector<std::uint8_t> pixels;
  for (std::int64_t k = 0; k < frames; ++k)
    pixels.insert(pixels.end(), 3 * kMediaClipSize * kMediaClipSize, static_cast<std::uint8_t>(20 + 10 * k));
  std::vector<std::int16_t> samples;
  for (std::int64_t k = 0; k < frames * kMediaClipRate / 8; ++k) {
    const double frequency = k < kMediaClipRate ? 100 : 500;
    samples.push_back(static_cast<std::int16_t>(
        std::lround(10000 * std::sin(2 * std::numbers::pi * frequency * static_cast<double>(k) / kMediaClipRate))));
  }
  if (!video) pixels.clear();
  if (!audio) samples.clear();
  media::encode_media(path, {pixels, video ? frames : 0, kMediaClipSize, kMediaClipSize, 8}, {samples, kMediaClipRate});
}

Clip clip_of(const fs::path& path) {
  Clip clip;
  clip.id = path.filename().string();
  clip.path = path;
  clip.label = 0;
  return clip;
}

class MediaFiles final : public MediaSource {
 public:
  ClipList list() override { return {}; }
};

const IngestSettings kMediaClipSettings{
    .video = true, .audio = true, .height = 16, .width = 20, .fps = 8, .sample_rate = kMediaClipRate};

TEST_CASE("a clip is the piece of its file between its times, at the working size") {
  const test::TemporaryFolder folder;
  write_clip_media(folder / "a.mkv", 16);
  Clip clip = clip_of(folder / "a.mkv");
  clip.start_s = 1;
  clip.end_s = 1.5;
  const media::Outcome<DecodedClip> decoded = MediaFiles().decode(clip, kMediaClipSettings);
  REQUIRE(decoded.ok());
  REQUIRE(decoded.value().frame_count == 4);  // 1.000, 1.125, 1.250, 1.375 s
  CHECK(decoded.value().height == 16);
  CHECK(decoded.value().width == 20);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(std::abs(decoded.value().pixels[k * 3 * 16 * 20] - static_cast<int>(20 + 10 * (8 + k))) <= 4);
    CHECK(decoded.value().frame_time_s[k] == Approx(0.125 * static_cast<double>(k)));
  }
  REQUIRE(decoded.value().samples.size() == kMediaClipRate / 2);
  // 500 Hz at 8 kHz crosses zero upwards every 16 samples; 100 Hz would do so every 80.
  int crossings = 0;
  const std::vector<float>& samples = decoded.value().samples;
  for (std::size_t k = 1; k < samples.size(); ++k) crossings += samples[k - 1] < 0 && samples[k] >= 0;
  CHECK(std::abs(crossings - 250) <= 2);
}

TEST_CASE("max_duration_s shortens clips") {
  const test::TemporaryFolder folder;
  write_clip_media(folder / "a.mkv", 16);
  IngestSettings settings = kMediaClipSettings;
  settings.max_duration_s = 0.75;
  const media::Outcome<DecodedClip> decoded = MediaFiles().decode(clip_of(folder / "a.mkv"), settings);
  REQUIRE(decoded.ok());
  CHECK(decoded.value().frame_count == 6);
  CHECK(decoded.value().samples.size() == kMediaClipRate * 3 / 4);
}

TEST_CASE("a clip without the stream that is asked for is a failure with its reason") {
  const test::TemporaryFolder folder;
  write_clip_media(folder / "silent.mkv", 8, true, false);
  write_clip_media(folder / "blind.mkv", 8, false, true);
  const auto reason = [&](const char* name, bool video, bool audio) {
    IngestSettings settings = kMediaClipSettings;
    settings.video = video;
    settings.audio = audio;
    const auto decoded = MediaFiles().decode(clip_of(folder / name), settings);
    return decoded.ok() ? std::string("ok") : std::string(media::to_string(decoded.failure().reason));
  };
  CHECK(reason("silent.mkv", true, true) == "no_audio_stream");
  CHECK(reason("blind.mkv", true, true) == "no_video_stream");
  CHECK(reason("silent.mkv", true, false) == "ok");
  CHECK(reason("blind.mkv", false, true) == "ok");
  CHECK(reason("nothing.mkv", true, true) == "not_found");
}

TEST_CASE("times beyond the end are a failure, not an empty clip") {
  const test::TemporaryFolder folder;
  write_clip_media(folder / "a.mkv", 8);
  Clip clip = clip_of(folder / "a.mkv");
  clip.start_s = 30;
  CHECK_FALSE(MediaFiles().decode(clip, kMediaClipSettings).ok());
}

TEST_CASE("a manifest's media, with a broken file among them, end in a cache with the reason of each exclusion") {
  const test::TemporaryFolder folder;
  std::string csv = "path,label,split\n";
  for (int k = 0; k < 6; ++k) {
    write_clip_media(folder / ("clip" + std::to_string(k) + ".mkv"), 8, true, k != 4);
    csv += "clip" + std::to_string(k) + ".mkv," + (k % 2 == 0 ? "x" : "y") + "," + (k < 4 ? "train" : "test") + "\n";
  }
  const std::string whole = read_file(folder / "clip0.mkv");
  write_file_atomically(folder / "broken.mkv", whole.substr(0, 20));
  write_file_atomically(folder / "empty.mkv", "");
  csv += "broken.mkv,x,train\nempty.mkv,y,train\n";
  write_file_atomically(folder / "clips.csv", csv);
  Parameters parameters(dataset_registry().get("manifest").parameters);
  parameters.set("csv", (folder / "clips.csv").string());
  const std::unique_ptr<ClipSource> source = dataset_registry().get("manifest").open(parameters);
  const ClipList list = source->list();
  const std::string fingerprint = source_fingerprint(*source, list, kMediaClipSettings, folder / "memo.json");
  const ClipCache cache = ingest(*source, list, kMediaClipSettings, fingerprint, folder / "cache", {.jobs = 2});
  REQUIRE(cache.size() == 8);
  for (std::int64_t k : {0, 1, 2, 3, 5}) {
    CHECK_FALSE(cache.clip(k).excluded);
    CHECK(cache.clip(k).frame_count == 8);
    CHECK(cache.clip(k).sample_count == kMediaClipRate);
  }
  CHECK(cache.clip(4).reason.starts_with("no_audio_stream"));
  CHECK(cache.clip(6).excluded);
  CHECK(cache.clip(7).reason.starts_with("empty_file"));
  CHECK(read_file(folder / "cache" / "index.json").find("no_audio_stream") != std::string::npos);

  // A changed file is another source; the memo must not hide it.
  write_clip_media(folder / "clip1.mkv", 9);
  CHECK(source_fingerprint(*source, list, kMediaClipSettings, folder / "memo.json") != fingerprint);
}

TEST_CASE("decoders wait for one another when the memory's limit asks for it") {
  media::VideoStreamInfo stream;
  stream.width = 640;
  stream.height = 480;
  stream.reference_frames = 4;
  media::DecoderBudget budget(std::size_t{300} << 20);
  media::DecoderBudget::Lease first = budget.acquire(stream);
  CHECK(first.bytes() <= std::size_t{300} << 20);
  budget.set_limit(1);  // the next one has to wait for the first
  bool waited = true;
  {
    const media::DecoderBudget::Lease moved = std::move(first);
    waited = moved.bytes() > 1;
  }
  const media::DecoderBudget::Lease alone = budget.acquire(stream);
  CHECK(waited);
  CHECK(alone.bytes() == 1);
}

TEST_CASE("the difficult real files give a clip or a reason") {
  const fs::path data = test::shared_data("hard");
  if (data.empty()) return;
  const MediaFiles source;
  int usable = 0;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(data)) {
    if (!entry.is_regular_file() || entry.path().extension() == ".tsv") continue;
    ++files;
    IngestSettings settings = kMediaClipSettings;
    settings.max_duration_s = 2;
    const media::Outcome<DecodedClip> decoded = source.decode(clip_of(entry.path()), settings);
    if (!decoded) {
      CHECK_FALSE(std::string(media::to_string(decoded.failure().reason)).empty());
      continue;
    }
    ++usable;
    CHECK(decoded.value().frame_count > 0);
    CHECK(decoded.value().samples.size() > 0);
    CHECK(decoded.value().pixels.size() == static_cast<std::size_t>(decoded.value().frame_count) * 3 * 16 * 20);
  }
  CHECK(files >= 60);
  CHECK(usable > 10);
}

}  // namespace
}  // namespace cmkd
