// The dataset VGGSound: ten-second segments of YouTube videos, one of 309 classes each.
#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/vggsound_lists.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kVggsoundTree =
    "annotations/vggsound.csv   id,start,label,split (no header); else\n"
    "annotations/test.csv       <id>_<start>.mp4,label: the test clips alone, training clips by train_list\n"
    "annotations/stat.csv       class,clips,group: for class_order = \"stat\"\n"
    "root/**/<id>_<start in s, six digits>.mp4, or <id>_<start_ms>_<end_ms>.mp4, or any other ending";

class VggSoundSource final : public MediaSource {
 public:
  explicit VggSoundSource(Parameters parameters)
      : parameters_(std::move(parameters)), root_(required_root(parameters_, "vggsound", kVggsoundTree)) {}

  ClipList list() override {
    const fs::path annotations = annotation_folder(parameters_);
    const std::vector<VggSoundRow> rows = read_vggsound(annotations, parameters_.text("train_list"));
    const ClassNames classes = vggsound_classes(rows, parameters_.text("class_order"), annotations / "stat.csv");
    const SegmentFiles files(parameters_, root_, kVggsoundTree, vggsound_patterns());
    ClipList list;
    list.classes = classes.names();
    for (const VggSoundRow& row : rows) {
      Clip clip;
      clip.id = row.id();
      clip.label = classes.index(row.label, row.where);
      clip.split = row.split;
      files.add(list, std::move(clip), row.segment);
    }
    files.require_some(list);
    return list;
  }

 private:
  Parameters parameters_;
  fs::path root_;
};

std::vector<ParameterSpec> vggsound_set_parameters() {
  std::vector<ParameterSpec> specs = folder_parameters();
  for (const auto& more : {vggsound_parameters(), SegmentFiles::parameters(vggsound_patterns())})
    specs.insert(specs.end(), more.begin(), more.end());
  return specs;
}

const DatasetRegistration kVggsoundRegistration({
    .id = "vggsound",
    .title = "VGGSound: 309 classes of sound, seen and heard",
    .source = "Chen, Xie, Vedaldi, Zisserman, 'VGGSound: A Large-scale Audio-Visual Dataset', ICASSP 2020; the lists "
              "are CC BY 4.0, the videos are their owners'. About a fifth of the videos are gone from YouTube: those "
              "are listed as excluded, with the reason",
    .tree = kVggsoundTree,
    .tested_on = "the official test list and twelve real clips; vggsound.csv: a file made by the format's description",
    .made_here = false,
    .parameters = vggsound_set_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> {
      return std::make_unique<VggSoundSource>(values);
    },
});

}  // namespace

}  // namespace cmkd
