#include "catch.h"
#include "paths.h"

#include "cmkd/core/csv_field.h"
#include "cmkd/core/file.h"
#include "cmkd/readers/csv.h"
#include "cmkd/readers/manifest.h"
#include "error_text.h"

namespace cmkd {
namespace {

using test::error_of;
using test::mentions;
namespace fs = std::filesystem;

// A folder with empty files a.mp4 … e.mp4 and the given table beside them.
struct Table {
  explicit Table(const std::string& text) : csv(folder / "clips.csv") {
    for (const char* name : {"a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"}) write_file_atomically(folder / name, "x");
    write_file_atomically(csv, text);
  }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)read_manifest(csv); });
  }
  test::TemporaryFolder folder;
  fs::path csv;
};

TEST_CASE("a table's fields may be quoted, hold commas, quotes and line ends, and end in CRLF") {
  const CsvTable table = parse_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\"x, \"\"y\"\"\",2\r\n\r\n\"two\nlines\",\n3,4",
      "t.csv");
  CHECK(table.header.fields == std::vector<std::string>{"a", "b"});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0].fields == std::vector<std::string>{"x, \"y\"", "2"});
  CHECK(table.rows[1].fields == std::vector<std::string>{"two\nlines", ""});
  CHECK(table.rows[1].line == 4);
  CHECK(table.rows[2].line == 6);
  CHECK(csv_field("x, \"y\"") == "\"x, \"\"y\"\"\"");
}

TEST_CASE("a broken table is named by file and line") {
  CHECK(mentions(error_of([] { (void)parse_csv("a,b\n1,2\n\"open,3\n", "t.csv"); }), {"never closed", "t.csv:3"}));
  CHECK(mentions(error_of([] { (void)parse_csv("a,b\n1,2,3\n", "t.csv"); }), {"3 fields", "t.csv:2"}));
  CHECK(mentions(error_of([] { (void)parse_csv("a,b\n\"1\"x,2\n", "t.csv"); }), {"closing quote", "t.csv:2"}));
  CHECK(mentions(error_of([] { (void)parse_csv("", "t.csv"); }), {"empty", "t.csv"}));
}

TEST_CASE("a manifest gives labels, splits, times, groups and truth") {
  const Table table(
      "split,path,label,start_s,end_s,group,truth_snr_db\r\n"
      "train,a.mp4,\"dog, barking\",,,,-3.5\r\n"
      "val,b.mp4,cat,1.5,,g1,\r\n"
      "test,b.mp4,cat,3,4.25,g1,\r\n");
  const ClipList list = read_manifest(table.csv);
  CHECK(list.classes == std::vector<std::string>{"cat", "dog, barking"});
  REQUIRE(list.clips.size() == 3);
  CHECK(list.clips[0].label == 1);
  CHECK(list.clips[0].group == "a.mp4");
  CHECK(list.clips[0].truth.at("snr_db") == "-3.5");
  CHECK(list.clips[1].split == "validation");
  CHECK(list.clips[1].id == "b.mp4@1.5-end");
  CHECK(list.clips[1].group == "g1");
  CHECK(list.clips[2].start_s == 3);
  CHECK(list.clips[2].end_s == 4.25);
  CHECK(list.clips[2].path == table.folder / "b.mp4");
}

TEST_CASE("every mistake in a manifest is named with its line and what is allowed") {
  CHECK(mentions(Table("path,label,split\na.mp4,x,testt\n").error(),
                 {"unknown split 'testt'", "clips.csv:2", "did you mean 'test'"}));
  CHECK(mentions(Table("path,labl,split\na.mp4,x,test\n").error(),
                 {"unknown column 'labl'", "clips.csv:1", "did you mean 'label'"}));
  CHECK(mentions(Table("path,split\na.mp4,test\n").error(), {"no column 'label'", "clips.csv:1"}));
  CHECK(mentions(Table("path,label,split\na.mp4,x,test\nb.mp4,,test\n").error(), {"empty label", "clips.csv:3"}));
  CHECK(mentions(Table("path,label,split\na.mp4,x,test\nb.mp4,x,test\na.mp4,y,train\n").error(),
                 {"'a.mp4' is listed twice", "line 2", "clips.csv:4"}));
  CHECK(mentions(Table("path,label,split,start_s\na.mp4,x,test,1s\n").error(), {"start_s is '1s'", "clips.csv:2"}));
  CHECK(mentions(Table("path,label,split,start_s\na.mp4,x,test,1e300\n").error(),
                 {"start_s is '1e300'", "0 to 999999", "clips.csv:2"}));
  CHECK(mentions(Table("path,label,split\na.mp4, x,test\n").error(), {"label ' x'", "white space", "clips.csv:2"}));
  CHECK(mentions(Table("path,label,split\na.mp4,x\xC2\xA0,test\n").error(), {"white space", "clips.csv:2"}));
  CHECK(mentions(Table("path,label,split\na\xFF.mp4,x,test\n").error(), {"not UTF-8", "clips.csv:2"}));
  CHECK(mentions(Table("path,label,split,start_s,end_s\na.mp4,x,test,2,1\n").error(),
                 {"end_s 1 is not after start_s 2"}));
  CHECK(mentions(Table("path,label,split\n").error(), {"no row below its header", "clips.csv:1"}));
}

TEST_CASE("a class list fixes the indices, and a label outside it is an error") {
  const Table table("path,label,split\na.mp4,cat,train\nb.mp4,dog,test\n");
  write_file_atomically(table.folder / "classes.txt", "dog\r\nowl\ncat\n");
  const ClipList list = read_manifest(table.csv, "", table.folder / "classes.txt");
  CHECK(list.classes.size() == 3);
  CHECK(list.clips[0].label == 2);
  write_file_atomically(table.folder / "classes.txt", "dogs\ncat\n");
  CHECK(mentions(error_of([&] { (void)read_manifest(table.csv, "", table.folder / "classes.txt"); }),
                 {"label 'dog' is not a class", "clips.csv:3", "did you mean 'dogs'"}));
}

TEST_CASE("a missing file is a row with its reason; a split without any file is an error") {
  const ClipList list = read_manifest(Table("path,label,split\na.mp4,x,train\ngone.mp4,y,train\nb.mp4,x,test\n").csv);
  // The table's folder is gone by now: what counts is what was read.
  REQUIRE(list.clips.size() == 2);
  REQUIRE(list.unusable.size() == 1);
  CHECK(list.unusable[0].clip.id == "gone.mp4");
  CHECK(mentions(list.unusable[0].reason, {"not_found: ", "gone.mp4"}));
  CHECK(mentions(Table("path,label,split\na.mp4,x,train\ngone.mp4,y,test\n").error(),
                 {"every file of the split 'test' is missing", "gone.mp4"}));
}

TEST_CASE("class folders with splits are read as they stand") {
  const test::TemporaryFolder folder;
  for (const char* name :
       {"train/cat/1.mp4", "train/dog/2.mp4", "val/cat/3.mp4", "test/dog/4.mp4", "test/dog/.hidden"}) {
    write_file_atomically(folder / name, "x");
  }
  const ClipList list = read_class_folders(folder.path());
  REQUIRE(list.clips.size() == 4);
  CHECK(list.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(list.clips[0].id == "test/dog/4.mp4");
  CHECK(list.clips[0].split == "test");
  CHECK(list.clips[3].split == "validation");
  write_file_atomically(folder / "tain/cat/5.mp4", "x");
  CHECK(mentions(error_of([&] { (void)read_class_folders(folder.path()); }), {"unknown split 'tain'"}));
}

TEST_CASE("class folders without splits are split by seed, class by class") {
  const test::TemporaryFolder folder;
  for (int k = 0; k < 20; ++k) {
    write_file_atomically(folder / ("cat/" + std::to_string(k) + ".mp4"), "x");
    write_file_atomically(folder / ("dog/" + std::to_string(k) + ".mp4"), "x");
  }
  const auto tests = [&](std::int64_t seed) {
    std::vector<std::string> ids;
    for (const Clip& clip : read_class_folders(folder.path(), "", {0.25, seed}).clips) {
      if (clip.split == "test") ids.push_back(clip.id);
    }
    return ids;
  };
  CHECK(tests(0).size() == 10);  // a quarter of 20, twice
  CHECK(tests(0) == tests(0));
  CHECK(tests(0) != tests(1));
}

TEST_CASE("the dataset 'manifest' asks for a table or a folder") {
  const DatasetInfo& info = dataset_registry().get("manifest");
  CHECK(mentions(error_of([&] { (void)info.open(Parameters(info.parameters)); }), {"csv", "root"}));
  const Table table("path,label,split\na.mp4,x,train\nb.mp4,y,test\n");
  Parameters parameters(info.parameters);
  parameters.set("csv", table.csv.string());
  CHECK(info.open(parameters)->list().clips.size() == 2);
}

}  // namespace
}  // namespace cmkd
