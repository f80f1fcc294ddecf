#include "cmkd/readers/csv.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

constexpr const char* kVggsounderHeader = "video_id,label,modality,background_music,static_image,voice_over\n";
constexpr const char* kVggsounderClasses =
    "index,mid,display_name\n0,vgg_0,\"pigeon, dove\"\n1,vgg_1,air horn\n2,vgg_2,rain\n";

struct Vggsounder {
  explicit Vggsounder(const std::string& rows, const std::string& classes = kVggsounderClasses,
                      const std::string& header = kVggsounderHeader) {
    put_file(root.path() / "vggsounder.csv", header + rows);
    put_file(root.path() / "classes.csv", classes);
    for (const char* name : {"-aaaaaaaaaa_000001", "bbbbbbbbbbb_000002", "ttttttttttt_000003"})
      put_file(root.path() / "clips" / (name + std::string(".mp4")));
  }
  [[nodiscard]] ClipList list(std::map<std::string, ParameterValue> values = {}) const {
    values["root"] = root.path().string();
    return list_dataset("vggsounder", values);
  }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)list(); });
  }
  TemporaryFolder root;
};

using Tags = std::vector<std::int64_t>;

TEST_CASE("VGGSounder's labels are filtered by what is heard and what is seen") {
  const Vggsounder set(
      "-aaaaaaaaaa_000001,\"pigeon, dove\",A,False,False,True\n-aaaaaaaaaa_000001,air horn,AV,False,False,True\n"
      "bbbbbbbbbbb_000002,rain,V,False,True,False\n");
  const ClipList all = set.list();
  REQUIRE(is_sound(all));
  CHECK(all.multi_label);
  CHECK(all.classes == std::vector<std::string>{"air horn", "pigeon, dove", "rain"});
  CHECK(clip_by_id(all, "-aaaaaaaaaa_000001").tags == Tags{0, 1});
  CHECK(clip_by_id(all, "-aaaaaaaaaa_000001").youtube_id == "-aaaaaaaaaa");
  CHECK(clip_by_id(all, "bbbbbbbbbbb_000002").tags == Tags{2});
  const auto tags = [&](const char* modality) {
    const ClipList list = set.list({{"modality", std::string(modality)}, {"class_order", std::string("stat")}});
    std::map<std::string, Tags> found;
    for (const Clip& clip : list.clips) found[clip.id] = clip.tags;
    CHECK(list.clips.size() + list.unusable.size() == 2);
    for (const auto& aside : list.unusable)
      CHECK(mentions(aside.reason, {"out of scope: no label of the modality", modality}));
    return found;
  };
  // In the order of classes.csv: pigeon 0, air horn 1, rain 2.
  CHECK(tags("A") == std::map<std::string, Tags>{{"-aaaaaaaaaa_000001", {0}}});
  CHECK(tags("V") == std::map<std::string, Tags>{{"bbbbbbbbbbb_000002", {2}}});
  CHECK(tags("AV") == std::map<std::string, Tags>{{"-aaaaaaaaaa_000001", {1}}});
  CHECK(tags("audible") == std::map<std::string, Tags>{{"-aaaaaaaaaa_000001", {0, 1}}});
  CHECK(tags("visible") == std::map<std::string, Tags>{{"-aaaaaaaaaa_000001", {1}}, {"bbbbbbbbbbb_000002", {2}}});
}

TEST_CASE("VGGSounder's marked videos are dropped when that is asked for") {
  const Vggsounder set("-aaaaaaaaaa_000001,rain,A,False,False,True\nbbbbbbbbbbb_000002,rain,V,False,True,False\n");
  const ClipList list = set.list({{"voice_over", std::string("drop")}});
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "-aaaaaaaaaa_000001");
  CHECK(list.unusable[0].clip.path.filename() == "-aaaaaaaaaa_000001.mp4");
  CHECK(list.unusable[0].reason == "out of scope: dropped: its voice_over is true");
  CHECK(set.list({{"static_image", std::string("drop")}}).clips[0].id == "-aaaaaaaaaa_000001");
  CHECK(set.list({{"background_music", std::string("drop")}}).clips.size() == 2);
}

TEST_CASE("VGGSound's training clips join VGGSounder with their one label") {
  const Vggsounder set("-aaaaaaaaaa_000001,rain,AV,False,False,False\n");
  put_file(set.root.path() / "vggsound.csv", "ttttttttttt,3,air horn,train\n-aaaaaaaaaa,1,rain,test\n");
  const ClipList list = set.list();
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 1}, {"train", 1}});
  CHECK(clip_by_id(list, "ttttttttttt_000003").tags == Tags{0});
  put_file(set.root.path() / "vggsound.csv", "-aaaaaaaaaa,1,rain,train\n");
  CHECK(mentions(set.error(), {"'-aaaaaaaaaa_000001' is in VGGSounder", "vggsound.csv:1"}));
}

TEST_CASE("damaged tables of VGGSounder are refused with file and line") {
  const std::string row = "-aaaaaaaaaa_000001,rain,AV,False,False,False\n";
  CHECK(Vggsounder(row).error() == "no error");
  CHECK(mentions(Vggsounder(row + "bbbbbbbbbbb_000002,rian,A,False,False,False\n").error(),
                 {"'rian' is not a class", "vggsounder.csv:3", "did you mean 'rain'"}));
  CHECK(mentions(Vggsounder("-aaaaaaaaaa_000001,rain,VA,False,False,False\n").error(), {"'VA'", "vggsounder.csv:2"}));
  CHECK(
      mentions(Vggsounder("-aaaaaaaaaa_000001,rain,A,0,False,False\n").error(), {"background_music is '0'", "csv:2"}));
  CHECK(mentions(Vggsounder(row + row).error(), {"the label 'rain' twice", "vggsounder.csv:3"}));
  CHECK(mentions(Vggsounder(row + "-aaaaaaaaaa_000001,air horn,A,True,False,False\n").error(),
                 {"differ from those in", "vggsounder.csv:2", "vggsounder.csv:3"}));
  CHECK(mentions(Vggsounder("-aaaaaaaaa_000001,rain,A,False,False,False\n").error(), {"not the id of", "csv:2"}));
  CHECK(mentions(Vggsounder("-a,rain,A,False,False,False\n").error(), {"'-a' names no clip", "vggsounder.csv:2"}));
  CHECK(mentions(Vggsounder("-aaaaaaaaaa_000001,rain,A\n", kVggsounderClasses, "video_id,label,modality\n").error(),
                 {"no column 'background_music'", "vggsounder.csv:1"}));
  CHECK(mentions(Vggsounder(row, "index,mid,display_name\n0,a,rain\n2,b,air horn\n").error(),
                 {"index is 2", "classes.csv:3"}));
  CHECK(mentions(Vggsounder(row, "index,mid,display_name\n0,a,rain\n1,b,rain\n").error(),
                 {"'rain' is listed twice", "classes.csv:3"}));
}

TEST_CASE("VGGSounder's official table holds 29,509 labels of 12,014 videos of VGGSound's test") {
  const fs::path annotations = shared_data("annotations/vggsounder");
  const fs::path vggsound = shared_data("annotations/vggsound");
  if (annotations.empty() || vggsound.empty()) return;
  const TemporaryFolder root;
  const CsvTable test = read_csv_rows(vggsound / "test.csv", {.header = false, .fields = 2, .row = "name,label"});
  // A tenth of VGGSound's test clips, so that some of the videos are there.
  for (std::size_t k = 0; k < test.rows.size(); k += 10) std::ofstream(root / test.rows[k].fields[0]);
  const auto list_with = [&](std::map<std::string, ParameterValue> values) {
    values["root"] = root.path().string();
    values["annotations"] = annotations.string();
    return list_dataset("vggsounder", values);
  };
  const auto labels = [](const ClipList& list) {
    std::size_t count = 0;
    for (const Clip& clip : all_listed(list)) count += clip.tags.size();
    return count;
  };
  const ClipList all = list_with({});
  REQUIRE(is_sound(all));
  CHECK(all.classes.size() == 309);
  CHECK(all_listed(all).size() == 12014);
  CHECK(labels(all) == 29509);
  // The file has 18,377 rows AV, 10,149 rows A and 983 rows V.
  CHECK(labels(list_with({{"modality", std::string("AV")}})) == 18377);
  CHECK(labels(list_with({{"modality", std::string("audible")}})) == 18377 + 10149);
  CHECK(labels(list_with({{"modality", std::string("V")}})) == 983);
  std::size_t with_voice = 0;
  for (const ClipList::Unusable& aside : list_with({{"voice_over", std::string("drop")}}).unusable) {
    if (mentions(aside.reason, {"voice_over"})) with_voice += aside.clip.tags.size();
  }
  CHECK(with_voice == 6995);
  // Its classes are VGGSound's, in either order.
  CHECK(list_dataset("vggsound", {{"root", root.path().string()}, {"annotations", vggsound.string()}}).classes ==
        all.classes);
  CHECK(list_with({{"class_order", std::string("stat")}}).classes.front() == "ambulance siren");
}

}  // namespace
}  // namespace cmkd
