#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;

// By the format's description.
struct Fsd50k {
  explicit Fsd50k(const std::string& dev_rows, const std::string& eval_rows = "300,Guitar,/m/g\n") {
    put("dev.csv", "fname,labels,mids,split\n" + dev_rows);
    put("eval.csv", "fname,labels,mids\n" + eval_rows);
    put("vocabulary.csv", "0,Accordion,/m/a\n1,Electric_guitar,/m/e\n2,Guitar,/m/g\n");
    put_file(root.path() / "FSD50K.dev_audio/100.wav");
    put_file(root.path() / "FSD50K.dev_audio/200.wav");
    put_file(root.path() / "FSD50K.eval_audio/300.wav");
  }
  void put(const std::string& name, const std::string& text) const {
    put_file(root.path() / "FSD50K.ground_truth" / name, text);
  }
  [[nodiscard]] ClipList list() const { return list_dataset("fsd50k", {{"root", root.path().string()}}); }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)list(); });
  }
  TemporaryFolder root;
};

constexpr const char* kDev = "100,\"Guitar,Electric_guitar\",\"/m/g,/m/e\",train\r\n200,Accordion,/m/a,val\r\n";

TEST_CASE("FSD50K's development clips are trained and chosen on, its evaluation clips are the test split") {
  const ClipList list = Fsd50k(kDev).list();
  REQUIRE(is_sound(list));
  CHECK(list.multi_label);
  CHECK(list.classes == std::vector<std::string>{"Accordion", "Electric_guitar", "Guitar"});
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 1}, {"train", 1}, {"validation", 1}});
  CHECK(clip_by_id(list, "100").tags == std::vector<std::int64_t>{1, 2});
  CHECK(clip_by_id(list, "200").split == "validation");
  CHECK(clip_by_id(list, "300").path.parent_path().filename() == "FSD50K.eval_audio");
}

TEST_CASE("a clip of FSD50K in the other part's folder is not there") {
  const Fsd50k set(kDev, "300,Guitar,/m/g\n400,Guitar,/m/g\n");
  put_file(set.root.path() / "FSD50K.dev_audio/400.wav");
  const ClipList list = set.list();
  REQUIRE(list.unusable.size() == 1);
  CHECK(mentions(list.unusable[0].reason, {"not_found", "FSD50K.eval_audio/400.wav"}));
}

TEST_CASE("damaged tables of FSD50K are refused with file and line") {
  CHECK(Fsd50k(kDev).error() == "no error");
  CHECK(mentions(Fsd50k("100,Guitar,/m/g\n").error(), {"3 fields", "dev.csv:2"}));
  for (const char* name : {"#100", "1e5", "../100", "100.wav"}) {
    CHECK(mentions(Fsd50k(std::string(name) + ",Guitar,/m/g,train\n").error(), {"fname is", name, "dev.csv:2"}));
  }
  CHECK(mentions(Fsd50k(" 100,Guitar,/m/g,train\n").error(), {"white space", "dev.csv:2"}));
  CHECK(mentions(Fsd50k(kDev, "").error(), {"no row", "eval.csv:1"}));
  CHECK(mentions(Fsd50k("100,Giutar,/m/g,train\n").error(), {"'Giutar'", "dev.csv:2", "did you mean 'Guitar'"}));
  CHECK(mentions(Fsd50k("100,\"Guitar,Accordion\",/m/g,train\n").error(), {"2 labels and 1 mids", "dev.csv:2"}));
  CHECK(mentions(Fsd50k("100,Guitar,/m/a,train\n").error(), {"has the mid '/m/a'", "'/m/g'", "dev.csv:2"}));
  CHECK(mentions(Fsd50k("100,\"Guitar,Guitar\",\"/m/g,/m/g\",train\n").error(), {"twice", "dev.csv:2"}));
  CHECK(mentions(Fsd50k("100,Guitar,/m/g,test\n").error(), {"split is 'test'", "dev.csv:2"}));
  CHECK(mentions(Fsd50k(kDev, "100,Guitar,/m/g\n").error(), {"listed twice", "dev.csv:2", "eval.csv:2"}));
  const Fsd50k vocabulary(kDev);
  vocabulary.put("vocabulary.csv", "0,Accordion,/m/a\n1,Accordion,/m/e\n");
  CHECK(mentions(vocabulary.error(), {"'Accordion' is listed twice", "vocabulary.csv:2"}));
  vocabulary.put("vocabulary.csv", "1,Accordion,/m/a\n");
  CHECK(mentions(vocabulary.error(), {"index is 1", "vocabulary.csv:1"}));
  vocabulary.put("eval.csv", "fname,labels\n300,Guitar\n");
  vocabulary.put("vocabulary.csv", "0,Accordion,/m/a\n1,Electric_guitar,/m/e\n2,Guitar,/m/g\n");
  CHECK(mentions(vocabulary.error(), {"no column 'mids'", "eval.csv:1"}));
}

}  // namespace
}  // namespace cmkd
