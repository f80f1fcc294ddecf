// The datasets "kinetics400" and "kinetics": CSV lists of ten-second pieces of YouTube videos.
#include <fmt/format.h>

#include <limits>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "kinetics.h"
#include "parts/annotation.h"
#include "parts/class_list.h"
#include "parts/label_tally.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kKineticsTree =
    "root/…/<id>_<start>_<end>.mp4   six digits each, anywhere below root (also in <label>/); any media ending\n"
    "root/train.csv, root/val.csv    (or in root/annotations, also kinetics-400_val.csv and the like; or the\n"
    "                                parameters train_csv, validation_csv, test_csv): columns label, youtube_id,\n"
    "                                time_start, time_end, split[, is_cc], in any order\n"
    "The split 'val' is what is published on: it is the split 'test', the test list has no part, and validation clips\n"
    "are cut from the training clips by video. With reported = \"test\" each split keeps its name. Rows without label\n"
    "are set aside.";

class KineticsSource final : public MediaSource {
 public:
  KineticsSource(const Parameters& parameters, std::int64_t classes)
      : root_(parameters.text("root")),
        lists_(KineticsLists::from(parameters)),
        class_list_(parameters.text("class_list")),
        classes_(classes) {
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage, {"a dataset of Kinetics needs to know where its files are", "[dataset]",
                                      kKineticsTree, "set root = \"folder\""});
    }
  }

  ClipList list() override {
    const std::vector<KineticsRow> rows = lists_.read(root_);
    const ClassNames classes = read_classes(rows);
    const auto count = static_cast<std::int64_t>(classes.names().size());
    if (classes_ > 0 && count != classes_) {
      throw Error(ErrorKind::kData, {fmt::format("the lists name {} classes, and not {}", count, classes_),
                                     root_.string(), "the lists of one version of Kinetics",
                                     "give all lists, or class_list = a file with one class a line"});
    }
    const MediaTree tree(root_, kKineticsTree);
    ClipList list;
    list.classes = classes.names();
    for (const KineticsRow& row : rows) {
      Clip clip = row.clip();
      if (!row.label.empty()) clip.label = classes.index(row.label, row.where);
      add_kinetics_clip(list, tree, std::move(clip));
    }
    require_some_clips(list, root_, kKineticsTree);
    return list;
  }

 private:
  [[nodiscard]] ClassNames read_classes(const std::vector<KineticsRow>& rows) const {
    if (!class_list_.empty()) return ClassNames(ClassList(class_list_).names());
    LabelTally labels;
    for (const KineticsRow& row : rows) {
      if (!row.label.empty()) labels.add(row.label, row.where);
    }
    return labels.classes(classes_ > 0 ? static_cast<std::size_t>(classes_) : std::numeric_limits<std::size_t>::max());
  }

  fs::path root_;
  KineticsLists lists_;
  fs::path class_list_;
  std::int64_t classes_;
};

std::vector<ParameterSpec> parameters_of_kinetics() {
  std::vector<ParameterSpec> parameters = KineticsLists::parameters();
  parameters.push_back(ParameterSpec::text(
      "class_list", "", "File with one class a line, in the order of their indices; empty: the labels, sorted."));
  return parameters;
}

constexpr const char* kSource =
    "Kay et al.: The Kinetics Human Action Video Dataset (arXiv 1705.06950) and its later versions; Google DeepMind; "
    "lists CC BY 4.0, the videos are their uploaders'";

const DatasetRegistration kKinetics400({
    .id = "kinetics400",
    .title = "Kinetics-400: ten seconds of YouTube videos, 400 actions",
    .source = kSource,
    .tree = kKineticsTree,
    .tested_on =
        "official annotation files (validation and test list); the training list on files made by the format's "
        "description",
    .made_here = false,
    .parameters = parameters_of_kinetics(),
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<KineticsSource>(parameters, 400);
    },
});

std::vector<ParameterSpec> parameters_of_any_kinetics() {
  std::vector<ParameterSpec> parameters = parameters_of_kinetics();
  parameters.push_back(ParameterSpec::integer(
      "classes", 0, 0, 100000, "How many classes the lists must name (600, 700); 0: as many as they do."));
  return parameters;
}

const DatasetRegistration kKinetics({
    .id = "kinetics",
    .title = "Kinetics of any version: ten seconds of YouTube videos",
    .source = kSource,
    .tree = kKineticsTree,
    .tested_on = "official annotation files (Kinetics-400 and Kinetics-600, validation lists)",
    .made_here = false,
    .parameters = parameters_of_any_kinetics(),
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<KineticsSource>(parameters, parameters.integer("classes"));
    },
});

}  // namespace

}  // namespace cmkd
