#include "cmkd/readers/csv.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

constexpr const char* kAudiosetClasses =
    "index,mid,display_name\n0,/m/a,Speech\n1,/m/b,\"Male speech, man\"\n2,/t/c,Music\n";
constexpr const char* kAudiosetHeader = "YTID,start_seconds,end_seconds,positive_labels\n";
constexpr const char* kComments =
    "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=2\n# YTID, start_seconds, end_seconds, "
    "positive_labels\n";

struct AudioSet {
  explicit AudioSet(const std::string& eval, const std::string& classes = kAudiosetClasses) {
    put_file(root.path() / "eval_segments.csv", eval);
    put_file(root.path() / "class_labels_indices.csv", classes);
    put_file(root.path() / "clips/-aaaaaaaaaa_30000.wav");
  }
  [[nodiscard]] ClipList list(std::map<std::string, ParameterValue> values = {{"balanced_list", std::string()}}) const {
    values["root"] = root.path().string();
    return list_dataset("audioset", values);
  }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)list(); });
  }
  TemporaryFolder root;
};

TEST_CASE("AudioSet's segments are read with a header line, and with comment lines and spaces after commas") {
  const std::string plain =
      std::string(kAudiosetHeader) + "-aaaaaaaaaa,30.000,40.000,\"/t/c,/m/a\"\nb_ccccccccc,0.000,9.500,/m/b\n";
  const std::string spaced =
      std::string(kComments) + "-aaaaaaaaaa, 30.000, 40.000, \"/t/c,/m/a\"\r\nb_ccccccccc, 0.000, 9.500, \"/m/b\"\r\n";
  for (const std::string& text : {plain, spaced, "\xEF\xBB\xBF" + spaced}) {
    const AudioSet set(text);
    put_file(set.root.path() / "b_ccccccccc.flac");
    const ClipList list = set.list();
    REQUIRE(is_sound(list));
    CHECK(list.multi_label);
    CHECK(list.classes == std::vector<std::string>{"Speech", "Male speech, man", "Music"});
    REQUIRE(list.clips.size() == 2);
    CHECK(clip_by_id(list, "-aaaaaaaaaa_30000").tags == std::vector<std::int64_t>{0, 2});
    CHECK(clip_by_id(list, "-aaaaaaaaaa_30000").split == "test");
    CHECK(clip_by_id(list, "b_ccccccccc_0").path.filename() == "b_ccccccccc.flac");
    CHECK(clip_by_id(list, "b_ccccccccc_0").youtube_id == "b_ccccccccc");
    CHECK_FALSE(clip_by_id(list, "b_ccccccccc_0").end_s);
  }
}

TEST_CASE("AudioSet's segments are cut out of whole videos when the files are those") {
  const AudioSet set(std::string(kAudiosetHeader) + "-aaaaaaaaaa,30.500,40.000,/m/a\n");
  put_file(set.root.path() / "-aaaaaaaaaa.mp4");
  const ClipList list = set.list({{"balanced_list", std::string()}, {"files", std::string("videos")}});
  CHECK(list.clips[0].id == "-aaaaaaaaaa_30500");
  CHECK(list.clips[0].path.filename() == "-aaaaaaaaaa.mp4");
  CHECK(list.clips[0].start_s == 30.5);
  CHECK(list.clips[0].end_s == 40);
}

TEST_CASE("AudioSet's training lists are parameters, and a segment stands in one list only") {
  const AudioSet set(std::string(kAudiosetHeader) + "-aaaaaaaaaa,30.000,40.000,/m/a\n");
  put_file(set.root.path() / "balanced.csv", std::string(kAudiosetHeader) + "bbbbbbbbbbb,1.000,2.000,/m/b\n");
  put_file(set.root.path() / "unbalanced.csv", std::string(kComments) + "ccccccccccc, 1.000, 2.000, \"/t/c\"\n");
  put_file(set.root.path() / "bbbbbbbbbbb_1000.mp4");
  put_file(set.root.path() / "ccccccccccc_1000_2000.mp4");
  const std::map<std::string, ParameterValue> lists = {{"balanced_list", std::string("balanced.csv")},
                                                       {"unbalanced_list", std::string("unbalanced.csv")}};
  CHECK(clips_by_split(set.list(lists)) == std::map<std::string, int>{{"test", 1}, {"train", 2}});
  put_file(set.root.path() / "unbalanced.csv", std::string(kAudiosetHeader) + "-aaaaaaaaaa,30.000,40.000,/m/a\n");
  CHECK(mentions(error_of([&] { (void)set.list(lists); }),
                 {"'-aaaaaaaaaa_30000' is listed twice", "unbalanced.csv:2", "eval_segments.csv:2"}));
  CHECK(mentions(error_of([&] { (void)set.list({}); }), {"balanced_train_segments.csv", "not there"}));
  CHECK(mentions(error_of([&] {
                   (void)set.list({{"balanced_list", std::string()}, {"eval_list", std::string()}});
                 }),
                 {"all lists", "eval_list"}));
}

TEST_CASE("damaged tables of AudioSet are refused with file and line") {
  const std::string header = kAudiosetHeader;
  const std::string row = "-aaaaaaaaaa,30.000,40.000,\"/m/a\"\n";
  CHECK(AudioSet(header + row).error() == "no error");
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30.000,40.000,\"/m/a,/m/x\"\n").error(),
                 {"'/m/x' is not a class", "eval_segments.csv:2"}));
  // Three comment lines count.
  CHECK(mentions(AudioSet(kComments + std::string("-aaaaaaaaaa, 30.000, 40.000, \"/m/x\"\n")).error(),
                 {"'/m/x'", "eval_segments.csv:4"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30.000,40.000,/m/a,/m/b\n").error(), {"5 fields", "csv:2", "quotes"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30.000\n").error(), {"2 fields", "eval_segments.csv:2"}));
  CHECK(mentions(AudioSet("YTID,start_seconds,positive_labels\n-aaaaaaaaaa,1,/m/a\n").error(),
                 {"no column 'end_seconds'", "eval_segments.csv:1"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30,x,/m/a\n").error(), {"'x' is not a number", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30,30,/m/a\n").error(), {"30 to 30", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30,40,\n").error(), {"empty positive_labels", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30,40,\"/m/a,\"\n").error(), {"'' is not a class", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30,40.5,/m/a\n").error(), {"30 to 40.5", "start + 10", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,1e300,1e301,/m/a\n").error(), {"'1e300' is no time", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,-1,4,/m/a\n").error(), {"'-1' is no time", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaaa,30,40,\"/m/a,/m/a\"\n").error(), {"a label stands twice", "csv:2"}));
  CHECK(mentions(AudioSet(header + "-aaaaaaaaa,30,40,/m/a\n").error(), {"not the id of", "csv:2"}));
  // What a spreadsheet makes of "-Xyz…" is no comment.
  CHECK(mentions(AudioSet(kComments + std::string("-aaaaaaaaaa, 30, 40, \"/m/a\"\n#NAME?, 30, 40, \"/m/a\"\n")).error(),
                 {"'#NAME?' is not the id", "eval_segments.csv:5"}));
  CHECK(mentions(AudioSet(header + row + row).error(), {"listed twice", "csv:2", "csv:3"}));
  CHECK(mentions(AudioSet(header + row, "index,mid,display_name\n1,/m/a,Speech\n").error(),
                 {"index is 1", "class_labels_indices.csv:2"}));
  CHECK(mentions(AudioSet(header + row, "index,mid,display_name\n0,/m/a,Speech\n1,/m/a,Music\n").error(),
                 {"'/m/a' is listed twice", "class_labels_indices.csv:3"}));
}

TEST_CASE("AudioSet's official lists hold 22,160 balanced and 20,371 evaluation segments of 527 classes") {
  const fs::path annotations = shared_data("annotations/audioset");
  if (annotations.empty()) return;
  const TemporaryFolder root;
  for (const char* name : {"balanced_train_segments.csv", "eval_segments.csv"}) {
    const CsvTable table = read_csv(annotations / name);
    for (std::size_t k = 0; k < 100; ++k) std::ofstream(root / (table.rows[k].fields[0] + ".wav"));
  }
  const ClipList list =
      list_dataset("audioset", {{"root", root.path().string()}, {"annotations", annotations.string()}});
  REQUIRE(is_sound(list));
  CHECK(list.classes.size() == 527);
  CHECK(list.classes[1] == "Male speech, man speaking");
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 100}, {"train", 100}});
  std::map<std::string, int> listed;
  for (const Clip& clip : all_listed(list)) ++listed[clip.split];
  CHECK(listed == std::map<std::string, int>{{"test", 20371}, {"train", 22160}});
  // Counted in the files: 52,882 and 51,804 labels.
  std::map<std::string, std::size_t> labels;
  for (const Clip& clip : all_listed(list)) labels[clip.split] += clip.tags.size();
  CHECK(labels == std::map<std::string, std::size_t>{{"test", 51804}, {"train", 52882}});
  const Clip& clip = clip_by_id(list, "--PJHxphWEs_30000");
  CHECK(list.classes[static_cast<std::size_t>(clip.tags[0])] == "Speech");
}

}  // namespace
}  // namespace cmkd
