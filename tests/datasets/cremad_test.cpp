#include "cmkd/readers/csv.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

struct Cremad {
  explicit Cremad(const std::string& train, const std::string& test = "1002_IOM_SAD_XX,SAD\n") {
    put_file(root.path() / "train.csv", train);
    put_file(root.path() / "test.csv", test);
    for (const std::string name : {"1001_IOM_NEU_XX", "1002_IOM_SAD_XX"}) {
      put_file(root.path() / ("VideoFlash/" + name + ".flv"));
      put_file(root.path() / ("AudioWAV/" + name + ".wav"));
    }
  }
  [[nodiscard]] ClipList list(std::map<std::string, ParameterValue> values = {}) const {
    values["root"] = root.path().string();
    return list_dataset("cremad", values);
  }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)list(); });
  }
  TemporaryFolder root;
};

TEST_CASE("CREMA-D's clips have their picture and their sound in two files, and their actor for a group") {
  const Cremad set("1001_IOM_NEU_XX,NEU\r\n1003_TIE_ANG_HI,ANG\r\n");
  const ClipList list = set.list();
  REQUIRE(is_sound(list));
  const Clip& clip = clip_by_id(list, "1001_IOM_NEU_XX");
  CHECK(clip.path.filename() == "1001_IOM_NEU_XX.flv");
  CHECK(clip.audio_path.filename() == "1001_IOM_NEU_XX.wav");
  CHECK(clip.group == "1001");
  CHECK(list.classes[static_cast<std::size_t>(clip.label)] == "NEU");
  CHECK(clip_by_id(list, "1002_IOM_SAD_XX").split == "test");
  REQUIRE(list.unusable.size() == 1);
  CHECK(mentions(list.unusable[0].reason, {"not_found", "AudioWAV/1003_TIE_ANG_HI.wav"}));
  fs::remove(set.root.path() / "VideoFlash/1001_IOM_NEU_XX.flv");
  CHECK(mentions(set.list().unusable[0].reason, {"not_found", "VideoFlash/1001_IOM_NEU_XX.flv"}));
}

TEST_CASE("CREMA-D is read with its sound alone, or with the sound in the files of the pictures") {
  const Cremad set("1001_IOM_NEU_XX,NEU\n");
  const ClipList sound = set.list({{"video", std::string()}});
  CHECK(sound.clips[0].path.extension() == ".wav");
  CHECK(sound.clips[0].audio_path.empty());
  const ClipList both = set.list({{"audio", std::string()}});
  CHECK(both.clips[0].path.extension() == ".flv");
  CHECK(both.clips[0].audio_path.empty());
  CHECK(mentions(error_of([&] {
                   (void)set.list({{"audio", std::string()}, {"video", std::string()}});
                 }),
                 {"neither pictures nor sound"}));
}

TEST_CASE("damaged lists of CREMA-D are refused with file and line") {
  CHECK(Cremad("\xEF\xBB\xBF"
               "1001_IOM_NEU_XX,NEU\n")
            .error() == "no error");
  CHECK(mentions(Cremad("1001_IOM_NEU_XX,NEU\n1003_IOM_NEU_XX\n").error(), {"1 fields", "train.csv:2"}));
  CHECK(mentions(Cremad("1001_IOM_NEU,NEU\n").error(), {"names no clip", "train.csv:1"}));
  for (const char* name : {"1001_IOM_NEU_X", "x1001_IOM_NEU_XX", "../1001_IOM_NEU_XX", "1001_IOM_NEU_XX/..",
                           " 1001_IOM_NEU_XX", "101_IOM_NEU_XX", "1001_iom_NEU_XX", "1001_IOM_NEU_XX_XX"}) {
    CHECK(mentions(Cremad("1001_IOM_NEU_XX,NEU\n" + std::string(name) + ",NEU\n").error(),
                   {"names no clip", "train.csv:2", "LO, MD, HI or XX"}));
  }
  CHECK(mentions(Cremad("1001_IOM_NEU_XX,SAD\n").error(), {"has the emotion 'SAD'", "train.csv:1", "'NEU'"}));
  CHECK(mentions(Cremad("1001_IOM_JOY_XX,JOY\n").error(), {"'JOY' is not a class", "train.csv:1"}));
  CHECK(mentions(Cremad("1001_IOM_NEU_XX,NEU\n1002_IOM_SAD_XX,SAD\n").error(),
                 {"'1002_IOM_SAD_XX' is listed twice", "train.csv:2", "test.csv:1"}));
  CHECK(mentions(Cremad("1001_IOM_NEU_XX,NEU\n", "\n").error(), {"empty", "test.csv"}));
}

TEST_CASE("CREMA-D's lists hold 6,698 and 744 clips of 91 actors") {
  const fs::path annotations = shared_data("annotations/cremad");
  if (annotations.empty()) return;
  const TemporaryFolder root;
  for (const char* name : {"train.csv", "test.csv"}) {
    const CsvTable table = read_csv_rows(annotations / name, {.header = false, .fields = 2, .row = "clip,emotion"});
    for (std::size_t k = 0; k < 100; ++k) put_file(root.path() / "AudioWAV" / (table.rows[k].fields[0] + ".wav"));
  }
  const ClipList list = list_dataset(
      "cremad", {{"root", root.path().string()}, {"annotations", annotations.string()}, {"video", std::string()}});
  REQUIRE(is_sound(list));
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 100}, {"train", 100}});
  std::map<std::string, int> listed;
  std::map<std::string, int> of_class;
  std::set<std::string> actors;
  for (const Clip& clip : all_listed(list)) {
    ++listed[clip.split];
    ++of_class[list.classes[static_cast<std::size_t>(clip.label)]];
    actors.insert(clip.group);
  }
  CHECK(listed == std::map<std::string, int>{{"test", 744}, {"train", 6698}});
  CHECK(actors.size() == 91);
  CHECK(of_class == std::map<std::string, int>{
                        {"ANG", 1271}, {"DIS", 1271}, {"FEA", 1271}, {"HAP", 1271}, {"NEU", 1087}, {"SAD", 1271}});
}

}  // namespace
}  // namespace cmkd
