// The dataset "ucf101": 101 actions, three official splits. A clip's group is its source video, so that no cut of the
// training clips by group parts what one camera saw.
#include <fmt/format.h>

#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/annotation.h"
#include "parts/official_splits.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUcf101Tree =
    "root/UCF-101/<Class>/v_<Class>_gGG_cCC.avi    or root/<Class>/…; any media ending, letters of either case\n"
    "root/ucfTrainTestlist/classInd.txt            '1 ApplyEyeMakeup'\n"
    "root/ucfTrainTestlist/trainlist0{1,2,3}.txt   'ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1'\n"
    "root/ucfTrainTestlist/testlist0{1,2,3}.txt    the path alone, or with the label\n"
    "Group: <Class>_gGG, the source video. Many clips have no sound: 'cmkd datasets check' counts them.";
constexpr std::int64_t kUcf101Classes = 101;
constexpr const char* kUcf101RowForm = "<Class>/v_<Class>_gGG_cCC.avi <index of the class>";

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The set's classes, and their names in any letters.
struct UcfClasses {
  ClassNames names;
  ClassNames lower;

  explicit UcfClasses(const fs::path& file) {
    const AnnotationText text(file);
    std::map<std::int64_t, std::pair<std::string, std::string>> by_number;  // name, where
    for (const AnnotationLine& line : text.lines) {
      const std::string where = text.where(line);
      const std::string form = "<index from 1> <Class>";
      const auto [number, name] = split_at_last_space(line.text);
      if (name.empty()) fail_annotation(fmt::format("'{}' is not an index and a class", line.text), where, form);
      const auto [found, is_new] =
          by_number.emplace(whole_number(number, where, form), std::pair(std::string(name), where));
      if (!is_new) fail_annotation(fmt::format("index {} is given twice", number), where, form);
    }
    for (const auto& [number, entry] : by_number) {
      const auto& [name, where] = entry;
      const auto expected = static_cast<std::int64_t>(names.names().size()) + 1;
      if (number != expected) {
        fail_annotation(fmt::format("index {} stands where {} is expected", number, expected), where, "1, 2, 3, …");
      }
      if (number > kUcf101Classes) {
        fail_annotation(fmt::format("index {} is out of range", number), where, fmt::format("1 … {}", kUcf101Classes));
      }
      if (lower.find(lower_case(name))) fail_annotation(fmt::format("class '{}' is listed twice", name), where, "");
      names.add(name);
      lower.add(lower_case(name));
    }
  }
};

// "v_<Class>_gGG_cCC": the group's number, or nothing when the name is another.
std::optional<std::string> group_number(const std::string& stem, const std::string& class_name) {
  const std::string prefix = lower_case("v_" + class_name + "_g");
  if (!lower_case(stem).starts_with(prefix)) return std::nullopt;
  const std::string rest = stem.substr(prefix.size());
  const std::size_t gap = rest.find("_c");
  if (gap == std::string::npos || !is_digits(rest.substr(0, gap)) || !is_digits(rest.substr(gap + 2))) {
    return std::nullopt;
  }
  return rest.substr(0, gap);
}

Clip read_row(std::string_view text, const UcfClasses& classes, bool label_required, const std::string& where) {
  const auto [listed, label] = split_at_last_space(text);
  if (label_required && label.empty()) fail_annotation(fmt::format("'{}' has no label", text), where, kUcf101RowForm);
  const fs::path path{std::string(listed)};
  const std::optional<std::int64_t> index = classes.lower.find(lower_case(path.parent_path().string()));
  if (!index) {
    fail_annotation(fmt::format("the folder of '{}' is no class of classInd.txt", listed), where, kUcf101RowForm);
  }
  const std::string& class_name = classes.names.names()[static_cast<std::size_t>(*index)];
  if (!label.empty()) {
    const std::int64_t number = whole_number(label, where, kUcf101RowForm);
    const auto count = static_cast<std::int64_t>(classes.names.names().size());
    if (number < 1 || number > count) {
      fail_annotation(fmt::format("label {} is out of range", number), where, fmt::format("1 … {}", count));
    }
    if (number != *index + 1) {
      fail_annotation(fmt::format("label {} contradicts the folder of '{}'", number, listed), where,
                      fmt::format("{}, the index of {}", *index + 1, class_name));
    }
  }
  const std::optional<std::string> group = group_number(path.stem().string(), class_name);
  if (!group || path.extension() != ".avi")
    fail_annotation(fmt::format("'{}' does not name a clip of its folder", listed), where, kUcf101RowForm);
  Clip clip;
  clip.id = path.stem().string();
  clip.path = path;
  clip.label = *index;
  clip.group = fmt::format("{}_g{}", class_name, *group);
  return clip;
}

class Ucf101Source final : public MediaSource {
 public:
  explicit Ucf101Source(const Parameters& parameters)
      : root_(parameters.text("root")),
        lists_(parameters.text("annotations")),
        splits_(official_splits(parameters.text("split"))) {
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage, {"the dataset 'ucf101' needs to know where its files are", "[dataset]",
                                      kUcf101Tree, "set root = \"folder\" that holds UCF-101 and ucfTrainTestlist"});
    }
    if (lists_.empty()) lists_ = root_ / "ucfTrainTestlist";
  }

  ClipList list() override {
    const MediaTree tree(video_folder(), kUcf101Tree);
    const UcfClasses classes(lists_ / "classInd.txt");
    SplitRows rows(splits_);
    for (std::size_t k = 0; k < splits_.size(); ++k) {
      read_list(fmt::format("trainlist0{}.txt", splits_[k]), classes, k, "train", rows);
      read_list(fmt::format("testlist0{}.txt", splits_[k]), classes, k, "test", rows);
    }
    ClipList list;
    list.classes = classes.names.names();
    if (splits_.size() > 1) list.folds = splits_;
    for (Clip& clip : rows.take()) {
      const fs::path listed = clip.path;
      add_or_set_aside(list, std::move(clip), tree.find(listed), tree.root() / listed);
    }
    require_some_clips(list, tree.root(), kUcf101Tree);
    return list;
  }

 private:
  void read_list(const std::string& name, const UcfClasses& classes, std::size_t k, const std::string& role,
                 SplitRows& rows) const {
    const AnnotationText text(lists_ / name);
    for (const AnnotationLine& line : text.lines) {
      const std::string where = text.where(line);
      rows.add(read_row(line.text, classes, role == "train", where), k, role, where);
    }
  }

  [[nodiscard]] fs::path video_folder() const {
    if (!fs::is_directory(root_)) return root_;
    for (const auto& entry : fs::directory_iterator(root_)) {
      const std::string name = lower_case(entry.path().filename().string());
      if (entry.is_directory() && (name == "ucf-101" || name == "ucf101")) return entry.path();
    }
    return root_;
  }

  fs::path root_;
  fs::path lists_;
  std::vector<std::string> splits_;
};

const DatasetRegistration kUcf101Registration({
    .id = "ucf101",
    .title = "UCF101: 101 human actions from YouTube videos, three official splits",
    .source = "Soomro, Zamir, Shah: UCF101 (CRCV-TR-12-01, 2012); published by the Center for Research in Computer "
              "Vision, University of Central Florida; no licence is stated, the videos are their uploaders'",
    .tree = kUcf101Tree,
    .tested_on = "official annotation files",
    .made_here = false,
    .parameters = {ParameterSpec::text("root", "", "Folder of UCF-101 and ucfTrainTestlist, or of the classes."),
                   ParameterSpec::text("annotations", "",
                                       "Folder of classInd.txt and the lists; empty: root/ucfTrainTestlist."),
                   official_split_parameter()},
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<Ucf101Source>(parameters);
    },
    .folds = folds_of_splits,
});

}  // namespace

}  // namespace cmkd
