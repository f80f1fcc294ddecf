// Annotation files of published sets, by the readers that list them. The first byte chooses the set; a zero byte ends a
// file where the set has several (no list holds one).
#include <algorithm>
#include <array>
#include <string>

#include "cmkd/core/error.h"
#include "cmkd/datasets/clip.h"
#include "fuzz.h"

namespace {

struct AnnotatedSet {
  const char* id;
  std::array<const char*, 3> files;  // below the root
};

// New sets go to the end: the files of the corpus choose by place.
constexpr std::array kAnnotatedSets{
    AnnotatedSet{"ave", {"Annotations.txt"}},
    AnnotatedSet{"ucf51", {"annotation.json"}},
    AnnotatedSet{"activitynet_gewu", {"annotation.json"}},
    AnnotatedSet{"activitynet", {"activity_net.v1-3.min.json"}},
    AnnotatedSet{"vggsound", {"vggsound.csv"}},
    AnnotatedSet{"esc50", {"meta/esc50.csv"}},
    AnnotatedSet{"audioset", {"balanced_train_segments.csv"}},
    AnnotatedSet{"kinetics_sounds", {"xkd_train.json"}},
    AnnotatedSet{"cremad", {"train.csv", "test.csv"}},
    AnnotatedSet{"vas", {"vas_train.txt"}},
    AnnotatedSet{"manifest", {"clips.csv"}},
    AnnotatedSet{
        "ucf101",
        {"ucfTrainTestlist/classInd.txt", "ucfTrainTestlist/trainlist01.txt", "ucfTrainTestlist/testlist01.txt"}},
    AnnotatedSet{"hmdb51",
                 {"testTrainMulti_7030_splits/wave_test_split1.txt", "testTrainMulti_7030_splits/run_test_split1.txt"}},
    AnnotatedSet{"fsd50k",
                 {"FSD50K.ground_truth/vocabulary.csv", "FSD50K.ground_truth/dev.csv", "FSD50K.ground_truth/eval.csv"}},
    AnnotatedSet{"vggsounder", {"classes.csv", "vggsounder.csv", "vggsound.csv"}},
    AnnotatedSet{"kinetics", {"train.csv", "val.csv", "test.csv"}},
    AnnotatedSet{"audioset", {"balanced_train_segments.csv", "eval_segments.csv", "class_labels_indices.csv"}},
    AnnotatedSet{"kinetics_sounds", {"xkd_train.json", "xkd_val.json"}},
};

// The bytes up to the next zero byte go into each file, the rest into the last.
void write_files(const cmkd::fuzz::MemoryFolder& folder, const AnnotatedSet& set, std::span<const std::uint8_t> bytes) {
  for (std::size_t k = 0; k < set.files.size() && set.files[k] != nullptr; ++k) {
    const bool last = k + 1 == set.files.size() || set.files[k + 1] == nullptr;
    const auto end = last ? bytes.end() : std::ranges::find(bytes, std::uint8_t{0});
    const auto length = static_cast<std::size_t>(end - bytes.begin());
    folder.write(set.files[k], bytes.first(length));
    bytes = bytes.subspan(std::min(length + 1, bytes.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const AnnotatedSet& set = kAnnotatedSets[data[0] % kAnnotatedSets.size()];
  const cmkd::fuzz::MemoryFolder folder;
  write_files(folder, set, {data + 1, size - 1});
  const cmkd::DatasetInfo& info = cmkd::dataset_registry().get(set.id);
  cmkd::fuzz::expect_answer([&] {
    cmkd::Parameters parameters(info.parameters);
    const std::string id = set.id;
    if (id == "manifest") parameters.set("csv", (folder.path() / set.files[0]).string());
    if (id == "ucf101" || id == "hmdb51") parameters.set("split", std::string("1"));
    parameters.set("root", folder.path().string());
    (void)info.open(parameters)->list();
  });
  return 0;
}
