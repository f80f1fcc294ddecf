#include "reader_test.h"

#include <fmt/format.h>

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

constexpr const char* kEsc50Header = "filename,fold,target,category,esc10,src_file,take\n";

// By the format's description: 50 classes x 5 folds x 8 clips, every fifth class in ESC-10.
struct MadeEsc50 {
  MadeEsc50() {
    std::string table = kEsc50Header;
    for (int target = 0; target < 50; ++target) {
      for (int fold = 1; fold <= 5; ++fold) {
        for (int take = 0; take < 8; ++take) {
          const std::string source = fmt::format("{}", 1000 * target + 10 * fold + take / 2);
          const std::string name = fmt::format("{}-{}-{}-{}.wav", fold, source, char('A' + take % 2), target);
          table += fmt::format("{},{},{},class_{},{},{},{}\n", name, fold, target, target,
                               target % 5 == 0 ? "True" : "False", source, char('A' + take % 2));
          put_file(folder / "audio" / name);
        }
      }
    }
    put_file(folder / "meta/esc50.csv", table);
  }
  [[nodiscard]] ClipList list(const std::string& subset = "esc50") const {
    return list_dataset("esc50", {{"root", folder.string()}, {"subset", subset}});
  }
  TemporaryFolder root;
  fs::path folder = root.path();
};

std::string error_of_table(const std::string& table, const std::string& subset = "esc10") {
  const TemporaryFolder folder;
  put_file(folder.path() / "esc10.csv", table);
  put_file(folder.path() / "audio/a.ogg");
  return list_error("esc50", {{"root", folder.path().string()}, {"subset", subset}});
}

TEST_CASE("ESC-50's 2,000 clips are tested on once each, in the five folds of the table") {
  const MadeEsc50 made;
  const ClipList list = made.list();
  REQUIRE(is_sound(list));
  CHECK(list.clips.size() == 2000);
  CHECK(list.classes.size() == 50);
  CHECK(list.classes[7] == "class_7");
  CHECK(list.folds == std::vector<std::string>{"1", "2", "3", "4", "5"});
  std::map<std::string, std::set<std::size_t>> folds_of_source;
  for (const Clip& clip : list.clips) {
    REQUIRE(std::ranges::count(clip.fold_splits, "test") == 1);
    REQUIRE(std::ranges::count(clip.fold_splits, "train") == 4);
    const auto fold = static_cast<std::size_t>(clip.id[0] - '1');
    CHECK(clip.fold_splits[fold] == "test");
    folds_of_source[clip.group].insert(fold);
  }
  CHECK(folds_of_source.size() == 1000);
  CHECK(std::ranges::all_of(folds_of_source, [](const auto& entry) { return entry.second.size() == 1; }));
}

TEST_CASE(
    "ESC-10 is the part of ESC-50's table that is marked so, its classes numbered in the order of their targets") {
  const MadeEsc50 made;
  const ClipList list = made.list("esc10");
  REQUIRE(is_sound(list));
  CHECK(list.clips.size() == 400);
  CHECK(list.classes == std::vector<std::string>{"class_0", "class_5", "class_10", "class_15", "class_20", "class_25",
                                                 "class_30", "class_35", "class_40", "class_45"});
}

TEST_CASE("a missing recording of ESC-50 is set aside with its reason, another ending is the same clip") {
  const MadeEsc50 made;
  fs::remove(made.folder / "audio/1-10-A-0.wav");
  fs::rename(made.folder / "audio/1-10-B-0.wav", made.folder / "audio/1-10-B-0.flac");
  const ClipList list = made.list();
  CHECK(list.clips.size() == 1999);
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "1-10-A-0.wav");
  CHECK(mentions(list.unusable[0].reason, {"not_found", "1-10-A-0.wav"}));
  CHECK(clip_by_id(list, "1-10-B-0.wav").path.extension() == ".flac");
}

TEST_CASE("a damaged table of ESC-50 is refused with file and line") {
  const std::string header = kEsc50Header;
  const std::string row = "a.ogg,1,0,Dog,True,100,A\n";
  CHECK(error_of_table(header + row) == "no error");
  CHECK(error_of_table("\xEF\xBB\xBF" + std::string(kEsc50Header).replace(header.size() - 1, 1, "\r\n") + row) ==
        "no error");
  CHECK(mentions(error_of_table(header + "a.ogg,1,0,Dog,True\n"), {"5 fields", "esc10.csv:2"}));
  CHECK(mentions(error_of_table("filename,fold,target,category,esc10,take\na.ogg,1,0,Dog,True,A\n"),
                 {"no column 'src_file'", "esc10.csv:1"}));
  CHECK(mentions(error_of_table(header + "a.ogg,6,0,Dog,True,100,A\n"), {"fold is 6", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header + "a.ogg,x,0,Dog,True,100,A\n"), {"'x'", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header + "a.ogg,1,0,Dog,yes,100,A\n"), {"esc10 is 'yes'", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header + row + row), {"'a.ogg' is listed twice", "esc10.csv:2", "esc10.csv:3"}));
  CHECK(mentions(error_of_table(header + row + "b.ogg,1,0,Cat,True,101,A\n"), {"target 0", "Dog", "esc10.csv:3"}));
  CHECK(
      mentions(error_of_table(header + row + "b.ogg,1,3,Dog,True,101,A\n"), {"'Dog' has the target 3", "esc10.csv:3"}));
  CHECK(mentions(error_of_table(header + "a.ogg,1,50,Dog,True,100,A\n"), {"target is 50", "0 to 49", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header + "a.ogg,1,-1,Dog,True,100,A\n"), {"target is -1", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header + "a.ogg,1,0,Dog,True,100,"), {"empty take", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header + " a.ogg,1,0,Dog,True,100,A\n"), {"white space", "esc10.csv:2"}));
  CHECK(mentions(error_of_table(header), {"no row", "esc10.csv:1"}));
  CHECK(mentions(error_of_table(header + "c.ogg,1,0,Dog,True,100,A\n"), {"none of the 1 listed clips"}));
  // ESC-10's table alone is not ESC-50.
  CHECK(mentions(error_of_table(header + row, "esc50"), {"esc50.csv", "not there"}));
  CHECK(mentions(list_error("esc50", {}), {"needs to know where", "root"}));
}

TEST_CASE("the 400 real clips of ESC-10 are listed in their five folds of 80") {
  const fs::path root = shared_data("esc10");
  if (root.empty()) return;
  const ClipList list = list_dataset("esc50", {{"root", root.string()}, {"subset", "esc10"}});
  REQUIRE(is_sound(list));
  CHECK(list.unusable.empty());
  REQUIRE(list.clips.size() == 400);
  CHECK(list.classes == std::vector<std::string>{"Dog bark", "Rooster", "Rain", "Sea waves", "Fire crackling",
                                                 "Baby cry", "Person sneeze", "Clock tick", "Helicopter", "Chainsaw"});
  for (std::size_t fold = 0; fold < 5; ++fold) {
    CHECK(std::ranges::count_if(list.clips, [&](const Clip& clip) { return clip.fold_splits[fold] == "test"; }) == 80);
  }
  for (std::int64_t label = 0; label < 10; ++label) CHECK(std::ranges::count(list.clips, label, &Clip::label) == 40);
}

}  // namespace
}  // namespace cmkd
