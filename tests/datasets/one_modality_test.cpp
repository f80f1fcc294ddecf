// Datasets of sound alone and of pictures alone, from the files to the batches.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>
#include <numbers>

#include "cmkd/batches/window_reader.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/media/encode.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

constexpr int kOneModalitySize = 32;
constexpr int kOneModalityRate = 8000;
constexpr std::int64_t kFrames = 8;  // at 8 a second

void write_single_media(const fs::path& path, bool video, bool audio) {
  std::vector<std::uint8_t> pixels(video ? 3 * kOneModalitySize * kOneModalitySize * kFrames : 0, 90);
  std::vector<std::int16_t> samples;
  for (int k = 0; audio && k < kOneModalityRate; ++k) {
    samples.push_back(
        static_cast<std::int16_t>(std::lround(9000 * std::sin(2 * std::numbers::pi * 300 * k / kOneModalityRate))));
  }
  media::encode_media(path, {pixels, video ? kFrames : 0, kOneModalitySize, kOneModalitySize, 8},
                      {samples, kOneModalityRate});
}

// One clip with sound only, one with both, one with a picture only.
struct ThreeClips {
  ThreeClips() {
    write_single_media(folder / "heard.mkv", false, true);
    write_single_media(folder / "both.mkv", true, true);
    write_single_media(folder / "seen.mkv", true, false);
    put_file(folder / "clips.csv", "path,label,split\nheard.mkv,a,train\nboth.mkv,a,train\nseen.mkv,a,test\n");
    source = open_dataset("manifest", {{"csv", (folder / "clips.csv").string()}});
    list = source->list();
  }
  ClipCache ingested(const IngestSettings& settings, const std::string& name) {
    return ingest(*source, list, settings, source_fingerprint(*source, list, settings, ""), folder / name, {});
  }
  TemporaryFolder folder;
  std::unique_ptr<ClipSource> source;
  ClipList list;
};

TEST_CASE("where no picture is asked for, clips without one are used and those without sound are not") {
  ThreeClips clips;
  const IngestSettings settings{.video = false, .audio = true, .sample_rate = kOneModalityRate};
  const ClipCache cache = clips.ingested(settings, "cache");
  for (std::int64_t k = 0; k < 2; ++k) {
    CHECK_FALSE(cache.clip(k).excluded);
    CHECK(cache.clip(k).frame_count == 0);
    CHECK(cache.clip(k).sample_count == kOneModalityRate);
  }
  CHECK(cache.clip(2).excluded);
  CHECK(mentions(cache.clip(2).reason, {"no_audio_stream"}));
  CHECK(plan_ingest(*clips.source, clips.list, settings).estimated_bytes >= cache.clip(0).samples.size_bytes());
  const WindowReader reader(cache, {.audio_seconds = 0.5});
  const Batch batch =
      reader.make_batch({reader.draw_window(0, 0), reader.draw_training(1, RandomStreams("t", "t", 0).stream("w"))},
                        kOnlyAudio, at::kCPU);
  CHECK(batch.audio.sizes() == at::IntArrayRef({2, kOneModalityRate / 2}));
  CHECK(batch.audio.abs().amax().item<float>() > 0.2F);
  CHECK(mentions(error_of([&] { (void)reader.make_batch({reader.draw_window(0, 0)}, kBothModalities, at::kCPU); }),
                 {"wants video", "ingest.video = false"}));
}

TEST_CASE("where no sound is asked for, silent clips are used and those without a picture are not") {
  ThreeClips clips;
  const IngestSettings settings{.video = true, .audio = false, .height = 16, .width = 16, .fps = 8};
  const ClipCache cache = clips.ingested(settings, "cache");
  CHECK(cache.clip(0).excluded);
  CHECK(mentions(cache.clip(0).reason, {"no_video_stream"}));
  for (std::int64_t k = 1; k < 3; ++k) {
    CHECK_FALSE(cache.clip(k).excluded);
    CHECK(cache.clip(k).frame_count == kFrames);
    CHECK(cache.clip(k).sample_count == 0);
  }
  const WindowReader reader(cache, {.frames = 4});
  const Batch batch = reader.make_batch({reader.draw_window(2, 0)}, kOnlyVideo, at::kCPU);
  CHECK(batch.video.sizes() == at::IntArrayRef({1, 3, 4, 16, 16}));
  CHECK(mentions(error_of([&] { (void)reader.make_batch({reader.draw_window(2, 0)}, kBothModalities, at::kCPU); }),
                 {"wants audio", "ingest.audio = false"}));
}

TEST_CASE("the 400 real clips of ESC-10 are ingested without a picture, and none is lost") {
  const fs::path root = shared_data("esc10");
  if (root.empty()) return;
  const TemporaryFolder folder;
  const auto source = open_dataset("esc50", {{"root", root.string()}, {"subset", std::string("esc10")}});
  const ClipList list = source->list();
  const IngestSettings settings{
      .video = false, .audio = true, .sample_rate = 16000, .audio_storage = AudioStorage::kInt16};
  const ClipCache cache =
      ingest(*source, list, settings, source_fingerprint(*source, list, settings, ""), folder / "cache", {.jobs = 2});
  REQUIRE(cache.size() == 400);
  for (std::int64_t k = 0; k < cache.size(); ++k) {
    const CachedClip clip = cache.clip(k);
    REQUIRE_FALSE(clip.excluded);
    // One clip of crackling fire is clipped.
    CHECK(clip.note == (clip.id.find("5-186924-A") == std::string::npos ? "" : "clipped sound: 0.7 % of the samples"));
    CHECK(clip.frame_count == 0);
    // The set's clips are of 3.64 to 7.24 s.
    const double seconds = static_cast<double>(clip.sample_count) / settings.sample_rate;
    CHECK(seconds > 3.6);
    CHECK(seconds < 7.3);
  }
  const WindowReader reader(cache, {.audio_seconds = 5});
  const Batch batch = reader.make_batch({reader.draw_window(0, 0), reader.draw_window(399, 0)}, kOnlyAudio, at::kCPU);
  CHECK(batch.audio.sizes() == at::IntArrayRef({2, 80000}));
  CHECK(at::isfinite(batch.audio).all().item<bool>());
  CHECK((batch.audio.abs().amax({1}) > 0.01F).all().item<bool>());
}

}  // namespace
}  // namespace cmkd
