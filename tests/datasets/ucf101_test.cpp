#include "catch.h"

#include <fmt/format.h>

#include <set>

#include "annotation_material.h"
#include "error_text.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;
using Counts = std::map<std::string, int>;

// A set of two classes with the quirks of the real one: each file is made by the form that its owners describe.
struct SmallUcf {
  TemporaryFolder folder;
  std::map<std::string, std::string> lists = {
      {"classInd.txt", "1 Archery\r\n2 HandStandPushups\r\n"},
      {"trainlist01.txt",
       "Archery/v_Archery_g02_c01.avi 1\r\nArchery/v_Archery_g02_c02.avi 1\r\n"
       "HandStandPushups/v_HandStandPushups_g02_c01.avi 2\r\n"},
      {"testlist01.txt", "Archery/v_Archery_g01_c01.avi\nHandStandPushups/v_HandStandPushups_g01_c01.avi\n"}};

  SmallUcf() {
    for (const char* name :
         {"Archery/v_Archery_g01_c01.avi", "Archery/v_Archery_g02_c01.avi",
          "HandstandPushups/v_HandstandPushups_g01_c01.avi", "HandstandPushups/v_HandstandPushups_g02_c01.avi"}) {
      make_empty_file(folder / "UCF-101" / name);
    }
  }

  [[nodiscard]] ClipList list() const {
    for (const auto& [name, text] : lists) write_file_atomically(folder / "ucfTrainTestlist" / name, text);
    return list_dataset("ucf101", {{"root", folder.path().string()}, {"split", std::string("1")}});
  }

  // What is said when `from` in a file reads `to`.
  [[nodiscard]] std::string error_with(const std::string& name, const std::string& from, const std::string& to) {
    const std::string whole = lists[name];
    lists[name] = replaced(whole, from, to);
    std::string error = error_of([&] { (void)list(); });
    lists[name] = whole;
    return error;
  }
};

TEST_CASE("UCF101: folders match in letters of either case, CRLF and lists without labels are read") {
  const SmallUcf small;
  const ClipList list = small.list();
  CHECK(list.classes == std::vector<std::string>{"Archery", "HandStandPushups"});
  CHECK(list.folds.empty());
  CHECK(clips_by_split(list) == Counts{{"train", 2}, {"test", 2}});
  const Clip& clip = clip_by_id(list, "v_HandStandPushups_g02_c01");
  CHECK(clip.label == 1);
  CHECK(clip.group == "HandStandPushups_g02");
  CHECK(clip.path == small.folder / "UCF-101/HandstandPushups/v_HandstandPushups_g02_c01.avi");
  // The one clip that is listed and not there has a row with its reason.
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "v_Archery_g02_c02");
  CHECK(mentions(list.unusable[0].reason, {"not_found", "v_Archery_g02_c02.avi"}));
}

TEST_CASE("UCF101: a byte order mark, line ends of either kind and a label in the test list change nothing") {
  SmallUcf small;
  const ClipList plain = small.list();
  for (auto& [name, text] : small.lists) text = as_windows_text(text);
  small.lists["testlist01.txt"] =
      replaced(small.lists["testlist01.txt"], "v_Archery_g01_c01.avi", "v_Archery_g01_c01.avi 1");
  const ClipList other = small.list();
  REQUIRE(other.clips.size() == plain.clips.size());
  for (std::size_t i = 0; i < plain.clips.size(); ++i) {
    CHECK(other.clips[i].id == plain.clips[i].id);
    CHECK(other.clips[i].label == plain.clips[i].label);
    CHECK(other.clips[i].split == plain.clips[i].split);
  }
}

TEST_CASE("UCF101: a damaged list is refused with its file and line") {
  SmallUcf small;
  const auto error = [&](const char* name, const char* from, const char* to) {
    return small.error_with(name, from, to);
  };
  CHECK(mentions(error("trainlist01.txt", "g02_c02.avi 1", "g02_c02.avi 2"), {"contradicts", "trainlist01.txt:2"}));
  CHECK(mentions(error("trainlist01.txt", "g02_c02.avi 1", "g02_c02.avi 3"), {"out of range", "trainlist01.txt:2"}));
  CHECK(mentions(error("trainlist01.txt", "g02_c02.avi 1", "g02_c02.avi"), {"no label", "trainlist01.txt:2"}));
  CHECK(mentions(error("trainlist01.txt", "g02_c02.avi 1", "g02_c02.avi x"), {"whole number", "trainlist01.txt:2"}));
  CHECK(mentions(error("trainlist01.txt", "g02_c02.avi 1", "g02_c02.av 1"), {"does not name", "trainlist01.txt:2"}));
  CHECK(mentions(error("trainlist01.txt", "v_Archery_g02_c02", "v_Archery_g02_c02\xFF"), {"not UTF-8", ":2"}));
  CHECK(mentions(error("trainlist01.txt", "v_Archery_g02_c02", "v_Archery_c02"), {"does not name", ":2"}));
  CHECK(mentions(error("trainlist01.txt", "Archery/v_Archery_g02_c02", "Arch/v_Archery_g02_c02"), {"no class", ":2"}));
  CHECK(mentions(error("trainlist01.txt", "g02_c02.avi 1", "g02_c01.avi 1"),
                 {"listed twice in split 1", "trainlist01.txt:1", "trainlist01.txt:2"}));
  CHECK(mentions(error("testlist01.txt", "v_Archery_g01", "v_Archery_g02"),
                 {"listed twice in split 1", "trainlist01.txt:1", "testlist01.txt:1"}));
  CHECK(mentions(error("classInd.txt", "2 HandStandPushups", "3 HandStandPushups"), {"index 3", "classInd.txt:2"}));
  std::string many = "2 HandStandPushups";
  for (int index = 3; index <= 102; ++index) many += fmt::format("\n{} Class{}", index, index);
  CHECK(mentions(error("classInd.txt", "2 HandStandPushups", many.c_str()),
                 {"index 102", "1 … 101", "classInd.txt:102"}));
  CHECK(mentions(error("classInd.txt", "2 HandStandPushups", "2 archery"), {"twice", "classInd.txt:2"}));
  CHECK(mentions(error("classInd.txt", "2 HandStandPushups", "HandStandPushups"), {"not an index", "classInd.txt:2"}));
  CHECK(clips_by_split(small.list()) == Counts{{"train", 2}, {"test", 2}});
}

TEST_CASE("UCF101 says what it needs when the root, the lists or all clips are not there") {
  CHECK(mentions(error_of([] { (void)list_dataset("ucf101", {}); }), {"where its files are", "ucfTrainTestlist"}));
  const TemporaryFolder folder;
  CHECK(mentions(error_of([&] {
                   (void)list_dataset("ucf101", {{"root", folder.path().string()}});
                 }),
                 {"classInd.txt"}));
  SmallUcf small;
  fs::remove_all(small.folder / "UCF-101");
  CHECK(mentions(error_of([&] { (void)small.list(); }), {"none of the 5 listed clips"}));
}

TEST_CASE("UCF101's official lists: three folds of the published sizes, and no split cuts a source video") {
  const fs::path annotations = official_annotations("ucf101");
  if (annotations.empty()) return;
  const TemporaryFolder videos;
  for (const char* name : {"trainlist01.txt", "testlist01.txt"}) {
    std::ifstream rows(annotations / name);
    for (std::string path; rows >> path;) {
      if (path.ends_with(".avi")) make_empty_file(videos / path);
    }
  }
  const Settings settings = {{"root", videos.path().string()}, {"annotations", annotations.string()}};
  const ClipList list = list_dataset("ucf101", settings);
  CHECK(list.classes.size() == 101);
  CHECK(list.folds == std::vector<std::string>{"1", "2", "3"});
  CHECK(list.clips.size() == 13320);
  CHECK(list.unusable.empty());
  CHECK(split_counts(list, 0) == Counts{{"train", 9537}, {"test", 3783}});
  CHECK(split_counts(list, 1) == Counts{{"train", 9586}, {"test", 3734}});
  CHECK(split_counts(list, 2) == Counts{{"train", 9624}, {"test", 3696}});
  std::set<std::string> ids;
  std::map<std::string, std::set<std::string>> roles;  // of each group in each fold
  for (const Clip& clip : list.clips) {
    ids.insert(clip.id);
    CHECK(clip.split.empty());
    for (std::size_t k = 0; k < 3; ++k) roles[clip.group + list.folds[k]].insert(clip.fold_splits[k]);
  }
  CHECK(ids.size() == 13320);
  CHECK(roles.size() == std::size_t{3 * 101 * 25});  // 25 groups of each class
  for (const auto& [group, names] : roles) CHECK(names.size() == 1);
  Settings second = settings;
  second["split"] = std::string("2");
  const ClipList one = list_dataset("ucf101", second);
  CHECK(one.folds.empty());
  CHECK(clips_by_split(one) == Counts{{"train", 9586}, {"test", 3734}});
  CHECK(one.clips[0].fold_splits.empty());
}

}  // namespace
}  // namespace cmkd
