#include "vggsound_lists.h"

#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "label_tally.h"
#include "youtube.h"

namespace cmkd {

namespace fs = std::filesystem;

namespace {

constexpr double kSegmentSeconds = 10;
constexpr std::size_t kVggsoundListsClasses = 309;
constexpr std::size_t kStartDigits = 6;
constexpr const char* kClipForm = "<youtube id>_<start in seconds, six digits>";
constexpr const char* kShortRow = "<id>_<start>.mp4,label";

// `id,start,label,split`
void read_whole_list(const fs::path& file, std::vector<VggSoundRow>& rows) {
  const CsvTable table = read_csv_rows(file, {.header = false, .fields = 4, .row = "id,start,label,split"});
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    const std::string& split = row.fields[3];
    if (split != "train" && split != "test")
      fail_annotation(fmt::format("the split is '{}'", split), where, "train or test");
    const auto start = static_cast<double>(whole_seconds(row.fields[1], where, "the start in whole seconds"));
    rows.push_back({{youtube_id(filled_field(table, row, 0, "id"), where), start, start + kSegmentSeconds},
                    filled_field(table, row, 2, "label"),
                    split,
                    where});
  }
}

// `<id>_%06d.mp4,label`
void read_short_list(const fs::path& file, const std::string& split, std::vector<VggSoundRow>& rows) {
  const CsvTable table = read_csv_rows(file, {.header = false, .fields = 2, .row = kShortRow});
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    const std::string& name = row.fields[0];
    if (!name.ends_with(".mp4")) fail_annotation(fmt::format("'{}' names no clip", name), where, kShortRow);
    rows.push_back(
        {vggsound_segment(name.substr(0, name.size() - 4), where), filled_field(table, row, 1, "label"), split, where});
  }
}

}  // namespace

Segment vggsound_segment(const std::string& name, const std::string& where) {
  const std::size_t cut = name.rfind('_');
  const bool well_formed = cut != std::string::npos && cut > 0 && name.size() - cut - 1 == kStartDigits &&
                           name.find_first_not_of("0123456789", cut + 1) == std::string::npos;
  if (!well_formed) fail_annotation(fmt::format("'{}' names no clip", name), where, kClipForm);
  const auto start = static_cast<double>(whole_number(std::string_view(name).substr(cut + 1), where, kClipForm));
  return {youtube_id(std::string_view(name).substr(0, cut), where), start, start + kSegmentSeconds};
}

std::vector<ParameterSpec> vggsound_parameters() {
  return {
      ParameterSpec::text("train_list", "",
                          "A training list of your own, rows <id>_<start>.mp4,label, below annotations; it replaces "
                          "the training rows of vggsound.csv."),
      ParameterSpec::choice("class_order", "sorted", {"sorted", "stat"},
                            "How the classes are numbered: by name, which needs no further file and is the same for "
                            "VGGSound and VGGSounder, or in the order of stat.csv.")};
}

const std::vector<std::string>& vggsound_patterns() {
  static const std::vector<std::string> patterns = {"{id}_{start6}", "{id}_{start_ms}_{end_ms}"};
  return patterns;
}

std::vector<VggSoundRow> read_vggsound_training(const fs::path& annotations, const std::string& train_list) {
  std::vector<VggSoundRow> rows;
  if (!train_list.empty()) {
    read_short_list(required_file(annotations / train_list, kShortRow, "correct train_list"), "train", rows);
  } else if (fs::is_regular_file(annotations / "vggsound.csv")) {
    read_whole_list(annotations / "vggsound.csv", rows);
    std::erase_if(rows, [](const VggSoundRow& row) { return row.split != "train"; });
  }
  return rows;
}

std::vector<VggSoundRow> read_vggsound(const fs::path& annotations, const std::string& train_list) {
  std::vector<VggSoundRow> rows;
  if (fs::is_regular_file(annotations / "vggsound.csv")) {
    read_whole_list(annotations / "vggsound.csv", rows);
    if (!train_list.empty()) std::erase_if(rows, [](const VggSoundRow& row) { return row.split == "train"; });
  } else {
    const fs::path test = required_file(annotations / "test.csv", "vggsound.csv (id,start,label,split) or test.csv",
                                        "set annotations to the folder of VGGSound's lists");
    read_short_list(test, "test", rows);
  }
  if (!train_list.empty()) {
    for (VggSoundRow& row : read_vggsound_training(annotations, train_list)) rows.push_back(std::move(row));
  }
  ListedOnce once;
  for (const VggSoundRow& row : rows) once.add(row.id(), row.where);
  return rows;
}

ClassNames vggsound_classes(const std::vector<VggSoundRow>& rows, const std::string& class_order,
                            const fs::path& stat) {
  ClassNames classes;
  if (class_order == "sorted") {
    // The test list holds every class: a training list that names another has a mistake in it.
    const bool has_test = std::ranges::any_of(rows, [](const VggSoundRow& row) { return row.split == "test"; });
    LabelTally labels;
    for (const VggSoundRow& row : rows) {
      if (row.split == "test" || !has_test) labels.add(row.label, row.where);
    }
    return labels.classes(kVggsoundListsClasses);
  }
  const CsvTable table = read_csv_rows(required_file(stat, "a class in each row", "or set class_order = \"sorted\""),
                                       {.header = false, .fields = 3, .row = "class,clips,group"});
  for (const CsvRow& row : table.rows) {
    const std::string& name = filled_field(table, row, 0, "class");
    if (classes.find(name))
      fail_annotation("class '" + name + "' is listed twice", table.where(row), "each class once");
    classes.add(name);
  }
  return classes;
}

}  // namespace cmkd
