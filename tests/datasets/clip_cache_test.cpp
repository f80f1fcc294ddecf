#include "catch.h"
#include "paths.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>

#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/file.h"
#include "cmkd/datasets/examine.h"
#include "error_text.h"
#include "fake_source.h"

namespace cmkd {
namespace {

using test::error_of;
using test::mentions;
namespace fs = std::filesystem;

const IngestSettings kCacheSettings{
    .video = true, .audio = true, .height = 16, .width = 24, .fps = 8, .sample_rate = 8000};

std::map<std::string, std::string> folder_bytes(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

ClipCache make(const fs::path& folder, std::int64_t clips, const IngestSettings& settings = kCacheSettings,
               int jobs = 1) {
  test::FakeSource source(clips);
  const ClipList list = source.list();
  return ingest(source, list, settings, source_fingerprint(source, list, settings, ""), folder, {.jobs = jobs});
}

void flip_bit(const fs::path& path, std::uint64_t position) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(position));
  char byte = 0;
  file.get(byte);
  file.seekp(static_cast<std::streamoff>(position));
  file.put(static_cast<char>(byte ^ 1));
}

TEST_CASE("a cache gives back what was decoded, and why clips are excluded") {
  const test::TemporaryFolder temporary;
  test::FakeSource source(100);
  const ClipList list = source.list();
  const ClipCache cache = make(temporary / "cache", 100);
  REQUIRE(cache.size() == 100);
  CHECK(cache.settings().width == 24);
  for (std::int64_t k = 0; k < 100; ++k) {
    const CachedClip clip = cache.clip(k);
    CHECK(clip.id == "clip" + std::to_string(k));
    const media::Outcome<DecodedClip> decoded =
        decode_examined(source, list.clips[static_cast<std::size_t>(k)], kCacheSettings);
    CHECK(clip.excluded == !decoded.ok());
    if (clip.excluded) {
      CHECK(clip.reason == "no_audio_stream: made without sound");
      CHECK(clip.frame_count == 0);
      continue;
    }
    CHECK(std::ranges::equal(clip.pixels, decoded.value().pixels));
    CHECK(std::ranges::equal(clip.frame_time_s, decoded.value().frame_time_s));
    CHECK(std::ranges::equal(clip.samples, decoded.value().samples));
    CHECK(clip.note == decoded.value().note);
    CHECK(reinterpret_cast<std::uintptr_t>(clip.samples.data()) % alignof(float) == 0);
  }
}

TEST_CASE("the number of jobs does not change a byte of the cache") {
  const test::TemporaryFolder temporary;
  (void)make(temporary / "one", 150);
  (void)make(temporary / "three", 150, kCacheSettings, 3);
  CHECK(folder_bytes(temporary / "one") == folder_bytes(temporary / "three"));
}

TEST_CASE("an ingest that is killed again and again ends with the bytes of one that was not") {
  const test::TemporaryFolder temporary;
  (void)make(temporary / "whole", 1500);
  RandomStream delays(7);
  int kills = 0;
  while (!fs::exists(temporary / "killed" / "index.json")) {
    REQUIRE(kills < 200);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      (void)make(temporary / "killed", 1500, kCacheSettings, 2);
      _exit(0);
    }
    usleep(static_cast<useconds_t>(1000 + delays.below(6000) + static_cast<std::uint64_t>(kills * kills) * 30));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ++kills;
  }
  CHECK(kills > 1);
  (void)make(temporary / "killed", 1500);
  CHECK(folder_bytes(temporary / "killed") == folder_bytes(temporary / "whole"));
}

TEST_CASE("an existing cache is opened, not made again") {
  const test::TemporaryFolder temporary;
  (void)make(temporary / "cache", 40);
  const auto time = fs::last_write_time(temporary / "cache" / "shard-000000.cmkd");
  (void)make(temporary / "cache", 40);
  CHECK(fs::last_write_time(temporary / "cache" / "shard-000000.cmkd") == time);
}

TEST_CASE("a flipped bit anywhere in a cache is found when it is opened") {
  const test::TemporaryFolder temporary;
  (void)make(temporary / "cache", 40);
  RandomStream stream(3);
  for (const char* name : {"shard-000000.cmkd", "shard-000001.cmkd"}) {
    const fs::path path = temporary / "cache" / name;
    for (int k = 0; k < 20; ++k) {
      const std::uint64_t position = stream.below(fs::file_size(path));
      flip_bit(path, position);
      INFO(name << " byte " << position);
      CHECK(mentions(error_of([&] { (void)ClipCache::open(temporary / "cache"); }), {"shard", "cmkd ingest"}));
      flip_bit(path, position);
    }
  }
  const fs::path index = temporary / "cache" / "index.json";
  for (int k = 0; k < 40; ++k) {
    const std::uint64_t position = stream.below(fs::file_size(index) - 2) + 1;
    const char before = read_file(index)[position];
    if (before == '\n' || before == ' ') continue;  // white space between values means nothing
    flip_bit(index, position);
    CHECK_THROWS_AS(ClipCache::open(temporary / "cache"), Error);
    flip_bit(index, position);
  }
  CHECK_NOTHROW(ClipCache::open(temporary / "cache"));
}

TEST_CASE("a cache of another version, another source, with a missing shard, and a foreign folder are each named") {
  const test::TemporaryFolder temporary;
  const ClipCache cache = make(temporary / "cache", 40);
  CHECK(mentions(error_of([&] { (void)ClipCache::open(temporary / "cache", "0123"); }), {"another source", "0123"}));
  CHECK(mentions(error_of([&] { (void)ClipCache::open(temporary / "nothing"); }), {"not a finished clip cache"}));

  std::string index = read_file(temporary / "cache" / "index.json");
  const std::string whole = index;
  index.replace(index.find("\"version\": 2"), 12, "\"version\": 9");
  write_file_atomically(temporary / "cache" / "index.json", index);
  CHECK(mentions(error_of([&] { (void)ClipCache::open(temporary / "cache"); }),
                 {"version 9", "delete the cache folder"}));
  write_file_atomically(temporary / "cache" / "index.json", whole);

  fs::remove(temporary / "cache" / "shard-000001.cmkd");
  CHECK(mentions(error_of([&] { (void)ClipCache::open(temporary / "cache"); }), {"missing", "shard-000001"}));

  fs::create_directories(temporary / "foreign");
  write_file_atomically(temporary / "foreign" / "thesis.txt", "years of work");
  CHECK(mentions(error_of([&] { (void)make(temporary / "foreign", 40); }), {"thesis.txt"}));
  CHECK(folder_bytes(temporary / "foreign").size() == 1);
}

TEST_CASE("a folder with finished shards of another source is refused, a damaged shard is made again") {
  const test::TemporaryFolder temporary;
  (void)make(temporary / "cache", 70);
  const auto whole = folder_bytes(temporary / "cache");
  fs::remove(temporary / "cache" / "index.json");
  flip_bit(temporary / "cache" / "shard-000001.cmkd", 300);
  (void)make(temporary / "cache", 70);
  CHECK(folder_bytes(temporary / "cache") == whole);

  fs::remove(temporary / "cache" / "index.json");
  IngestSettings other = kCacheSettings;
  other.width = 20;
  CHECK(mentions(error_of([&] { (void)make(temporary / "cache", 70, other); }), {"another source"}));
}

TEST_CASE("JPEG frames and int16 samples come back nearly as they were, whole or in part") {
  const test::TemporaryFolder temporary;
  IngestSettings small = kCacheSettings;
  small.frame_storage = FrameStorage::kJpeg;
  small.audio_storage = AudioStorage::kInt16;
  const ClipCache raw = make(temporary / "raw", 12);
  const ClipCache cache = make(temporary / "small", 12, small);
  CHECK(cache.decoded_fingerprint() != raw.decoded_fingerprint());
  for (std::int64_t k = 0; k < 12; ++k) {
    const CachedClip expected = raw.clip(k);
    CHECK(cache.clip(k).pixels.empty());
    const LoadedClip loaded = cache.load(k);
    REQUIRE(loaded.clip.pixels.size() == expected.pixels.size());
    REQUIRE(loaded.clip.samples.size() == expected.samples.size());
    for (std::size_t i = 0; i < expected.pixels.size(); ++i) {
      CHECK(std::abs(int{expected.pixels[i]} - int{loaded.clip.pixels[i]}) < 24);
    }
    // Half a step of the clip's own scale: its peak (at most 1.5) is 32767.
    for (std::size_t i = 0; i < expected.samples.size(); ++i) {
      CHECK(std::abs(expected.samples[i] - loaded.clip.samples[i]) <= 0.5 * 1.5 / 32767 + 1e-6);
    }
  }
  const LoadedClip part = cache.load(3, 2, 1);  // clip 3 has 4 frames
  const LoadedClip all = cache.load(3);
  const std::size_t frame = 3 * 16 * 24;
  REQUIRE(part.clip.pixels.size() == frame);
  CHECK(std::ranges::equal(part.clip.pixels, all.clip.pixels.subspan(2 * frame, frame)));
  const LoadedClip mapped = raw.load(3, 2, 1);
  CHECK(mapped.owned_pixels.empty());
  CHECK(std::ranges::equal(mapped.clip.pixels, raw.clip(3).pixels.subspan(2 * frame, frame)));
}

TEST_CASE("the source fingerprint changes with contents, labels, splits, groups and settings, and only with them") {
  test::FakeSource source(10);
  const ClipList list = source.list();
  const std::string fingerprint = source_fingerprint(source, list, kCacheSettings, "");
  CHECK(fingerprint == source_fingerprint(source, list, kCacheSettings, ""));
  CHECK(fingerprint != source_fingerprint(test::FakeSource(10, "x"), list, kCacheSettings, ""));
  const auto changed = [&](const std::function<void(ClipList&, IngestSettings&)>& change) {
    ClipList other = list;
    IngestSettings settings = kCacheSettings;
    change(other, settings);
    return source_fingerprint(source, other, settings, "") != fingerprint;
  };
  CHECK(changed([](ClipList& other, IngestSettings&) { other.clips[3].label = 0; }));
  CHECK(changed([](ClipList& other, IngestSettings&) { other.clips[3].split = "validation"; }));
  CHECK(changed([](ClipList& other, IngestSettings&) { other.clips[3].group = "g"; }));
  CHECK(changed([](ClipList& other, IngestSettings&) { other.clips[3].end_s = 2; }));
  CHECK(changed([](ClipList& other, IngestSettings&) { other.classes[1] = "uneven"; }));
  CHECK(changed([](ClipList&, IngestSettings& settings) { settings.fps = 4; }));
  CHECK(changed([](ClipList&, IngestSettings& settings) { settings.frame_storage = FrameStorage::kJpeg; }));
  CHECK_FALSE(changed([](ClipList& other, IngestSettings&) { other.clips[3].path = "elsewhere"; }));
}

TEST_CASE(
    "a fingerprint is remembered while what a source is made from stays, and only where the source says what that is") {
  const test::TemporaryFolder temporary;
  const std::filesystem::path memo = temporary / "file-hashes.json";
  test::FakeSource source(10);
  const ClipList list = source.list();
  const std::string fingerprint = source_fingerprint(source, list, kCacheSettings, memo);
  CHECK(source_fingerprint(source, list, kCacheSettings, memo) == fingerprint);
  CHECK(source.hashed == 20);
  source.origin = "files and parameters";
  CHECK(source_fingerprint(source, list, kCacheSettings, memo) == fingerprint);
  CHECK(source.hashed == 30);
  CHECK(source_fingerprint(source, list, kCacheSettings, memo) == fingerprint);
  CHECK(source.hashed == 30);
  IngestSettings other = kCacheSettings;
  other.fps = 4;
  CHECK(source_fingerprint(source, list, other, memo) != fingerprint);
  CHECK(source.hashed == 40);
  test::FakeSource changed(10, "x");
  changed.origin = "other files";
  CHECK(source_fingerprint(changed, list, kCacheSettings, memo) != fingerprint);
  CHECK(changed.hashed == 10);
}

TEST_CASE("settings that cannot be are refused before anything is written") {
  const test::TemporaryFolder temporary;
  IngestSettings settings = kCacheSettings;
  settings.height = 0;
  CHECK(mentions(error_of([&] { (void)make(temporary / "cache", 4, settings); }), {"ingest.height"}));
  settings = kCacheSettings;
  settings.audio_form = AudioForm::kFeatures;
  CHECK(mentions(error_of([&] { (void)make(temporary / "cache", 4, settings); }), {"ingest.feature_values"}));
  CHECK_FALSE(fs::exists(temporary / "cache"));
}

TEST_CASE("the plan's estimate is not below what the cache takes, nor far above") {
  const test::TemporaryFolder temporary;
  test::FakeSource source(300);
  const std::uint64_t estimate = plan_ingest(source, source.list(), kCacheSettings).estimated_bytes;
  const std::uint64_t real = make(temporary / "cache", 300).bytes();
  CHECK(estimate >= real);
  CHECK(estimate < 4 * real);
}

TEST_CASE("a clip that was decoded to another size than asked is a bug, not a row") {
  class Wrong final : public ClipSource {
   public:
    ClipList list() override { return test::FakeSource(1).list(); }
    media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const override {
      IngestSettings other = settings;
      other.width += 2;
      return test::FakeSource(1).decode(clip, other);
    }
  };
  const test::TemporaryFolder temporary;
  Wrong source;
  CHECK(mentions(error_of([&] { (void)ingest(source, source.list(), kCacheSettings, "f", temporary / "cache", {}); }),
                 {"16 x 26"}));
  CHECK_FALSE(fs::exists(temporary / "cache" / "index.json"));
}

}  // namespace
}  // namespace cmkd
