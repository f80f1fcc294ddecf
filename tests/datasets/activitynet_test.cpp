#include "catch.h"

#include <nlohmann/json.hpp>

#include "annotation_material.h"
#include "error_text.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;
using Counts = std::map<std::string, int>;

constexpr const char* kOfficialForm = R"({"version": "VERSION 1.3", "taxonomy": [], "database": {
  "_--wONwHYy5": {"duration": 60.0, "subset": "training", "resolution": "320x240", "url": "", "annotations": [
    {"label": "Tango", "segment": [10.5, 20.25]}, {"label": "Surfing", "segment": [30, 30]}]},
  "Juqi4dMNI_U": {"duration": 40.5, "subset": "validation", "annotations": [
    {"label": "Surfing", "segment": [0.01, 50.0]}, {"label": "Surfing", "segment": [41, 42]}]},
  "zzzzzzzzzzz": {"duration": 9.0, "subset": "validation", "annotations": [{"label": "Tango", "segment": [1, 2]}]},
  "aaaaaaaaaaa": {"duration": 9.0, "subset": "testing", "annotations": []}
}})";

struct SmallActivityNet {
  TemporaryFolder folder;

  SmallActivityNet() {
    make_empty_file(folder / "train/v__--wONwHYy5.mkv");
    make_empty_file(folder / "v_Juqi4dMNI_U.mp4");
  }

  [[nodiscard]] ClipList list(const std::string& json = kOfficialForm) const {
    write_file_atomically(folder / "activity_net.v1-3.min.json", json);
    return list_dataset("activitynet", {{"root", folder.path().string()}});
  }
  [[nodiscard]] std::string error_with(const std::string& from, const std::string& to) const {
    return error_of([&] { (void)list(replaced(kOfficialForm, from, to)); });
  }
};

TEST_CASE("ActivityNet: a clip for each segment, a video's clips are one group, unusable segments are set aside") {
  const SmallActivityNet small;
  const ClipList list = small.list();
  CHECK(list.classes == std::vector<std::string>{"Surfing", "Tango"});
  REQUIRE(list.clips.size() == 2);
  const Clip& tango = clip_by_id(list, "_--wONwHYy5_0");
  CHECK(tango.path == small.folder / "train/v__--wONwHYy5.mkv");
  CHECK(tango.youtube_id == "_--wONwHYy5");
  CHECK(tango.group == "_--wONwHYy5");
  CHECK(tango.label == 1);
  CHECK(tango.split == "train");
  CHECK(tango.start_s == 10.5);
  CHECK(tango.end_s == 20.25);
  CHECK(clip_by_id(list, "Juqi4dMNI_U_0").split == "test");
  REQUIRE(list.unusable.size() == 3);
  CHECK(list.unusable[0].clip.id == "Juqi4dMNI_U_1");
  CHECK(mentions(list.unusable[0].reason, {"after the video's end", "40.5"}));
  CHECK(list.unusable[1].clip.id == "_--wONwHYy5_1");
  CHECK(mentions(list.unusable[1].reason, {"no length"}));
  CHECK(mentions(list.unusable[2].reason, {"not_found", "v_zzzzzzzzzzz.mp4"}));
}

TEST_CASE("ActivityNet: a damaged file is refused with its line or its video") {
  const SmallActivityNet small;
  CHECK(small.list(as_windows_text(kOfficialForm)).clips.size() == 2);
  CHECK(mentions(small.error_with("[30, 30]}]},", "[30, 30]}},"), {"no JSON", "min.json:3"}));
  CHECK(mentions(small.error_with("[0.01, 50.0]", "[0.01]"), {"the segment is [0.01]", "Juqi4dMNI_U", "annotation 0"}));
  CHECK(mentions(small.error_with("[0.01, 50.0]", "[0.01, \"x\"]"), {"segment", "Juqi4dMNI_U"}));
  CHECK(mentions(small.error_with("\"Juqi4dMNI_U\"", "\"Juqi4dMNI\""), {"not the id", "Juqi4dMNI"}));
  CHECK(mentions(small.error_with("\"Juqi4dMNI_U\"", "\"zzzzzzzzzzz\""), {"zzzzzzzzzzz", "twice"}));
  CHECK(mentions(small.error_with("\"training\"", "\"train\""), {"unknown subset 'train'", "_--wONwHYy5"}));
  CHECK(mentions(small.error_with("\"duration\": 60.0, ", ""), {"no \"duration\"", "_--wONwHYy5"}));
  CHECK(mentions(small.error_with("\"duration\": 60.0", "\"duration\": -5"), {"the duration is -5", "_--wONwHYy5"}));
  CHECK(mentions(small.error_with("{\"label\": \"Tango\"", "{\"name\": \"Tango\""), {"no \"label\"", "annotation 0"}));
}

constexpr const char* kSeedForm = R"({"labels": ["Tango", "Surfing"], "database": {
  "v__--wONwHYy5_0": {"subset": "training", "segment": [10.5, 20.25], "label": "Tango"},
  "v__--wONwHYy5_12": {"subset": "training", "segment": [10.5, 20.25], "label": "Tango"},
  "v_Juqi4dMNI_U_3": {"subset": "validation", "segment": [1, 2], "label": "Surfing"}
}})";

TEST_CASE("ActivityNet's seed form: ids are split from the right, whole videos are cut, pieces are taken as they are") {
  const TemporaryFolder folder;
  make_empty_file(folder / "v__--wONwHYy5.mp4");
  make_empty_file(folder / "v__--wONwHYy5_12.mp4");
  write_file_atomically(folder / "annotation.json", kSeedForm);
  const ClipList list = list_dataset("activitynet_gewu", {{"root", folder.path().string()}});
  REQUIRE(list.clips.size() == 2);
  const Clip& cut = clip_by_id(list, "v__--wONwHYy5_0");
  CHECK(cut.youtube_id == "_--wONwHYy5");
  CHECK(cut.start_s == 10.5);
  CHECK(cut.end_s == 20.25);
  const Clip& piece = clip_by_id(list, "v__--wONwHYy5_12");
  CHECK(piece.path == folder / "v__--wONwHYy5_12.mp4");
  CHECK(piece.start_s == 0);
  CHECK_FALSE(piece.end_s.has_value());
  CHECK(piece.group == cut.group);
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "v_Juqi4dMNI_U_3");
  const auto error = [&](const std::string& from, const std::string& to) {
    write_file_atomically(folder / "annotation.json", replaced(kSeedForm, from, to));
    return error_of([&] { (void)list_dataset("activitynet_gewu", {{"root", folder.path().string()}}); });
  };
  CHECK(mentions(error("v_Juqi4dMNI_U_3", "v_Juqi4dMNI_U"), {"does not name a piece", "v_Juqi4dMNI_U"}));
  CHECK(mentions(error("v_Juqi4dMNI_U_3", "v_Juqi4dMN_3"), {"'Juqi4dMN' is not the id"}));
  CHECK(mentions(error("\"segment\": [1, 2], ", ""), {"no \"segment\"", "v_Juqi4dMNI_U_3"}));
  CHECK(mentions(error("[1, 2]", "[-1, 2]"), {"before 0", "v_Juqi4dMNI_U_3"}));
  CHECK(mentions(error("[1, 2]", "[1, 1e9]"), {"the segment is", "999999", "v_Juqi4dMNI_U_3"}));
  CHECK(mentions(error("[1, 2]", "[1, 1e999]"), {"no JSON", "annotation.json:4"}));
  CHECK(mentions(error("[1, 2]", std::string(200, '[')), {"too deeply nested", "annotation.json"}));
}

TEST_CASE("ActivityNet's published seed list: 15232 and 7555 pieces of 200 classes, no video in both") {
  const fs::path annotations = official_annotations("activitynet_gewu");
  if (annotations.empty()) return;
  const TemporaryFolder videos;
  const nlohmann::json document = nlohmann::json::parse(read_file(annotations / "annotation.json"));
  for (const auto& [key, entry] : document["database"].items()) {
    make_empty_file(videos / (key.substr(0, key.rfind('_')) + ".mp4"));
  }
  const ClipList list = list_dataset("activitynet_gewu", {{"root", videos.path().string()},
                                                          {"annotations", (annotations / "annotation.json").string()}});
  CHECK(list.classes.size() == 200);
  CHECK(list.unusable.empty());
  CHECK(clips_by_split(list) == Counts{{"train", 15232}, {"test", 7555}});
  std::map<std::string, std::string> split_of_group;
  for (const Clip& clip : list.clips) {
    CHECK(split_of_group.emplace(clip.group, clip.split).first->second == clip.split);
    CHECK(clip.end_s.value_or(0) > clip.start_s);
  }
}

}  // namespace
}  // namespace cmkd
