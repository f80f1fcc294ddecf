#include "catch.h"

#include <set>

#include "annotation_material.h"
#include "error_text.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;
using Counts = std::map<std::string, int>;

// Two classes of which one's name begins the other's, and names as the real set has them. The rows end in a space.
struct SmallHmdb {
  TemporaryFolder folder;
  std::map<std::string, std::string> lists;

  SmallHmdb() {
    for (const char* split : {"1", "2", "3"}) {
      lists[std::string("kick_test_split") + split + ".txt"] =
          "50 FIRST DATES_kick_f_cm_np1_ba_med_19.avi 1 \n"
          "#20_Rhythm_kick_u_nm_np1_fr_goo_0.avi 2 \n"
          "#20_Rhythm_kick_u_nm_np1_fr_goo_1.avi 0 \n";
      lists[std::string("kick_ball_test_split") + split + ".txt"] = "a_(b);c_kick_ball_f_cm_np2_ba_med_3.avi 1 \n";
    }
    lists["kick_test_split2.txt"] = replaced(lists["kick_test_split2.txt"], "goo_1.avi 0", "goo_1.avi 1");
    make_empty_file(folder / "kick/50 FIRST DATES_kick_f_cm_np1_ba_med_19.avi");
    make_empty_file(folder / "kick/#20_Rhythm_kick_u_nm_np1_fr_goo_0.avi");
    make_empty_file(folder / "kick/#20_Rhythm_kick_u_nm_np1_fr_goo_1.mp4");
    make_empty_file(folder / "kick_ball/a_(b);c_kick_ball_f_cm_np2_ba_med_3.avi");
  }

  [[nodiscard]] ClipList list(const std::string& split = "all") const {
    for (const auto& [name, text] : lists) {
      write_file_atomically(folder / "testTrainMulti_7030_splits" / name, text);
    }
    return list_dataset("hmdb51", {{"root", folder.path().string()}, {"split", split}});
  }
};

TEST_CASE("HMDB51: names hold spaces and symbols, rows split at the last white space, 0 has no part") {
  const SmallHmdb small;
  const ClipList list = small.list();
  CHECK(list.classes == std::vector<std::string>{"kick", "kick_ball"});
  CHECK(list.folds.size() == 3);
  CHECK(list.clips.size() == 4);
  CHECK(split_counts(list, 0) == Counts{{"train", 2}, {"test", 1}, {"", 1}});
  CHECK(split_counts(list, 1) == Counts{{"train", 3}, {"test", 1}});
  const Clip& film = clip_by_id(list, "kick/50 FIRST DATES_kick_f_cm_np1_ba_med_19");
  CHECK(film.group == "kick/50 FIRST DATES");
  CHECK(film.label == 0);
  CHECK(clip_by_id(list, "kick_ball/a_(b);c_kick_ball_f_cm_np2_ba_med_3").group == "kick_ball/a_(b);c");
  // In split 1 the unused clip is no clip at all.
  const ClipList first = small.list("1");
  CHECK(first.clips.size() == 3);
  CHECK(clips_by_split(first) == Counts{{"train", 2}, {"test", 1}});
  CHECK(first.folds.empty());
}

TEST_CASE("HMDB51: a damaged list is refused with its file and line") {
  SmallHmdb small;
  const SmallHmdb whole;
  const auto error = [&](const std::string& from, const std::string& to) {
    small.lists = whole.lists;
    small.lists["kick_test_split3.txt"] = replaced(whole.lists.at("kick_test_split3.txt"), from, to);
    return error_of([&] { (void)small.list(); });
  };
  CHECK(mentions(error("goo_0.avi 2", "goo_0.av 2"), {"names no clip", "kick_test_split3.txt:2"}));
  CHECK(mentions(error("goo_0.avi 2 \n", "goo_0.avi 2"), {"names no clip", "kick_test_split3.txt:2"}));
  CHECK(mentions(error("goo_0.avi 2", "goo_0.avi 3"), {"does not end in 0, 1 or 2", "kick_test_split3.txt:2"}));
  CHECK(mentions(error("goo_0.avi 2", "goo_0.avi"), {"does not end in", "kick_test_split3.txt:2"}));
  CHECK(mentions(error("goo_1.avi 0", "goo_0.avi 1"), {"listed twice in split 3", "split3.txt:2", "split3.txt:3"}));
  CHECK(mentions(error("#20_Rhythm", "run/#20_Rhythm"), {"folder", "kick_test_split3.txt:2"}));
  small.lists = whole.lists;
  for (auto& [name, text] : small.lists) text = as_windows_text(text);
  CHECK(small.list().clips.size() == 4);
  fs::remove(small.folder / "testTrainMulti_7030_splits/kick_ball_test_split2.txt");
  CHECK(mentions(error_of([&] {
                   (void)list_dataset("hmdb51", {{"root", small.folder.path().string()}});
                 }),
                 {"'kick_ball' has no file of split 2"}));
}

// The class that a clip's name states before its six properties: the longest of those that fit.
std::string class_in(const std::string& name, const std::vector<std::string>& classes) {
  std::size_t end = name.size();
  for (int property = 0; property < 6; ++property) end = name.rfind('_', end - 1);
  std::string best;
  for (const std::string& candidate : classes) {
    if (name.substr(0, end).ends_with("_" + candidate) && candidate.size() > best.size()) best = candidate;
  }
  return best;
}

// The names and labels of a derived list (flow files of official split 1) as split files of the official form.
TEST_CASE("HMDB51: split 1 written from a derived list has its sizes, 51 classes and no source video in both") {
  const fs::path derived = official_annotations("hmdb51_derived");
  const fs::path labels = official_annotations("labelmaps");
  if (derived.empty() || labels.empty()) return;
  std::vector<std::string> classes;
  std::ifstream map(labels / "hmdb51_label_map.txt");
  for (std::string name; std::getline(map, name);) classes.push_back(name);
  REQUIRE(classes.size() == 51);
  const TemporaryFolder folder;
  std::map<std::string, std::string> files;
  std::map<std::string, std::set<std::string>> class_of_number;
  for (const char* role : {"train", "test"}) {
    std::ifstream rows(derived / (std::string(role) + "list01.txt"));
    for (std::string name, number; rows >> name >> number;) {
      const std::string class_name = class_in(name, classes);
      class_of_number[number].insert(class_name);
      files[class_name] += name + ".avi " + (std::string(role) == "train" ? "1 \n" : "2 \n");
      make_empty_file(folder / (class_name + "/" + name + ".avi"));
    }
  }
  CHECK(class_of_number.size() == 51);
  for (const auto& [number, names] : class_of_number) CHECK(names.size() == 1);
  for (const auto& [name, text] : files) {
    write_file_atomically(folder / "testTrainMulti_7030_splits" / (name + "_test_split1.txt"), text);
  }
  const ClipList list = list_dataset("hmdb51", {{"root", folder.path().string()}, {"split", std::string("1")}});
  CHECK(list.classes.size() == 51);
  CHECK(clips_by_split(list) == Counts{{"train", 3570}, {"test", 1530}});  // 70 and 30 of each class
  std::map<std::string, std::string> split_of_group;
  for (const Clip& clip : list.clips) CHECK(split_of_group.emplace(clip.group, clip.split).first->second == clip.split);
  CHECK(split_of_group.size() == 2023);  // counted from the same list by other code
}

}  // namespace
}  // namespace cmkd
