#include "catch.h"

#include <nlohmann/json.hpp>

#include "annotation_material.h"
#include "error_text.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;
using Counts = std::map<std::string, int>;

constexpr const char* kSmall = R"({"labels": ["Surfing", "Archery"],
"database": {
  "v_Archery_g01_c01": {"subset": "validation", "label": "Archery"},
  "v_Archery_g02_c01": {"subset": "training", "label": "Archery"},
  "v_Surfing_g11_c03": {"subset": "training", "label": "Surfing"}
}})";

struct SmallUcf51 {
  TemporaryFolder folder;

  SmallUcf51() {
    make_empty_file(folder / "Archery/v_Archery_g01_c01.avi");
    make_empty_file(folder / "UCF-101/Surfing/v_surfing_g11_c03.mkv");
  }

  [[nodiscard]] ClipList list(const std::string& json = kSmall, const Settings& more = {}) const {
    write_file_atomically(folder / "annotation.json", json);
    Settings settings = {{"root", folder.path().string()}};
    for (const auto& [name, value] : more) settings[name] = value;
    return list_dataset("ucf51", settings);
  }

  [[nodiscard]] std::string error_with(const std::string& from, const std::string& to) const {
    return error_of([&] { (void)list(replaced(kSmall, from, to)); });
  }
};

TEST_CASE("UCF51: the label is the index in 'labels', a clip's group is its source video") {
  const SmallUcf51 small;
  const ClipList list = small.list();
  CHECK(list.classes == std::vector<std::string>{"Surfing", "Archery"});
  REQUIRE(list.clips.size() == 2);
  const Clip& archery = clip_by_id(list, "v_Archery_g01_c01");
  CHECK(archery.label == 1);
  CHECK(archery.split == "test");
  CHECK(archery.group == "Archery_g01");
  CHECK(archery.feature_path.empty());
  const Clip& surfing = clip_by_id(list, "v_Surfing_g11_c03");
  CHECK(surfing.path == small.folder / "UCF-101/Surfing/v_surfing_g11_c03.mkv");
  REQUIRE(list.unusable.size() == 1);
  CHECK(mentions(list.unusable[0].reason, {"not_found", "v_Archery_g02_c01.avi"}));
}

TEST_CASE("UCF51: a clip whose feature is not there is set aside, others name it") {
  const SmallUcf51 small;
  make_empty_file(small.folder / "features/v_Archery_g01_c01.npy");
  const ClipList list = small.list(kSmall, {{"audio_dir", (small.folder / "features").string()}});
  REQUIRE(list.clips.size() == 1);
  CHECK(list.clips[0].feature_path == small.folder / "features/v_Archery_g01_c01.npy");
  REQUIRE(list.unusable.size() == 2);
  CHECK(mentions(list.unusable[1].reason, {"not_found", "v_Surfing_g11_c03.npy"}));
  CHECK(mentions(error_of([&] {
                   (void)small.list(kSmall, {{"audio_dir", std::string("/nowhere")}});
                 }),
                 {"audio_dir", "/nowhere"}));
}

TEST_CASE("UCF51: a damaged file is refused with the line, the byte or the key") {
  const SmallUcf51 small;
  CHECK(small.list(as_windows_text(kSmall)).clips.size() == 2);
  // The text is cut in its fourth line; the parser stops at the end of what is left.
  const std::string cut = std::string(kSmall).substr(0, std::string(kSmall).find("training"));
  CHECK(mentions(error_of([&] { (void)small.list(cut); }), {"no JSON", "annotation.json:4", "byte"}));
  CHECK(mentions(small.error_with("\"validation\"", "\"validation\" 7"), {"no JSON", "annotation.json:3"}));
  CHECK(mentions(small.error_with("v_Archery_g02_c01", "v_Archery_g01_c01"),
                 {"v_Archery_g01_c01", "twice", "annotation.json:4: database"}));
  CHECK(mentions(small.error_with("{\"subset\": \"training\"", "{\"label\": \"x\", \"subset\": \"training\""),
                 {"'label' stands twice", "annotation.json:4: database['v_Archery_g02_c01']"}));
  CHECK(mentions(small.error_with("[\"Surfing\"", "[\" \", \"Surfing\""),
                 {"white space", "annotation.json:1: labels[0]"}));
  CHECK(
      mentions(small.error_with("[\"Surfing\"", "[3, \"Surfing\""), {"3 is no text", "annotation.json:1: labels[0]"}));
  for (const char* key : {"v_Archery_g02_c01x", "v_Archery_g02_c01 ", "v_Archery_g02_c", "v_Archery_gx_c01"}) {
    CHECK(mentions(small.error_with("v_Archery_g02_c01", key), {"does not name a clip", key}));
  }
  CHECK(mentions(small.error_with("\"training\"", "\"testing\""),
                 {"unknown subset 'testing'", "annotation.json:4: database['v_Archery_g02_c01']"}));
  CHECK(mentions(small.error_with("\"label\": \"Surfing\"", "\"label\": \"Surfin\""),
                 {"'Surfin' is not a class", "v_Surfing_g11_c03", "did you mean 'Surfing'"}));
  CHECK(
      mentions(small.error_with("\"label\": \"Surfing\"", "\"label\": \"Archery\""), {"v_Surfing_g11_c03", "Archery"}));
  CHECK(mentions(small.error_with("\"label\": \"Surfing\"", "\"label\": 3"), {"3 is no text", "v_Surfing_g11_c03"}));
  CHECK(mentions(small.error_with(", \"label\": \"Surfing\"", ""),
                 {"no \"label\"", "annotation.json:5: database['v_Surfing_g11_c03']"}));
  CHECK(mentions(small.error_with("\"database\"", "\"data\""), {"no \"database\""}));
  CHECK(
      mentions(small.error_with("\"Surfing\", \"Archery\"]", "\"Archery\", \"Archery\"]"), {"listed twice", "labels"}));
  CHECK(mentions(error_of([&] { (void)small.list("[]"); }), {"array", "object"}));
  CHECK(mentions(error_of([] { (void)list_dataset("ucf51", {}); }), {"where its files are", "video_dir"}));
}

TEST_CASE("UCF51's published list: 4892 and 1944 clips of 51 classes, no source video in both") {
  const fs::path annotations = official_annotations("ucf51");
  if (annotations.empty()) return;
  const TemporaryFolder videos;
  const nlohmann::json document = nlohmann::json::parse(read_file(annotations / "annotation.json"));
  for (const auto& [key, entry] : document["database"].items()) {
    make_empty_file(videos / (entry["label"].get<std::string>() + "/" + key + ".avi"));
  }
  const ClipList list = list_dataset(
      "ucf51", {{"root", videos.path().string()}, {"annotations", (annotations / "annotation.json").string()}});
  CHECK(list.classes.size() == 51);
  CHECK(list.unusable.empty());
  CHECK(clips_by_split(list) == Counts{{"train", 4892}, {"test", 1944}});
  std::map<std::string, std::string> split_of_group;
  for (const Clip& clip : list.clips) {
    CHECK(clip.id.starts_with("v_" + list.classes.at(static_cast<std::size_t>(clip.label)) + "_g"));
    CHECK(split_of_group.emplace(clip.group, clip.split).first->second == clip.split);
  }
}

}  // namespace
}  // namespace cmkd
