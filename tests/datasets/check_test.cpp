#include "catch.h"

#include <algorithm>

#include "annotation_material.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/check.h"
#include "cmkd/readers/video_ids.h"
#include "error_text.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;

// A quarter of a second; two files of one brightness and length are the same bytes.
void write_clip(const fs::path& path, std::uint8_t grey, bool sound = true) {
  constexpr int kSide = 16;
  constexpr int kFrames = 2;
  const std::vector<std::uint8_t> pixels(std::size_t{kFrames * 3 * kSide * kSide}, grey);
  std::vector<std::int16_t> samples(2000, 0);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int16_t>((i * 37) % 1000);
  if (!sound) samples.clear();
  fs::create_directories(path.parent_path());
  media::encode_media(path, {pixels, kFrames, kSide, kSide, 8}, {samples, 8000});
}

DatasetCheck check(const std::string& id, const Settings& settings, const std::set<std::string>& pretrained = {}) {
  const std::unique_ptr<ClipSource> source = open_dataset(id, settings);
  CheckOptions options;
  options.pretrained_ids = pretrained;
  options.pretrained_asked = !pretrained.empty();
  return check_dataset(id, *source, source->list(), options, [](std::int64_t) {});
}

std::vector<std::string> clips_of(const DatasetCheck& check, const std::string& kind) {
  std::vector<std::string> clips;
  for (const ClipProblem& problem : check.problems) {
    if (problem.kind == kind) clips.push_back(problem.clip);
  }
  return clips;
}

struct KineticsFolder {
  TemporaryFolder folder;
  std::string train =
      "label,youtube_id,time_start,time_end,split\n"
      "a,aaaaaaaaaaa,0,10,train\n"
      "a,bbbbbbbbbbb,0,10,train\n"
      "a,ccccccccccc,0,10,train\n";
  std::string val =
      "label,youtube_id,time_start,time_end,split\n"
      "b,ddddddddddd,0,10,val\n"
      "b,eeeeeeeeeee,0,10,val\n";

  [[nodiscard]] fs::path file(const std::string& id) const { return folder / (id + "_000000_000010.mkv"); }
  [[nodiscard]] DatasetCheck run(const std::set<std::string>& pretrained = {}) const {
    write_file_atomically(folder / "train.csv", train);
    write_file_atomically(folder / "val.csv", val);
    return check("kinetics", {{"root", folder.path().string()}}, pretrained);
  }
};

TEST_CASE("a check counts for each split what is listed and what would be used, and names the rest by kind") {
  if (!media::has_encoders()) {
    WARN("skipped: this FFmpeg writes no H.264 or FLAC");
    return;
  }
  const KineticsFolder set;
  write_clip(set.file("aaaaaaaaaaa"), 20);
  write_clip(set.file("bbbbbbbbbbb"), 60, /*sound=*/false);
  write_clip(set.file("ddddddddddd"), 100);
  DatasetCheck found = set.run();
  CHECK(found.splits.at("train").listed == 3);
  CHECK(found.splits.at("train").used == 2);
  CHECK(found.splits.at("train").silent == 1);
  CHECK(found.splits.at("test").listed == 2);
  CHECK(found.splits.at("test").used == 1);
  CHECK(clips_of(found, "silent") == std::vector<std::string>{"bbbbbbbbbbb_000000_000010"});
  CHECK(clips_of(found, "not_found") ==
        std::vector<std::string>{"ccccccccccc_000000_000010", "eeeeeeeeeee_000000_000010"});
  CHECK(found.in_two_splits.empty());
  CHECK(found.has_real_problem());
  write_clip(set.file("ccccccccccc"), 140);
  make_empty_file(set.file("eeeeeeeeeee"));
  found = set.run();
  CHECK(clips_of(found, "broken") == std::vector<std::string>{"eeeeeeeeeee_000000_000010"});
  CHECK(found.splits.at("test").used == 1);
  CHECK(found.has_real_problem());
  // A silent clip alone is named, and is nothing that is wrong.
  write_clip(set.file("eeeeeeeeeee"), 180);
  found = set.run();
  CHECK(clips_of(found, "silent").size() == 1);
  CHECK_FALSE(found.has_real_problem());
}

TEST_CASE("a check finds equal bytes and one YouTube video in two splits, and equal bytes in one split as a warning") {
  if (!media::has_encoders()) {
    WARN("skipped: this FFmpeg writes no H.264 or FLAC");
    return;
  }
  KineticsFolder set;
  write_clip(set.file("aaaaaaaaaaa"), 20);
  write_clip(set.file("bbbbbbbbbbb"), 20);
  write_clip(set.file("ccccccccccc"), 140);
  write_clip(set.file("ddddddddddd"), 100);
  write_clip(set.file("eeeeeeeeeee"), 180);
  DatasetCheck found = set.run();
  CHECK(found.in_two_splits.empty());
  REQUIRE(found.listed_twice.size() == 1);
  CHECK(found.listed_twice[0].clips ==
        std::vector<std::string>{"aaaaaaaaaaa_000000_000010", "bbbbbbbbbbb_000000_000010"});
  CHECK_FALSE(found.has_real_problem());
  // The bytes of a training clip under the name of a reported one.
  write_clip(set.file("ddddddddddd"), 140);
  found = set.run();
  REQUIRE(found.in_two_splits.size() == 1);
  CHECK(found.in_two_splits[0].kind == "content");
  CHECK(found.in_two_splits[0].splits == std::vector<std::string>{"test", "train"});
  CHECK(found.has_real_problem());
  // Another piece of a training video in the reported list: the same video, which is the clip's group, too.
  write_clip(set.file("ddddddddddd"), 100);
  set.val += "b,aaaaaaaaaaa,50,60,val\n";
  write_clip(set.folder / "aaaaaaaaaaa_000050_000060.mkv", 220);
  found = set.run();
  REQUIRE(found.in_two_splits.size() == 2);
  CHECK(found.in_two_splits[0].kind == "group");
  CHECK(found.in_two_splits[1].kind == "youtube_id");
  CHECK(found.in_two_splits[1].name == "aaaaaaaaaaa");
}

TEST_CASE("a check counts the clips of a pretraining list, and a reported clip among them is a real problem") {
  if (!media::has_encoders()) {
    WARN("skipped: this FFmpeg writes no H.264 or FLAC");
    return;
  }
  const KineticsFolder set;
  std::uint8_t grey = 10;
  for (const char* id : {"aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc", "ddddddddddd", "eeeeeeeeeee"}) {
    write_clip(set.file(id), grey = static_cast<std::uint8_t>(grey + 40));
  }
  DatasetCheck found = set.run({"aaaaaaaaaaa", "ccccccccccc", "zzzzzzzzzzz"});
  CHECK(found.with_video_id == 5);
  CHECK(found.pretrained == std::map<std::string, std::int64_t>{{"test", 0}, {"train", 2}});
  CHECK_FALSE(found.has_real_problem());
  found = set.run({"ddddddddddd"});
  CHECK(found.pretrained.at("test") == 1);
  CHECK(found.has_real_problem());
}

TEST_CASE("in a set of folds a clip may be tested on in one fold and learnt from in another, but not in the same") {
  if (!media::has_encoders()) {
    WARN("skipped: this FFmpeg writes no H.264 or FLAC");
    return;
  }
  const TemporaryFolder folder;
  const auto write_lists = [&](const std::string& first, const std::string& second) {
    write_file_atomically(folder / "ucfTrainTestlist/classInd.txt", "1 Archery\n");
    for (const char* k : {"1", "2", "3"}) {
      const bool turned = std::string(k) == "2";
      const std::string base = (folder / "ucfTrainTestlist").string() + "/";
      write_file_atomically(base + "trainlist0" + k + ".txt", "Archery/" + (turned ? second : first) + ".avi 1\n");
      write_file_atomically(base + "testlist0" + k + ".txt", "Archery/" + (turned ? first : second) + ".avi\n");
    }
  };
  write_lists("v_Archery_g01_c01", "v_Archery_g02_c01");
  write_clip(folder / "UCF-101/Archery/v_Archery_g01_c01.mkv", 20);
  write_clip(folder / "UCF-101/Archery/v_Archery_g02_c01.mkv", 90);
  const Settings settings = {{"root", folder.path().string()}};
  DatasetCheck found = check("ucf101", settings);
  CHECK(found.in_two_splits.empty());
  CHECK(found.splits.size() == 6);
  CHECK(found.splits.at("2 train").used == 1);
  CHECK_FALSE(found.has_real_problem());
  // Two clips of one source video, one on each side in every fold.
  write_lists("v_Archery_g01_c01", "v_Archery_g01_c02");
  write_clip(folder / "UCF-101/Archery/v_Archery_g01_c02.mkv", 150);
  found = check("ucf101", settings);
  REQUIRE(found.in_two_splits.size() == 3);
  CHECK(found.in_two_splits[1].fold == "2");
  CHECK(found.in_two_splits[1].name == "Archery_g01");
}

TEST_CASE("two names of one segment of a video are a warning") {
  if (!media::has_encoders()) {
    WARN("skipped: this FFmpeg writes no H.264 or FLAC");
    return;
  }
  const TemporaryFolder folder;
  write_file_atomically(folder / "annotation.json", R"({"labels": ["Tango"], "database": {
    "v_aaaaaaaaaaa_0": {"subset": "training", "segment": [0, 0.1], "label": "Tango"},
    "v_aaaaaaaaaaa_1": {"subset": "training", "segment": [0, 0.1], "label": "Tango"},
    "v_aaaaaaaaaaa_2": {"subset": "training", "segment": [0.1, 0.2], "label": "Tango"}}})");
  write_clip(folder / "v_aaaaaaaaaaa.mkv", 20);
  const DatasetCheck found = check("activitynet_gewu", {{"root", folder.path().string()}});
  REQUIRE(found.listed_twice.size() == 1);
  CHECK(found.listed_twice[0].clips == std::vector<std::string>{"v_aaaaaaaaaaa_0", "v_aaaaaaaaaaa_1"});
  CHECK_FALSE(found.has_real_problem());
}

TEST_CASE("a pretraining list is a text of ids or a list of Kinetics, and a row without id is refused") {
  const TemporaryFolder folder;
  const fs::path file = folder / "list";
  write_file_atomically(file, "aaaaaaaaaaa\r\n-_bbbbbbbbb\r\n");
  CHECK(read_video_ids(file) == std::set<std::string>{"-_bbbbbbbbb", "aaaaaaaaaaa"});
  write_file_atomically(file, "label,youtube_id,time_start\n\"a, b\",aaaaaaaaaaa,1\n");
  CHECK(read_video_ids(file) == std::set<std::string>{"aaaaaaaaaaa"});
  write_file_atomically(file, "aaaaaaaaaaa\nnot an id\n");
  CHECK(mentions(error_of([&] { (void)read_video_ids(file); }), {"'not an id'", "list:2"}));
  write_file_atomically(file, "label,id\na,aaaaaaaaaaa\n");
  CHECK(mentions(error_of([&] { (void)read_video_ids(file); }), {"no column 'youtube_id'", "list:1"}));
}

}  // namespace
}  // namespace cmkd
