#include <algorithm>
#include <cmath>

#include "catch.h"
#include "cmkd/core/file.h"
#include "cmkd/core/random.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/encode.h"
#include "cmkd/media/video.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;
using cmkd::RandomStream;
using cmkd::test::MadeClip;

namespace {

// The definition itself, on the frames of a full pass: the last frame with presentation time <= t.
std::size_t shown_by_definition(const std::vector<double>& times_s, double time_s) {
  const auto after = std::upper_bound(times_s.begin(), times_s.end(), time_s);
  return static_cast<std::size_t>(after - times_s.begin()) - 1;
}

// Times on frame edges, half way between frames, just before an edge, and anywhere; ascending.
std::vector<double> interesting_times(const std::vector<double>& edges, RandomStream& random, std::size_t count) {
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t k = random.below(edges.size());
    const double next = k + 1 < edges.size() ? edges[k + 1] : edges[k] + 1.0;
    switch (random.below(4)) {
      case 0:
        times.push_back(edges[k]);
        break;
      case 1:
        times.push_back((edges[k] + next) / 2);
        break;
      case 2:
        times.push_back(edges[k] + (next - edges[k]) * 0.999);
        break;
      default:
        times.push_back(random.uniform(0, edges.back() + 1));
        break;
    }
  }
  std::sort(times.begin(), times.end());
  return times;
}

// Every frame that the reader gives is compared byte by byte with the one that a full pass gives.
void check_reader_equals_full_pass(const fs::path& path, std::size_t calls, std::size_t times_per_call) {
  INFO(path.string());
  VideoOptions options;
  options.size.short_side = 64;
  const auto full = decode_video(path, {}, options);
  auto reader = VideoReader::open(path, options);
  REQUIRE(full.ok() == reader.ok());
  if (!full.ok()) {
    CHECK(full.failure().reason == reader.failure().reason);
    return;
  }
  const VideoFrames& all = full.value();
  REQUIRE(all.frame_count == static_cast<std::int64_t>(all.presentation_time_s.size()));
  REQUIRE(std::is_sorted(all.presentation_time_s.begin(), all.presentation_time_s.end()));
  RandomStream random(cmkd::RandomStreams("media", path.filename().string(), 1).stream("times"));
  for (std::size_t call = 0; call < calls; ++call) {
    const std::vector<double> times = interesting_times(all.presentation_time_s, random, times_per_call);
    const auto got = reader.value().frames_at(times);
    REQUIRE(got.ok());
    REQUIRE(got.value().frame_count == static_cast<std::int64_t>(times.size()));
    for (std::size_t k = 0; k < times.size(); ++k) {
      const std::size_t expected = shown_by_definition(all.presentation_time_s, times[k]);
      INFO("time " << times[k] << " s, frame " << expected);
      REQUIRE(got.value().presentation_time_s[k] == all.presentation_time_s[expected]);
      const bool same_bytes = cmkd::test::frame(got.value(), static_cast<std::int64_t>(k)) ==
                              cmkd::test::frame(all, static_cast<std::int64_t>(expected));
      REQUIRE(same_bytes);
    }
  }
}

}  // namespace

TEST_CASE("a reader gives the same bytes as a full pass at any time, on files made here") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no H.264 encoder");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  for (const double fps : {8.0, 24.0, 25.0, 30.0, 29.97}) {
    MadeClip clip;
    clip.fps = fps;
    cmkd::test::make_clip(folder / "clip.mkv", clip);
    check_reader_equals_full_pass(folder / "clip.mkv", 12, 6);
  }
}

TEST_CASE("a reader gives the same bytes as a full pass also of files with flipped bytes, and neither crashes") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no H.264 encoder");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::make_clip(folder / "clip.mkv");
  const std::string whole = cmkd::read_file(folder / "clip.mkv");
  RandomStream random(cmkd::RandomStreams("media", "flipped bytes", 1).stream("places"));
  for (int variant = 0; variant < 40; ++variant) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    cmkd::write_file_atomically(folder / "flipped.mkv", bytes);
    INFO("variant " << variant);
    check_reader_equals_full_pass(folder / "flipped.mkv", 3, 4);
    const auto sound = decode_audio(folder / "flipped.mkv", 8000);
    if (sound.ok()) CHECK(sound.value().sample_rate == 8000);
  }
}

TEST_CASE("a reader gives the same bytes as a full pass at any time, on every hard file") {
  for (const fs::path& path : cmkd::test::hard_files()) check_reader_equals_full_pass(path, 10, 5);
}

TEST_CASE("a reader gives the same bytes as a full pass at any time, on real recordings") {
  for (const fs::path& path : cmkd::test::real_clips()) check_reader_equals_full_pass(path, 6, 8);
}

TEST_CASE("every frame's own time gives that frame, and a hair less gives the one before") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no H.264 encoder");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::make_clip(folder / "clip.mkv");  // 25 frames per second: frame k is shown from k / 25 s
  auto reader = VideoReader::open(folder / "clip.mkv");
  REQUIRE(reader.ok());
  for (int k = 0; k < 40; ++k) {
    const double edge = k / 25.0;
    const std::vector<double> times = {std::max(0.0, edge - 1e-6), edge};
    const auto frames = reader.value().frames_at(times);
    REQUIRE(frames.ok());
    CHECK(frames.value().presentation_time_s[1] == edge);
    CHECK(frames.value().presentation_time_s[0] == std::max(0, k - 1) / 25.0);
  }
}

TEST_CASE("a time before the first frame is out of range, and after the last one it is the last frame") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no H.264 encoder");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::make_clip(folder / "clip.mkv");
  auto reader = VideoReader::open(folder / "clip.mkv");
  REQUIRE(reader.ok());
  const std::vector<double> early = {-0.001};
  const auto nothing = reader.value().frames_at(early);
  REQUIRE_FALSE(nothing.ok());
  CHECK(nothing.failure().reason == FailureReason::kOutOfRange);
  const std::vector<double> late = {1000.0};
  const auto last = reader.value().frames_at(late);
  REQUIRE(last.ok());
  CHECK(last.value().presentation_time_s[0] == 39 / 25.0);
}

TEST_CASE("a grid of times is the same frames as a reader's, and ends where the stream ends") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no H.264 encoder");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::make_clip(folder / "clip.mkv");  // 40 frames at 25 per second: 1.6 s
  const auto all = decode_video(folder / "clip.mkv", {});
  const auto grid = decode_video(folder / "clip.mkv", {0, std::numeric_limits<double>::infinity(), 8});
  REQUIRE(all.ok());
  REQUIRE(grid.ok());
  REQUIRE(grid.value().frame_count == 13);  // k / 8 < 1.6 for k = 0 … 12
  for (std::int64_t k = 0; k < 13; ++k) {
    const std::int64_t expected = k * 25 / 8;  // floor(25 k / 8): whole numbers, so edges are exact
    CHECK((cmkd::test::frame(grid.value(), k) == cmkd::test::frame(all.value(), expected)));
  }
  const auto part = decode_video(folder / "clip.mkv", {0.4, 0.2, 0});
  REQUIRE(part.ok());
  REQUIRE(part.value().frame_count == 5);  // frames 10 … 14
  CHECK((cmkd::test::frame(part.value(), 0) == cmkd::test::frame(all.value(), 10)));
  const auto beyond = decode_video(folder / "clip.mkv", {2.0, 1.0, 8});
  REQUIRE_FALSE(beyond.ok());
  CHECK(beyond.failure().reason == FailureReason::kOutOfRange);
}
