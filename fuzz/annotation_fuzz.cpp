// Annotation files of published sets, by the readers that list them. The first byte chooses the set.
#include <array>
#include <string>

#include "cmkd/core/error.h"
#include "cmkd/datasets/clip.h"
#include "fuzz.h"

namespace {

struct AnnotatedSet {
  const char* id;
  const char* file;  // below the root
};

constexpr std::array kAnnotatedSets{
    AnnotatedSet{"ave", "Annotations.txt"},
    AnnotatedSet{"ucf51", "annotation.json"},
    AnnotatedSet{"activitynet_gewu", "annotation.json"},
    AnnotatedSet{"activitynet", "activity_net.v1-3.min.json"},
    AnnotatedSet{"vggsound", "vggsound.csv"},
    AnnotatedSet{"esc50", "meta/esc50.csv"},
    AnnotatedSet{"audioset", "balanced_train_segments.csv"},
    AnnotatedSet{"kinetics_sounds", "xkd_train.json"},
    AnnotatedSet{"cremad", "train.csv"},
    AnnotatedSet{"vas", "vas_train.txt"},
    AnnotatedSet{"manifest", "clips.csv"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const AnnotatedSet& set = kAnnotatedSets[data[0] % kAnnotatedSets.size()];
  const cmkd::fuzz::MemoryFolder folder;
  folder.write(set.file, {data + 1, size - 1});
  const cmkd::DatasetInfo& info = cmkd::dataset_registry().get(set.id);
  cmkd::fuzz::expect_answer([&] {
    cmkd::Parameters parameters(info.parameters);
    if (std::string(set.id) == "manifest") parameters.set("csv", (folder.path() / set.file).string());
    parameters.set("root", folder.path().string());
    (void)info.open(parameters)->list();
  });
  return 0;
}
