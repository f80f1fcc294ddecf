#include <fstream>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/encode.h"
#include "cmkd/media/media.h"
#include "cmkd/media/video.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;

TEST_CASE("a failure is described by its reason in words and its detail") {
  CHECK(describe({FailureReason::kNoVideoStream, ""}) == "no video stream");
  CHECK(describe({FailureReason::kTruncated, "after 33 of 708 frames"}) == "truncated: after 33 of 708 frames");
  CHECK(std::string(to_string(FailureReason::kTooLarge)) == "too_large");
}

TEST_CASE("without FFmpeg every call says so") {
  if (!ffmpeg_versions().empty()) return;
  CHECK(probe("a.mp4").failure().reason == FailureReason::kBuiltWithoutFfmpeg);
  CHECK(decode_video("a.mp4", {}).failure().reason == FailureReason::kBuiltWithoutFfmpeg);
  CHECK(decode_audio("a.mp4", 16000).failure().reason == FailureReason::kBuiltWithoutFfmpeg);
  CHECK(VideoReader::open("a.mp4").failure().reason == FailureReason::kBuiltWithoutFfmpeg);
  CHECK_THROWS_AS(encode_media("a.mkv", {}, {}), cmkd::Error);
}

TEST_CASE("a file that cannot be had says why") {
  if (ffmpeg_versions().empty()) return;
  const cmkd::test::TemporaryFolder folder;
  cmkd::write_file_atomically(folder / "empty.mp4", std::string_view());
  cmkd::write_file_atomically(folder / "garbage.mp4", std::string(5000, 'x'));
  const auto reason = [](const fs::path& path) {
    CHECK(decode_video(path, {}).failure().reason == probe(path).failure().reason);
    CHECK(decode_audio(path, 0).failure().reason == probe(path).failure().reason);
    return probe(path).failure().reason;
  };
  CHECK(reason(folder / "missing.mp4") == FailureReason::kNotFound);
  CHECK(reason(folder.path()) == FailureReason::kNotFound);
  CHECK(reason(folder / "empty.mp4") == FailureReason::kEmptyFile);
  CHECK(reason(folder / "garbage.mp4") == FailureReason::kCannotOpen);
}

TEST_CASE("a file cut in the middle delivers its beginning and says that it is truncated") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no encoders");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::MadeClip clip;
  clip.frames = 100;
  cmkd::test::make_clip(folder / "whole.mkv", clip);
  const std::string bytes = cmkd::read_file(folder / "whole.mkv");
  cmkd::write_file_atomically(folder / "cut.mkv", bytes.substr(0, bytes.size() / 2));
  const auto whole = decode_video(folder / "whole.mkv", {});
  const auto cut = decode_video(folder / "cut.mkv", {});
  REQUIRE(whole.ok());
  REQUIRE(cut.ok());
  REQUIRE(cut.value().warning);
  CHECK(cut.value().warning->reason == FailureReason::kTruncated);
  REQUIRE(cut.value().frame_count > 10);
  REQUIRE(cut.value().frame_count < 100);
  // The last frame or two may be half there; those before are the frames of the whole file.
  for (std::int64_t k = 0; k + 2 < cut.value().frame_count; ++k) {
    CHECK((cmkd::test::frame(cut.value(), k) == cmkd::test::frame(whole.value(), k)));
  }
}

TEST_CASE("a decoder beyond the memory limit is refused before it starts") {
  if (!has_encoders()) {
    WARN("skipped: the linked FFmpeg has no encoders");
    return;
  }
  const cmkd::test::TemporaryFolder folder;
  cmkd::test::make_clip(folder / "clip.mkv");
  VideoOptions options;
  options.memory_limit_bytes = 1 << 20;
  const auto frames = decode_video(folder / "clip.mkv", {}, options);
  REQUIRE_FALSE(frames.ok());
  CHECK(frames.failure().reason == FailureReason::kTooLarge);
}

TEST_CASE("larger pictures and more references mean fewer decoders at once, and never none") {
  if (ffmpeg_versions().empty()) return;
  VideoStreamInfo small;
  small.pixel_format = "yuv420p";
  small.width = 320;
  small.height = 240;
  small.reference_frames = 4;
  VideoStreamInfo full_hd = small;
  full_hd.width = 1920;
  full_hd.height = 1080;
  VideoStreamInfo worst_full_hd = full_hd;
  worst_full_hd.reference_frames = 16;
  VideoStreamInfo huge = worst_full_hd;
  huge.width = 7680;
  huge.height = 4320;
  const std::size_t gigabyte = std::size_t{1} << 30;
  CHECK(decoders_within(small, gigabyte) > decoders_within(full_hd, gigabyte));
  CHECK(decoders_within(full_hd, gigabyte) > decoders_within(worst_full_hd, gigabyte));
  // The default limit of one decoder, 150 MB, holds any 1080p stream of 8 bit.
  CHECK(decoders_within(worst_full_hd, gigabyte) >= static_cast<int>(gigabyte / VideoOptions{}.memory_limit_bytes));
  CHECK(decoders_within(huge, 1) == 1);
}

TEST_CASE("a range or a size that makes no sense is refused") {
  if (ffmpeg_versions().empty()) return;
  CHECK_THROWS_AS(decode_video("a.mp4", {-1, 1, 8}), cmkd::Error);
  CHECK_THROWS_AS(decode_video("a.mp4", {0, 1, -8}), cmkd::Error);
  VideoOptions options;
  options.size.width = 100;
  CHECK_THROWS_AS(decode_video("a.mp4", {}, options), cmkd::Error);
  CHECK_THROWS_AS(decode_audio("a.mp4", -1), cmkd::Error);
}
