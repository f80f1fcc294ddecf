// The dataset "kinetics_sounds": the classes of Kinetics-400 that can be seen and heard. By a published list of 32
// classes, or by the user's own list of classes, applied to the lists of Kinetics-400.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "kinetics.h"
#include "parts/annotation.h"
#include "parts/annotation_json.h"
#include "parts/class_list.h"
#include "parts/label_tally.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kKineticsSoundsTree =
    "root/…/<id>_<start>_<end>.avi      six digits each, anywhere below root (also in <class_name>/); any media "
    "ending\n"
    "root/xkd_train.json, xkd_val.json  or in the folder annotations: one JSON array of\n"
    "                                   'class_name/<id>_<start>_<end>.avi'; 32 classes, 22713 and 1593 clips\n"
    "or, with class_list = a file with one class a line: the lists of Kinetics-400 (as for kinetics400)\n"
    "The validation list is what is published on: it is the split 'test', and validation clips are cut from the\n"
    "training clips by video. Published numbers use 27 to 34 classes: state how many ('cmkd datasets check' does).";
constexpr std::size_t kPublishedClasses = 32;
constexpr const char* kKineticsSoundsForm = "class_name/<id>_<start>_<end>.avi";

// Lists of either origin write a class with spaces or with underscores.
std::string with_spaces(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

class KineticsSoundsSource final : public MediaSource {
 public:
  explicit KineticsSoundsSource(const Parameters& parameters)
      : root_(parameters.text("root")),
        annotations_(parameters.text("annotations")),
        class_list_(parameters.text("class_list")),
        lists_(KineticsLists::from(parameters)) {
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage, {"the dataset 'kinetics_sounds' needs to know where its files are", "[dataset]",
                                      kKineticsSoundsTree, "set root = \"folder\""});
    }
    if (annotations_.empty()) annotations_ = root_;
  }

  ClipList list() override {
    ClipList list;
    const std::vector<KineticsRow> rows = class_list_.empty() ? published_rows() : rows_of(chosen_classes());
    LabelTally labels;
    for (const KineticsRow& row : rows) labels.add(row.label, row.where);
    const ClassNames classes = labels.classes(class_list_.empty() ? kPublishedClasses : rows.size());
    list.classes = classes.names();
    const MediaTree tree(root_, kKineticsSoundsTree);
    for (const KineticsRow& row : rows) {
      Clip clip = row.clip();
      clip.label = classes.index(row.label, row.where);
      add_kinetics_clip(list, tree, std::move(clip));
    }
    require_some_clips(list, root_, kKineticsSoundsTree);
    return list;
  }

 private:
  [[nodiscard]] std::vector<KineticsRow> published_rows() const {
    std::vector<KineticsRow> rows;
    std::map<std::string, std::string> places;
    read_published("xkd_train.json", "train", places, rows);
    read_published("xkd_val.json", "test", places, rows);
    return rows;
  }

  void read_published(const std::string& name, const std::string& split, std::map<std::string, std::string>& places,
                      std::vector<KineticsRow>& rows) const {
    const fs::path file = annotations_ / name;
    const AnnotationJson document(file);
    std::size_t position = 0;
    for (const json& entry : json_array(document.value(), document.place(), kKineticsSoundsForm)) {
      const std::string where = document.place_of_item("", position++);
      const fs::path path = json_text(entry, where, kKineticsSoundsForm);
      const std::optional<YoutubePiece> piece = parse_youtube_piece(path.stem().string());
      const std::string class_name = path.parent_path().string();
      const bool one_folder = !class_name.empty() && class_name.find('/') == std::string::npos;
      if (!piece || !one_folder || path.extension() != ".avi") {
        fail_annotation(fmt::format("'{}' does not name a clip", path.string()), where, kKineticsSoundsForm);
      }
      const auto [known, is_new] = places.emplace(piece->name(), where);
      if (!is_new) {
        fail_annotation(fmt::format("the clip {} is listed twice, first in {}", known->first, known->second), where,
                        "each clip once");
      }
      rows.push_back({with_spaces(class_name), *piece, split, where});
    }
    if (position == 0) fail_annotation("the list holds no clip", document.place(), kKineticsSoundsForm);
  }

  [[nodiscard]] std::set<std::string> chosen_classes() const {
    std::set<std::string> chosen;
    const ClassList classes(class_list_);
    for (const std::string& name : classes.names()) chosen.insert(with_spaces(name));
    return chosen;
  }

  [[nodiscard]] std::vector<KineticsRow> rows_of(const std::set<std::string>& chosen) const {
    std::set<std::string> known;
    std::set<std::string> missing = chosen;
    std::vector<KineticsRow> rows;
    for (KineticsRow& row : lists_.read(root_)) {
      row.label = with_spaces(row.label);
      known.insert(row.label);
      if (!chosen.contains(row.label)) continue;
      missing.erase(row.label);
      rows.push_back(std::move(row));
    }
    if (!missing.empty()) {
      throw Error(ErrorKind::kData,
                  {fmt::format("no clip has the class '{}'", *missing.begin()), class_list_.string(),
                   fmt::format("the {} classes of the Kinetics lists", known.size()),
                   did_you_mean(*missing.begin(), std::vector<std::string>(known.begin(), known.end()))});
    }
    return rows;
  }

  fs::path root_;
  fs::path annotations_;
  fs::path class_list_;
  KineticsLists lists_;
};

std::vector<ParameterSpec> parameters_of_kinetics_sounds() {
  std::vector<ParameterSpec> parameters = KineticsLists::parameters();
  parameters.push_back(
      ParameterSpec::text("annotations", "", "Folder of xkd_train.json and xkd_val.json; empty: root."));
  parameters.push_back(ParameterSpec::text(
      "class_list", "", "File with one class of Kinetics-400 a line; empty: the published list of 32 classes."));
  return parameters;
}

const DatasetRegistration kKineticsSoundsRegistration({
    .id = "kinetics_sounds",
    .title = "Kinetics-Sounds: the classes of Kinetics-400 that can be seen and heard",
    .source = "Arandjelovic, Zisserman: Look, Listen and Learn (arXiv 1705.08168), who name 34 classes; the list of 32 "
              "classes is the one published with XKD (Sarkar, Etemad), no licence is known here; clips and labels: "
              "Kinetics-400 (Google DeepMind; lists CC BY 4.0)",
    .tree = kKineticsSoundsTree,
    .tested_on = "official annotation files (XKD's lists; own class lists on Kinetics-400's validation list)",
    .made_here = false,
    .parameters = parameters_of_kinetics_sounds(),
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<KineticsSoundsSource>(parameters);
    },
});

}  // namespace

}  // namespace cmkd
