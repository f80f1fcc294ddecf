#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/readers/csv.h"
#include "kinetics.h"
#include "parts/reader_parts.h"

namespace cmkd {

namespace fs = std::filesystem;

namespace {

constexpr const char* kKineticsCsvForm = "[label,]youtube_id,time_start,time_end,split[,is_cc]";

std::optional<std::size_t> column(const CsvTable& table, const char* name) {
  const auto found = std::ranges::find(table.header.fields, name);
  if (found == table.header.fields.end()) return std::nullopt;
  return static_cast<std::size_t>(found - table.header.fields.begin());
}

std::size_t required_column(const CsvTable& table, const char* name) {
  if (const auto found = column(table, name)) return *found;
  fail_annotation(fmt::format("the header has no column '{}'", name), table.where(table.header), kKineticsCsvForm);
}

std::string kinetics_split_of(const std::string& name, const std::string& where) {
  if (name == "train" || name == "test") return name;
  if (name == "val" || name == "validate" || name == "validation") return "validation";
  fail_annotation(fmt::format("unknown split '{}'", name), where, "train, val, test");
}

// The file of one of these names in one of these folders; nothing when there is none.
fs::path find_list(const fs::path& root, std::initializer_list<const char*> endings) {
  for (const fs::path& folder : {root, root / "annotations"}) {
    if (!fs::is_directory(folder)) continue;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = lower_case(entry.path().filename().string());
      const bool known = std::ranges::any_of(endings, [&](const char* ending) {
        return name == ending || (name.starts_with("kinetics") && name.ends_with(std::string("_") + ending));
      });
      if (known && entry.is_regular_file()) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    if (found.size() > 1) {
      throw Error(ErrorKind::kData, {.what = fmt::format("'{}' and '{}' may both be the list of a split",
                                                         found[0].filename().string(), found[1].filename().string()),
                                     .where = folder.string(),
                                     .fix = "name the lists: train_csv, validation_csv, test_csv"});
    }
    if (!found.empty()) return found.front();
  }
  return {};
}

}  // namespace

Clip KineticsRow::clip() const {
  Clip clip;
  clip.id = piece.name();
  clip.split = split;
  clip.group = piece.id;
  clip.youtube_id = piece.id;
  return clip;
}

std::vector<KineticsRow> read_kinetics_csv(const fs::path& file) {
  const CsvTable table = read_csv(file);
  const std::optional<std::size_t> label = column(table, "label");
  const std::optional<std::size_t> is_cc = column(table, "is_cc");
  const std::size_t id = required_column(table, "youtube_id");
  const std::size_t start = required_column(table, "time_start");
  const std::size_t end = required_column(table, "time_end");
  const std::size_t split = required_column(table, "split");
  std::vector<KineticsRow> rows;
  rows.reserve(table.rows.size());
  for (const CsvRow& fields : table.rows) {
    KineticsRow row;
    row.where = table.where(fields);
    row.piece = {youtube_id(fields.fields[id], row.where),
                 whole_seconds(fields.fields[start], row.where, kKineticsCsvForm),
                 whole_seconds(fields.fields[end], row.where, kKineticsCsvForm)};
    if (row.piece.end_s <= row.piece.start_s) {
      fail_annotation(fmt::format("time_end {} is not after time_start {}", row.piece.end_s, row.piece.start_s),
                      row.where, "whole seconds from 0");
    }
    row.split = kinetics_split_of(fields.fields[split], row.where);
    if (label) row.label = filled_field(table, fields, *label, "label");
    if (is_cc && fields.fields[*is_cc] != "0" && fields.fields[*is_cc] != "1")
      fail_annotation(fmt::format("is_cc is '{}'", fields.fields[*is_cc]), row.where, "0 or 1");
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<ParameterSpec> KineticsLists::parameters() {
  return {ParameterSpec::text("root", "", "Folder below which the clips lie."),
          ParameterSpec::text("train_csv", "", "Training list; with no list given: those found in root."),
          ParameterSpec::text("validation_csv", "", "Validation list; likewise."),
          ParameterSpec::text("test_csv", "", "Test list; likewise."),
          ParameterSpec::choice("reported", "validation", {"validation", "test"},
                                "The official split that is reported on.")};
}

KineticsLists KineticsLists::from(const Parameters& parameters) {
  return {parameters.text("train_csv"), parameters.text("validation_csv"), parameters.text("test_csv"),
          parameters.text("reported") == "validation"};
}

std::vector<KineticsRow> KineticsLists::read(const fs::path& root) const {
  std::array<fs::path, 3> files = {train, validation, test};
  if (train.empty() && validation.empty() && test.empty()) {
    files = {find_list(root, {"train.csv"}), find_list(root, {"val.csv", "validate.csv", "validation.csv"}),
             find_list(root, {"test.csv"})};
  }
  std::vector<KineticsRow> rows;
  std::map<std::string, std::string> places;
  for (const fs::path& file : files) {
    if (file.empty()) continue;
    for (KineticsRow& row : read_kinetics_csv(file)) {
      const auto [known, is_new] = places.emplace(row.piece.name(), row.where);
      if (!is_new) {
        fail_annotation(fmt::format("the clip {} is listed twice, first in {}", known->first, known->second), row.where,
                        "each clip once");
      }
      if (report_on_validation && row.split != "train") {
        // The official test labels are withheld, or were published late: nobody reports on them.
        if (row.split == "test") continue;
        row.split = "test";
      }
      rows.push_back(std::move(row));
    }
  }
  if (places.empty()) {
    throw Error(ErrorKind::kData, {"no list of clips is there", root.string(), "train.csv, val.csv, test.csv",
                                   "set train_csv and validation_csv to the files"});
  }
  return rows;
}

void add_kinetics_clip(ClipList& list, const MediaTree& tree, Clip clip) {
  const std::string id = clip.id;
  const fs::path looked_for = tree.root() / (id + ".mp4");
  if (clip.label < 0) {
    clip.path = tree.find_stem(id).value_or(looked_for);
    list.unusable.push_back({std::move(clip), "no label: the list has none"});
    return;
  }
  add_or_set_aside(list, std::move(clip), tree.find_stem(id), looked_for);
}

}  // namespace cmkd
