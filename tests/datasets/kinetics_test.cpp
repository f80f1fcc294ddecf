#include "catch.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "../../datasets/readers/kinetics.h"
#include "annotation_material.h"
#include "error_text.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;
using Counts = std::map<std::string, int>;

constexpr const char* kVal =
    "label,youtube_id,time_start,time_end,split,is_cc\n"
    "abseiling,0wR5jVB-WPk,417,427,val,0\n"
    "zumba,3caPS4FHF_8,36,46,val,0\n";
constexpr const char* kTrain =
    "label,youtube_id,time_start,time_end,split,is_cc\n"
    "abseiling,--6bJUbfpnQ,17,27,train,0\n"
    "zumba,-_8YXc8iCt8,2,12,train,0\n"
    "zumba,-_8YXc8iCt8,20,30,train,1\n";

struct SmallKinetics {
  TemporaryFolder folder;

  SmallKinetics() {
    write_file_atomically(folder / "val.csv", kVal);
    write_file_atomically(folder / "annotations/kinetics-400_train.csv", kTrain);
    make_empty_file(folder / "train/abseiling/--6bJUbfpnQ_000017_000027.mp4");
    make_empty_file(folder / "-_8YXc8iCt8_000002_000012.webm");
    make_empty_file(folder / "-_8YXc8iCt8_000020_000030.mp4");
    make_empty_file(folder / "val/0wR5jVB-WPk_000417_000427.mp4");
  }

  [[nodiscard]] ClipList list(const Settings& more = {}, const std::string& id = "kinetics") const {
    Settings settings = {{"root", folder.path().string()}};
    for (const auto& [name, value] : more) settings[name] = value;
    return list_dataset(id, settings);
  }
};

TEST_CASE("Kinetics: clips are found by name anywhere below root, a video's clips are one group") {
  const SmallKinetics small;
  const ClipList list = small.list();
  CHECK(list.classes == std::vector<std::string>{"abseiling", "zumba"});
  CHECK(clips_by_split(list) == Counts{{"train", 3}, {"test", 1}});
  const Clip& clip = clip_by_id(list, "-_8YXc8iCt8_000020_000030");
  CHECK(clip.youtube_id == "-_8YXc8iCt8");
  CHECK(clip.group == "-_8YXc8iCt8");
  CHECK(clip.label == 1);
  CHECK(clip.start_s == 0);  // the file is the piece
  REQUIRE(list.unusable.size() == 1);
  CHECK(mentions(list.unusable[0].reason, {"not_found", "3caPS4FHF_8_000036_000046.mp4"}));
}

TEST_CASE("Kinetics: the version's number of classes is checked, and a class list orders them") {
  const SmallKinetics small;
  CHECK(mentions(error_of([&] { (void)small.list({}, "kinetics400"); }), {"2 classes", "400"}));
  CHECK(mentions(error_of([&] { (void)small.list({{"classes", std::int64_t{600}}}); }), {"2 classes", "600"}));
  CHECK(mentions(error_of([&] {
                   (void)small.list({{"classes", std::int64_t{1}}});
                 }),
                 {"'abseiling' is one class too many", "kinetics-400_train.csv:2"}));
  write_file_atomically(small.folder / "classes.txt", "zumba\nabseiling\n");
  const ClipList list =
      small.list({{"class_list", (small.folder / "classes.txt").string()}, {"classes", std::int64_t{2}}});
  CHECK(clip_by_id(list, "-_8YXc8iCt8_000020_000030").label == 0);
}

TEST_CASE("Kinetics: reported on the test list, validation keeps its name; rows without label are set aside") {
  const SmallKinetics small;
  write_file_atomically(small.folder / "test.csv", "youtube_id,time_start,time_end,split\n--8YXc8iCt8,2,12,test\n");
  CHECK(small.list().unusable.size() == 1);
  const ClipList list = small.list({{"reported", std::string("test")}});
  CHECK(clips_by_split(list) == Counts{{"train", 3}, {"validation", 1}});
  REQUIRE(list.unusable.size() == 2);
  CHECK(list.unusable[1].clip.id == "--8YXc8iCt8_000002_000012");
  CHECK(mentions(list.unusable[1].reason, {"no label"}));
}

TEST_CASE("Kinetics: a damaged list is refused with its file and line") {
  const SmallKinetics small;
  const auto error = [&](const std::string& from, const std::string& to) {
    write_file_atomically(small.folder / "val.csv", replaced(kVal, from, to));
    return error_of([&] { (void)small.list(); });
  };
  CHECK(mentions(error("youtube_id", "id"), {"no column 'youtube_id'", "val.csv:1"}));
  CHECK(mentions(error("3caPS4FHF_8", "#NAME?"), {"'#NAME?' is not the id", "val.csv:3"}));
  CHECK(mentions(error("36,46", "36.5,46"), {"'36.5' is not a whole number", "val.csv:3"}));
  CHECK(mentions(error("36,46", "46,36"), {"not after", "val.csv:3"}));
  CHECK(mentions(error("36,46,val", "36,46,vla"), {"unknown split 'vla'", "val.csv:3"}));
  CHECK(mentions(error("36,46,val,0", "36,46,val"), {"5 fields", "val.csv:3"}));
  CHECK(mentions(error("zumba,", ","), {"empty label", "val.csv:3"}));
  CHECK(mentions(error("zumba,", "zumba ,"), {"white space", "val.csv:3"}));
  CHECK(mentions(error("36,46", "-36,46"), {"'-36' is no time", "val.csv:3"}));
  CHECK(mentions(error("36,46", "36,1000000"), {"'1000000' is no time", "val.csv:3"}));
  CHECK(mentions(error("36,46,val,0", "36,46,val,"), {"is_cc is ''", "val.csv:3"}));
  CHECK(mentions(error("3caPS4FHF_8,36,46", "0wR5jVB-WPk,417,427"), {"listed twice", "val.csv:2", "val.csv:3"}));
  write_file_atomically(small.folder / "val.csv", as_windows_text(kVal));
  CHECK(small.list().clips.size() == 4);
  write_file_atomically(small.folder / "kinetics-600_val.csv", kVal);
  CHECK(mentions(error_of([&] { (void)small.list(); }), {"kinetics-600_val.csv", "val.csv", "validation_csv"}));
}

TEST_CASE("Kinetics' official lists have their published sizes") {
  const fs::path annotations = official_annotations("kinetics");
  if (annotations.empty()) return;
  const auto check = [&](const char* file, std::size_t rows, std::size_t classes) {
    std::set<std::string> labels;
    const std::vector<KineticsRow> read = read_kinetics_csv(annotations / file);
    for (const KineticsRow& row : read) labels.insert(row.label);
    CHECK(read.size() == rows);
    CHECK(labels.size() == classes);
  };
  check("kinetics-400_val.csv", 19906, 400);
  check("kinetics-600_val.csv", 30000, 600);
  check("kinetics-400_test.csv", 38685, 1);  // no label
  const TemporaryFolder videos;
  for (const KineticsRow& row : read_kinetics_csv(annotations / "kinetics-400_val.csv")) {
    make_empty_file(videos / (row.piece.name() + ".mp4"));
  }
  const ClipList list = list_dataset(
      "kinetics400",
      {{"root", videos.path().string()}, {"validation_csv", (annotations / "kinetics-400_val.csv").string()}});
  CHECK(clips_by_split(list) == Counts{{"test", 19906}});
  CHECK(list.unusable.empty());
}

TEST_CASE("Kinetics-Sounds' published list: 32 classes, 22713 and 1593 clips, no video in both") {
  const fs::path annotations = official_annotations("kinetics_sounds");
  if (annotations.empty()) return;
  const TemporaryFolder videos;
  for (const char* name : {"xkd_train.json", "xkd_val.json"}) {
    for (const auto& entry : nlohmann::json::parse(read_file(annotations / name))) {
      make_empty_file(videos / entry.get<std::string>());
    }
  }
  const ClipList list =
      list_dataset("kinetics_sounds", {{"root", videos.path().string()}, {"annotations", annotations.string()}});
  CHECK(list.classes.size() == 32);
  CHECK(list.classes.front() == "blowing nose");
  CHECK(list.unusable.empty());
  CHECK(clips_by_split(list) == Counts{{"train", 22713}, {"test", 1593}});
  std::map<std::string, std::string> split_of;
  for (const Clip& clip : list.clips) CHECK(split_of.emplace(clip.youtube_id, clip.split).first->second == clip.split);
}

TEST_CASE("Kinetics-Sounds: a user's own classes are chosen from the lists of Kinetics-400") {
  const SmallKinetics small;
  write_file_atomically(small.folder / "classes.txt", "zumba\n");
  const Settings settings = {{"class_list", (small.folder / "classes.txt").string()}};
  const ClipList list = small.list(settings, "kinetics_sounds");
  CHECK(list.classes == std::vector<std::string>{"zumba"});
  CHECK(clips_by_split(list) == Counts{{"train", 2}});
  write_file_atomically(small.folder / "classes.txt", "zumba\nabseilin\n");
  CHECK(mentions(error_of([&] { (void)small.list(settings, "kinetics_sounds"); }),
                 {"'abseilin'", "did you mean 'abseiling'"}));
}

TEST_CASE("Kinetics-Sounds: an entry that names no clip is refused with its place") {
  const TemporaryFolder folder;
  make_empty_file(folder / "a_b/-AENAqVfyDo_000012_000022.mp4");
  write_file_atomically(folder / "xkd_val.json", R"(["a_b/0WOMnirXVsM_000003_000013.avi"])");
  const auto error = [&](const std::string& train) {
    write_file_atomically(folder / "xkd_train.json", train);
    return error_of([&] { (void)list_dataset("kinetics_sounds", {{"root", folder.path().string()}}); });
  };
  CHECK(error(R"(["a_b/-AENAqVfyDo_000012_000022.avi"])") == "no error");
  CHECK(mentions(error(R"(["a_b/-AENAqVfyDo_000012.avi"])"), {"does not name", "xkd_train.json:1: [0]"}));
  CHECK(mentions(error(R"(["-AENAqVfyDo_000012_000022.avi"])"), {"does not name", "[0]"}));
  CHECK(mentions(error(R"(["a_b/0WOMnirXVsM_000003_000013.avi"])"), {"listed twice", "xkd_val.json:1: [0]"}));
  CHECK(mentions(error("[\"a\",\n"), {"no JSON", "xkd_train.json:2"}));
  CHECK(mentions(error("{}"), {"array", "xkd_train.json"}));
  CHECK(mentions(error("[]"), {"holds no clip", "xkd_train.json"}));
  for (const std::string name :
       {"-AENAqVfyDo_000012_000022", "-AENAqVfyDo_00012_00022.avi", "-AENAqVfyDo_000012_1000022.avi",
        "-AENAqVfyDo_000022_000012.avi", "-AENAqVfyDo_000012_000022.avi "}) {
    CHECK(mentions(error(fmt::format(R"(["a_b/{}"])", name)),
                   {name.ends_with(' ') ? "white space" : "does not name", "[0]"}));
  }
}

}  // namespace
}  // namespace cmkd
