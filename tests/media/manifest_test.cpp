// The 67 hard files against their manifest, which says what ffprobe sees in each.
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "catch.h"
#include "cmkd/media/media.h"
#include "cmkd/media/video.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;

namespace {

struct ManifestVideo {
  std::optional<std::int64_t> frame_count_from_header;
  std::int64_t frame_count_decoded = 0;
  int rotation_degrees = 0;  // clockwise
  std::string codec;
};

struct ManifestRow {
  std::string file;
  bool opens = true;
  std::vector<ManifestVideo> video;
  std::vector<std::int64_t> audio_frames;
};

// "decoded=207" in "… decoded=207 start=…" gives "207".
std::string field(const std::string& text, const std::string& name) {
  const auto at = text.find(name + "=");
  if (at == std::string::npos) return "";
  const auto from = at + name.size() + 1;
  return text.substr(from, text.find(' ', from) - from);
}

ManifestVideo parse_video(const std::string& text) {
  ManifestVideo video;
  video.codec = text.substr(2, text.find(' ') - 2);
  const std::string header = field(text, "hdr_nb");
  if (header != "-") video.frame_count_from_header = std::stoll(header);
  video.frame_count_decoded = std::stoll(field(text, "decoded"));
  const std::string rotation = field(text, "rot");  // "[-90]": counter-clockwise
  if (rotation.size() > 2) video.rotation_degrees = (360 - std::stoi(rotation.substr(1))) % 360;
  return video;
}

std::vector<ManifestRow> read_manifest(const fs::path& path) {
  std::vector<ManifestRow> rows;
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);  // the names of the columns
  while (std::getline(stream, line)) {
    std::vector<std::string> columns;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, '\t');) columns.push_back(cell);
    ManifestRow row;
    row.file = columns.at(0);
    row.opens = columns.at(2) != "OPEN-FAILS";
    std::string streams = columns.size() > 5 ? columns[5] : "";
    while (!streams.empty()) {
      const auto bar = streams.find(" | ");
      const std::string one = streams.substr(0, bar);
      streams = bar == std::string::npos ? "" : streams.substr(bar + 3);
      if (one.starts_with("V:")) row.video.push_back(parse_video(one));
      if (one.starts_with("A:")) row.audio_frames.push_back(std::stoll(field(one, "fr")));
    }
    rows.push_back(row);
  }
  return rows;
}

// Files whose pictures end early or are damaged: each must say so, and no other file may.
const std::set<std::string> kDamagedPictures = {
    "avi_h264_mp3_bframes__ref_10.avi",  // the index begins with frame 5 of 30
    "corrupted__decord.mp4",
    "derived_truncated_grid.mpg",
    "empty_edit_5s.mp4",  // 29 frames with concealed errors
    "ps_corrupt_mp2_header_missing.mp4",
    "truncated_and_rotated_displaymatrix.mp4",
    "truncated_avi_claims_1319_frames.mp4",
    "truncated_avi_claims_50848_frames.avi",
    "truncated_claims_1331s.mkv",
    "truncated_claims_210s.mp4",
    "truncated_header708_frames_partial.mp4",
    "truncated_hevc_aac8k_mono.mp4",
    "truncated_webm_vorbis__ext_lies.mp4",
    "ts_5p1_ac3_two_audio__ext_lies.mp4",
};

void check_video(const ManifestRow& row, const MediaInfo& info) {
  REQUIRE(info.video.size() == row.video.size());
  if (row.video.empty()) {
    REQUIRE(info.video_failure);
    CHECK(info.video_failure->reason == FailureReason::kNoVideoStream);
    return;
  }
  int counted = 0;
  for (std::size_t i = 0; i < row.video.size(); ++i) {
    const ManifestVideo& expected = row.video[i];
    const VideoStreamInfo& stream = info.video[i];
    CHECK(stream.codec == expected.codec);
    // FFmpeg 7 reads it from the header of an IVF file, too, which the manifest's FFmpeg 5 does not know.
    const bool is_news = stream.frame_count_from_header && !expected.frame_count_from_header;
    CHECK(stream.frame_count_from_header ==
          (is_news ? std::optional(expected.frame_count_decoded) : expected.frame_count_from_header));
    CHECK(stream.rotation_degrees == expected.rotation_degrees);
    if (!stream.frame_count_decoded) continue;  // only the best stream is decoded
    ++counted;
    CHECK(*stream.frame_count_decoded == expected.frame_count_decoded);
    if (expected.frame_count_decoded == 0) {
      REQUIRE(info.video_failure);
      CHECK(info.video_failure->reason == FailureReason::kNothingDecodable);
    } else {
      INFO((info.video_failure ? describe(*info.video_failure) : "no warning"));
      CHECK(info.video_failure.has_value() == kDamagedPictures.contains(row.file));
      if (info.video_failure) {
        CHECK(info.video_failure->reason == FailureReason::kTruncated);
        CHECK(info.video_failure->detail.starts_with("after " + std::to_string(expected.frame_count_decoded)));
      }
    }
  }
  CHECK(counted == 1);
}

void check_audio(const ManifestRow& row, const MediaInfo& info) {
  REQUIRE(info.audio.size() == row.audio_frames.size());
  if (row.audio_frames.empty()) {
    REQUIRE(info.audio_failure);
    CHECK(info.audio_failure->reason == FailureReason::kNoAudioStream);
    return;
  }
  for (std::size_t i = 0; i < row.audio_frames.size(); ++i) {
    if (!info.audio[i].sample_count_decoded) continue;
    CHECK((*info.audio[i].sample_count_decoded > 0) == (row.audio_frames[i] > 0));
    if (row.audio_frames[i] > 0) continue;
    REQUIRE(info.audio_failure);
    CHECK(info.audio_failure->reason == FailureReason::kNothingDecodable);
  }
}

}  // namespace

TEST_CASE("every hard file decodes as its manifest says, or says why not") {
  if (cmkd::test::hard_files().empty()) return;
  const fs::path folder = cmkd::test::shared_data("hard");
  const std::vector<ManifestRow> rows = read_manifest(folder / "manifest.tsv");
  CHECK(rows.size() == 67);
  for (const ManifestRow& row : rows) {
    INFO(row.file);
    const auto info = probe(folder / row.file);
    REQUIRE(info.ok() == row.opens);
    if (!info.ok()) {
      const bool empty = fs::file_size(folder / row.file) == 0;
      CHECK(info.failure().reason == (empty ? FailureReason::kEmptyFile : FailureReason::kCannotOpen));
      CHECK_FALSE(info.failure().detail.empty());
      continue;
    }
    check_video(row, info.value());
    check_audio(row, info.value());
  }
}

TEST_CASE("a truncated recording delivers what is there and says after how many frames it ends") {
  if (cmkd::test::hard_files().empty()) return;
  const fs::path path = cmkd::test::shared_data("hard") / "truncated_header708_frames_partial.mp4";
  const auto frames = decode_video(path, {});
  REQUIRE(frames.ok());
  CHECK(frames.value().frame_count == 65);
  REQUIRE(frames.value().warning);
  CHECK(frames.value().warning->reason == FailureReason::kTruncated);
  CHECK(frames.value().warning->detail.starts_with("after 65 of 708 frames"));
}

TEST_CASE("a rotated recording is delivered upright") {
  if (cmkd::test::hard_files().empty()) return;
  const fs::path folder = cmkd::test::shared_data("hard");
  const std::map<std::string, std::pair<int, int>> sizes = {{"rotate_0__decord.mov", {568, 320}},
                                                            {"rotate_90__decord.mov", {320, 568}},
                                                            {"rotate_180__decord.mov", {568, 320}},
                                                            {"rotate_270__decord.mov", {320, 568}}};
  for (const auto& [file, size] : sizes) {
    INFO(file);
    const auto frames = decode_video(folder / file, {});
    REQUIRE(frames.ok());
    CHECK(frames.value().width == size.first);
    CHECK(frames.value().height == size.second);
  }
}

TEST_CASE("a stream whose resolution changes keeps the size of its first frame") {
  if (cmkd::test::hard_files().empty()) return;
  const auto frames = decode_video(cmkd::test::shared_data("hard") / "midstream_resolution_change_av1.mp4", {});
  REQUIRE(frames.ok());
  CHECK(frames.value().frame_count == 20);
  CHECK(frames.value().width == 352);
  CHECK(frames.value().height == 288);
}
