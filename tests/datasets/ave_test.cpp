#include <fmt/format.h>

#include "../../datasets/readers/parts/annotation.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

using Values = std::map<std::string, ParameterValue>;

const Values kSeeded = {{"split", std::string("seeded")}};

struct Ave {
  explicit Ave(const std::string& rows, const std::string& file = "Annotations.txt") {
    put_file(root.path() / file, rows);
    for (const char* name : {"-a_bcdefghi.mp4", "ccccccccccc.mp4", "ddddddddddd.mkv"})
      put_file(root.path() / "AVE" / name);
  }
  [[nodiscard]] ClipList list(Values values = kSeeded) const {
    values["root"] = root.path().string();
    return list_dataset("ave", values);
  }
  [[nodiscard]] std::string error(const Values& values = kSeeded) const {
    return error_of([&] { (void)list(values); });
  }
  TemporaryFolder root;
};

TEST_CASE("a video of AVE that is listed for two classes is two clips of one group") {
  const Ave set(
      "Category&VideoID&Quality&StartTime&EndTime\r\nUkulele&-a_bcdefghi&good&0&10\r\nBanjo&-a_bcdefghi&good&3&8\r\n"
      "Frying (food)&ccccccccccc&good&0&0\r\nBanjo&eeeeeeeeeee&good&0&10\r\n");
  const ClipList list = set.list();
  REQUIRE(is_sound(list));
  CHECK(list.classes == std::vector<std::string>{"Banjo", "Frying (food)", "Ukulele"});
  REQUIRE(list.clips.size() == 3);
  CHECK(clip_by_id(list, "Banjo/-a_bcdefghi").group == "-a_bcdefghi");
  CHECK(clip_by_id(list, "Ukulele/-a_bcdefghi").youtube_id == "-a_bcdefghi");
  CHECK(clip_by_id(list, "Ukulele/-a_bcdefghi").split == clip_by_id(list, "Banjo/-a_bcdefghi").split);
  CHECK(clip_by_id(list, "Banjo/-a_bcdefghi").start_s == 0);
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "Banjo/eeeeeeeeeee");
  Values events = kSeeded;
  events["piece"] = std::string("event");
  const ClipList pieces = set.list(events);
  CHECK(clip_by_id(pieces, "Banjo/-a_bcdefghi").start_s == 3);
  CHECK(clip_by_id(pieces, "Banjo/-a_bcdefghi").end_s == 8);
  // An event without a length is no clip.
  REQUIRE(pieces.unusable.size() == 2);
  CHECK(mentions(pieces.unusable[0].reason, {"out of scope", "0 to 0 s"}));
}

TEST_CASE("AVE's three official lists give the splits, and are asked for unless a seeded cut is") {
  const Ave set("Banjo&-a_bcdefghi&good&0&10\n", "trainSet.txt");
  CHECK(mentions(set.error({}), {"valSet.txt", "not there", "seeded"}));
  put_file(set.root.path() / "valSet.txt", "Banjo&ccccccccccc&good&0&10\n");
  put_file(set.root.path() / "testSet.txt", "Banjo&ddddddddddd&good&0&10\n");
  CHECK(clips_by_split(set.list({})) == std::map<std::string, int>{{"test", 1}, {"train", 1}, {"validation", 1}});
  put_file(set.root.path() / "testSet.txt", "Bango&ddddddddddd&good&0&10\n");
  CHECK(mentions(set.error({}), {"'Bango' is not a class", "testSet.txt:1", "did you mean 'Banjo'"}));
  put_file(set.root.path() / "testSet.txt", "Banjo&-a_bcdefghi&good&0&10\n");
  CHECK(mentions(set.error({}), {"listed twice", "trainSet.txt:1", "testSet.txt:1"}));
}

TEST_CASE("damaged lists of AVE are refused with file and line") {
  const std::string row = "Banjo&-a_bcdefghi&good&0&10\n";
  CHECK(Ave("\xEF\xBB\xBF" + row).error() == "no error");
  CHECK(mentions(Ave(row + "Banjo&ccccccccccc&good&0\n").error(), {"4 fields", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&&good&0&10\n").error(), {"empty", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&ccccccccccc&good&x&10\n").error(), {"'x' is not a number", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&ccccccccccc&good&5&4\n").error(), {"5 to 4 s", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&ccccccccccc&good&5&11\n").error(), {"5 to 11 s", "end <= 10", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&ccccccccccc&good&-1&4\n").error(), {"'-1' is no time", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&ccccccccccc&good&0&1e300\n").error(), {"'1e300' is no time", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + "Banjo&cccccccccc&good&0&10\n").error(), {"not the id of", "Annotations.txt:2"}));
  CHECK(mentions(Ave(row + row).error(),
                 {"'Banjo/-a_bcdefghi' is listed twice", "Annotations.txt:1", "Annotations.txt:2"}));
}

TEST_CASE("a 29th class of AVE is refused at its rarest label") {
  std::string rows;
  for (int k = 0; k < 28; ++k) {
    for (const char* start : {"a", "b"}) rows += fmt::format("Class {}&{}{:010}&good&0&10\n", k, start, k);
  }
  const Ave set(rows + "Banjo&-a_bcdefghi&good&0&10\n");
  CHECK(mentions(set.error(), {"'Banjo' is one class too many", "Annotations.txt:57", "28 classes"}));
}

TEST_CASE("AVE's official annotations hold 4,143 events of 4,097 videos, and a seeded cut parts no video") {
  const fs::path annotations = shared_data("annotations/ave");
  if (annotations.empty()) return;
  const TemporaryFolder root;
  for (const AnnotationLine& line : AnnotationText(annotations / "Annotations.txt").lines) {
    const std::size_t start = line.text.find('&') + 1;
    std::ofstream(root / (line.text.substr(start, line.text.find('&', start) - start) + ".mp4"));
  }
  const auto list_with = [&](Values values) {
    values["split"] = std::string("seeded");
    values["root"] = root.path().string();
    values["annotations"] = annotations.string();
    return list_dataset("ave", values);
  };
  const ClipList list = list_with({});
  REQUIRE(is_sound(list));
  CHECK(list.clips.size() == 4143);
  CHECK(list.classes.size() == 28);
  std::map<std::string, std::set<std::string>> splits_of_video;
  for (const Clip& clip : list.clips) splits_of_video[clip.group].insert(clip.split);
  CHECK(splits_of_video.size() == 4097);
  CHECK(std::ranges::all_of(splits_of_video, [](const auto& entry) { return entry.second.size() == 1; }));
  // A tenth of 4,143 each; the last video of a cut may have three events.
  const std::map<std::string, int> counts = clips_by_split(list);
  for (const char* split : {"test", "validation"}) {
    CHECK(counts.at(split) >= 412);
    CHECK(counts.at(split) <= 417);
  }
  const auto splits = [](const ClipList& clips) {
    std::vector<std::string> all;
    for (const Clip& clip : clips.clips) all.push_back(clip.split);
    return all;
  };
  CHECK(splits(list_with({})) == splits(list));
  CHECK(splits(list_with({{"split_seed", std::int64_t{1}}})) != splits(list));
  const ClipList events = list_with({{"piece", std::string("event")}});
  CHECK(events.clips.size() == 4142);
  CHECK(events.unusable.at(0).clip.id == "Church bell/VWi2ENBuTbw");
}

}  // namespace
}  // namespace cmkd
