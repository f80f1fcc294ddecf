#include "../../datasets/readers/parts/annotation.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

struct Vas {
  explicit Vas(const std::string& train, const std::string& valid = "dog/video_00001\n") {
    put_file(root.path() / "vas_train.txt", train);
    put_file(root.path() / "vas_valid.txt", valid);
    put_file(root.path() / "dog/videos/video_00000.avi");
    put_file(root.path() / "dog/video_00001.mp4");
  }
  [[nodiscard]] ClipList list() const { return list_dataset("vas", {{"root", root.path().string()}}); }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)list(); });
  }
  TemporaryFolder root;
};

TEST_CASE("VAS's clips are named by their class, and its validation list is the split that is reported on") {
  const Vas set(
      "\xEF\xBB\xBF"
      "dog/video_00000\r\nbaby/video_00000\r\n");
  const ClipList list = set.list();
  REQUIRE(is_sound(list));
  CHECK(list.classes == std::vector<std::string>{"baby", "dog"});
  CHECK(clip_by_id(list, "dog/video_00000").split == "train");
  CHECK(clip_by_id(list, "dog/video_00000").path.filename() == "video_00000.avi");
  CHECK(clip_by_id(list, "dog/video_00001").split == "test");
  REQUIRE(list.unusable.size() == 1);
  CHECK(mentions(list.unusable[0].reason, {"not_found", "baby/video_00000"}));
}

TEST_CASE("damaged lists of VAS are refused with file and line") {
  CHECK(mentions(Vas("dog/video_00000\nvideo_00001\n").error(), {"'video_00001' names no clip", "vas_train.txt:2"}));
  CHECK(mentions(Vas("dog/\n").error(), {"'dog/' names no clip", "vas_train.txt:1"}));
  CHECK(mentions(Vas("dog/video_00000 1\n").error(), {"names no clip", "vas_train.txt:1"}));
  CHECK(mentions(Vas("dog/video_00000\n", "dig/video_00001\n").error(),
                 {"'dig' is not a class", "vas_valid.txt:1", "did you mean 'dog'"}));
  CHECK(mentions(Vas("dog/video_00000\ndog/video_00001\n").error(),
                 {"listed twice", "vas_train.txt:2", "vas_valid.txt:1"}));
  CHECK(mentions(Vas("").error(), {"empty", "vas_train.txt"}));
  // A line that is cut off, and names of another form.
  for (const char* name : {"dog/video_0000", "dog/video_000001", "dog/video_0000x", "dog/video_00001.mp4", "dog/clip",
                           "dog/..", "dog/video_00001,1", "/video_00001"}) {
    CHECK(mentions(Vas("dog/video_00000\n" + std::string(name)).error(), {"names no clip", "vas_train.txt:2"}));
  }
  CHECK(mentions(Vas("dog/video_00000\ndog/video_\xFF\n").error(), {"not UTF-8", "vas_train.txt:2"}));
}

TEST_CASE("a ninth class in VAS's training list is refused at its rarest label") {
  std::string train = "dog/video_00000\n";
  for (const char* name : {"baby", "cough", "drum", "fireworks", "gun", "hammer", "sneeze"}) {
    for (const char* clip : {"/video_00000\n", "/video_00002\n"}) train += name + std::string(clip);
  }
  train += "dog/video_00003\n";
  CHECK(Vas(train).error() == "no error");
  // Two rows of each of the eight classes, and one more row.
  CHECK(mentions(Vas(train + "drvm/video_00004\n").error(),
                 {"'drvm' is one class too many", "vas_train.txt:17", "8 classes", "did you mean 'drum'"}));
}

TEST_CASE("VAS's lists hold 11,773 and 768 clips of eight classes") {
  const fs::path annotations = shared_data("annotations/vas");
  if (annotations.empty()) return;
  const TemporaryFolder root;
  for (const char* name : {"vas_train.txt", "vas_valid.txt"}) {
    const AnnotationText text(annotations / name);
    for (std::size_t k = 0; k < 100; ++k) put_file(root.path() / (text.lines[k].text + ".mp4"));
  }
  const ClipList list = list_dataset("vas", {{"root", root.path().string()}, {"annotations", annotations.string()}});
  REQUIRE(is_sound(list));
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 100}, {"train", 100}});
  const std::vector<Clip> all = all_listed(list);
  CHECK(std::ranges::count(all, "test", &Clip::split) == 768);
  CHECK(std::ranges::count(all, "train", &Clip::split) == 11773);
  CHECK(list.classes ==
        std::vector<std::string>{"baby", "cough", "dog", "drum", "fireworks", "gun", "hammer", "sneeze"});
  CHECK(std::ranges::count(all, 4, &Clip::label) == 2987 + 128);
}

TEST_CASE("the ten real clips of VAS are found, and every other one is set aside") {
  const fs::path root = shared_data("clips/vas");
  const fs::path annotations = shared_data("annotations/vas");
  if (root.empty() || annotations.empty()) return;
  const ClipList list = list_dataset("vas", {{"root", root.string()}, {"annotations", annotations.string()}});
  CHECK(clips_by_split(list) == std::map<std::string, int>{{"test", 10}});
  CHECK(list.unusable.size() == 11773 + 758);
  CHECK(list.classes[static_cast<std::size_t>(clip_by_id(list, "baby/video_01951").label)] == "baby");
}

}  // namespace
}  // namespace cmkd
