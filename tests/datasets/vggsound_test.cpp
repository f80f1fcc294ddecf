#include <fmt/format.h>

#include "cmkd/readers/csv.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

// VGGSound's lists and clips in a folder of their own.
struct Vgg {
  explicit Vgg(const std::string& list, const std::string& name = "vggsound.csv") {
    put_file(root.path() / name, list);
    put_file(root.path() / "clips/-a_bcdefghi_000007.mp4");
  }
  [[nodiscard]] std::string error(const std::string& dataset = "vggsound") const {
    return list_error(dataset, {{"root", root.path().string()}});
  }
  [[nodiscard]] ClipList list(std::map<std::string, ParameterValue> values = {}) const {
    values["root"] = root.path().string();
    return list_dataset("vggsound", values);
  }
  TemporaryFolder root;
};

TEST_CASE("VGGSound's whole list gives training and test clips, with labels that hold commas") {
  const Vgg vgg(
      "\xEF\xBB\xBF-a_bcdefghi,7,\"pigeon, dove cooing\",test\r\nccccccccccc,120,air horn,train\r\nddddddddddd,3,air "
      "horn,test\r\n");
  put_file(vgg.root.path() / "clips/deep/ccccccccccc_120000_130000.webm");
  const ClipList list = vgg.list();
  REQUIRE(is_sound(list));
  CHECK(list.classes == std::vector<std::string>{"air horn", "pigeon, dove cooing"});
  REQUIRE(list.clips.size() == 2);
  const Clip& clip = clip_by_id(list, "-a_bcdefghi_000007");
  CHECK(clip.youtube_id == "-a_bcdefghi");
  CHECK(clip.group == "-a_bcdefghi");
  CHECK(clip.label == 1);
  CHECK(clip.split == "test");
  // The file is the segment: it is decoded from its start.
  CHECK(clip.start_s == 0);
  CHECK_FALSE(clip.end_s);
  CHECK(clip_by_id(list, "ccccccccccc_000120").split == "train");
  CHECK(clip_by_id(list, "ccccccccccc_000120").path.filename() == "ccccccccccc_120000_130000.webm");
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "ddddddddddd_000003");
  CHECK(mentions(list.unusable[0].reason, {"not_found", "ddddddddddd_000003"}));
}

TEST_CASE("a whole video is cut to VGGSound's ten seconds, and a file's name is a setting") {
  const Vgg vgg("-a_bcdefghi,7,air horn,test\n");
  put_file(vgg.root.path() / "whole/-a_bcdefghi.mkv");
  put_file(vgg.root.path() / "whole/-a_bcdefghi.jpg");
  const ClipList whole = vgg.list({{"files", std::string("videos")}});
  CHECK(whole.clips[0].path.filename() == "-a_bcdefghi.mkv");
  CHECK(whole.clips[0].start_s == 7);
  CHECK(whole.clips[0].end_s == 17);
  put_file(vgg.root.path() / "named/clip_-a_bcdefghi@7-17.mp4");
  CHECK(vgg.list({{"file_name", std::string("clip_{id}@{start}-{end}")}}).clips[0].path.filename() ==
        "clip_-a_bcdefghi@7-17.mp4");
  CHECK(mentions(error_of([&] {
                   (void)vgg.list({{"file_name", std::string("{id}_{begin}")}});
                 }),
                 {"unknown word '{begin}'", "{start6}"}));
}

TEST_CASE("with the test list alone, VGGSound's training clips come from a list of one's own") {
  const Vgg vgg("-a_bcdefghi_000007.mp4,air horn\n", "test.csv");
  put_file(vgg.root.path() / "mine.csv", "ccccccccccc_000120.mp4,air horn\n");
  put_file(vgg.root.path() / "ccccccccccc_000120.mp4");
  CHECK(clips_by_split(vgg.list()) == std::map<std::string, int>{{"test", 1}});
  CHECK(clips_by_split(vgg.list({{"train_list", std::string("mine.csv")}})) ==
        std::map<std::string, int>{{"test", 1}, {"train", 1}});
  CHECK(mentions(error_of([&] { (void)vgg.list({{"train_list", std::string("none.csv")}}); }), {"none.csv"}));
  put_file(vgg.root.path() / "mine.csv", "ccccccccccc_000120.mp4,air hron\n");
  CHECK(mentions(error_of([&] {
                   (void)vgg.list({{"train_list", std::string("mine.csv")}});
                 }),
                 {"'air hron' is not a class", "mine.csv:1", "did you mean 'air horn'"}));
}

TEST_CASE("damaged lists of VGGSound are refused with file and line") {
  CHECK(Vgg("-a_bcdefghi,7,air horn,test\n").error() == "no error");
  CHECK(mentions(Vgg("-a_bcdefghi,7,air horn,test\nccc,1,air horn\n").error(), {"3 fields", "vggsound.csv:2"}));
  CHECK(mentions(Vgg("-a_bcdefghi,7,pigeon, dove,test\n").error(), {"5 fields", "vggsound.csv:1", "quotes"}));
  CHECK(mentions(Vgg("-a_bcdefghi,7s,air horn,test\n").error(), {"'7s'", "vggsound.csv:1"}));
  CHECK(mentions(Vgg("-a_bcdefghi,-7,air horn,test\n").error(), {"'-7' is no time within a video", "vggsound.csv:1"}));
  CHECK(mentions(Vgg("-a_bcdefghi,7,air horn,val\n").error(), {"split is 'val'", "vggsound.csv:1"}));
  CHECK(mentions(Vgg("-a_bcdefghi,1000000,air horn,test\n").error(), {"'1000000' is no time", "vggsound.csv:1"}));
  CHECK(mentions(Vgg("a_bcdefghi,7,air horn,test\n").error(), {"not the id of", "vggsound.csv:1"}));
  CHECK(mentions(Vgg("-a_bcdefghi,7,air horn ,test\n").error(), {"white space", "vggsound.csv:1"}));
  CHECK(mentions(Vgg("-a_bcdefghi,7,,test\n").error(), {"empty label", "vggsound.csv:1"}));
  CHECK(
      mentions(Vgg("-a_bcdefghi,7,air horn,test\nxxxxxxxxxxx,1,air horn,test\n-a_bcdefghi,7,air horn,train\n").error(),
               {"'-a_bcdefghi_000007' is listed twice", "vggsound.csv:1", "vggsound.csv:3"}));
  CHECK(mentions(Vgg("-a_bcdefghi_000007.avi,x\n", "test.csv").error(), {"names no clip", "test.csv:1"}));
  CHECK(mentions(Vgg("-a_bcdefghi_07.mp4,x\n", "test.csv").error(), {"names no clip", "test.csv:1"}));
  CHECK(mentions(Vgg("zzzzzzzzzzz_000007.mp4,x\n", "test.csv").error(), {"none of the 1 listed clips"}));
  CHECK(mentions(Vgg("x", "other.csv").error(), {"test.csv", "not there"}));
}

TEST_CASE("a 310th class in VGGSound's test clips is refused at its rarest label") {
  std::string rows;
  for (int k = 0; k < 618; ++k) rows += fmt::format("{:011},7,class {},test\n", k, k % 309);
  rows += "-a_bcdefghi,7,clas 5,test\n";
  CHECK(mentions(Vgg(rows).error(),
                 {"'clas 5' is one class too many", "vggsound.csv:619", "309 classes", "did you mean 'class 5'"}));
}

TEST_CASE("VGGSound's official test list holds 15,446 clips of 309 classes, 14,851 videos") {
  const fs::path annotations = shared_data("annotations/vggsound");
  if (annotations.empty()) return;
  const TemporaryFolder root;
  const CsvTable table = read_csv_rows(annotations / "test.csv", {.header = false, .fields = 2, .row = "name,label"});
  for (const CsvRow& row : table.rows) std::ofstream(root / row.fields[0]);
  const std::map<std::string, ParameterValue> values = {{"root", root.path().string()},
                                                        {"annotations", annotations.string()}};
  const ClipList list = list_dataset("vggsound", values);
  REQUIRE(is_sound(list));
  CHECK(list.unusable.empty());
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 15446}});
  CHECK(list.classes.size() == 309);
  CHECK(std::ranges::is_sorted(list.classes));
  std::set<std::string> videos;
  for (const Clip& clip : list.clips) videos.insert(clip.youtube_id);
  CHECK(videos.size() == 14851);
  std::map<std::string, ParameterValue> by_stat = values;
  by_stat["class_order"] = std::string("stat");
  const ClipList stat = list_dataset("vggsound", by_stat);
  CHECK(stat.classes.size() == 309);
  CHECK(stat.classes.front() == "ambulance siren");
  CHECK(stat.classes.back() == "air horn");
  for (std::size_t k = 0; k < list.clips.size(); ++k) {
    REQUIRE(list.classes[static_cast<std::size_t>(list.clips[k].label)] ==
            stat.classes[static_cast<std::size_t>(stat.clips[k].label)]);
  }
}

TEST_CASE("the twelve real clips of VGGSound are found, and every other one is set aside") {
  const fs::path root = shared_data("clips/vggsound");
  const fs::path annotations = shared_data("annotations/vggsound");
  if (root.empty() || annotations.empty()) return;
  const ClipList list = list_dataset("vggsound", {{"root", root.string()}, {"annotations", annotations.string()}});
  CHECK(list.clips.size() == 12);
  CHECK(list.unusable.size() == 15434);
  CHECK(list.classes[static_cast<std::size_t>(clip_by_id(list, "-1pRmoJIGQc_000010").label)] == "car engine knocking");
  CHECK(clip_by_id(list, "7tMPoaU2oL4_000000").path.filename() == "7tMPoaU2oL4_0_10000.mp4");
}

}  // namespace
}  // namespace cmkd
