// The dataset "manifest" and the reading of its table.
#include "cmkd/readers/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/readers/csv.h"
#include "cmkd/readers/media_source.h"
#include "parts/annotation.h"
#include "parts/class_list.h"

namespace cmkd {

namespace {

const std::vector<std::string> kColumns = {"path", "label", "split", "start_s", "end_s", "group", "feature"};
constexpr const char* kTruthPrefix = "truth_";

// Which field of a row holds which column.
class Columns {
 public:
  explicit Columns(const CsvTable& table) : table_(table) {
    for (std::size_t k = 0; k < table.header.fields.size(); ++k) {
      const std::string& name = table.header.fields[k];
      if (!name.starts_with(kTruthPrefix) && std::ranges::find(kColumns, name) == kColumns.end()) {
        throw Error(ErrorKind::kData, {fmt::format("unknown column '{}'", name), table.where(table.header),
                                       join(kColumns) + ", truth_…", did_you_mean(name, kColumns)});
      }
      if (!index_.emplace(name, k).second) {
        throw Error(ErrorKind::kData, {.what = fmt::format("column '{}' stands twice in the header", name),
                                       .where = table.where(table.header)});
      }
    }
    for (const char* required : {"path", "label", "split"}) {
      if (index_.contains(required)) continue;
      throw Error(ErrorKind::kData, {.what = fmt::format("the header has no column '{}'", required),
                                     .where = table.where(table.header),
                                     .allowed = "path,label,split[,start_s,end_s,group,feature]"});
    }
  }

  // "" when the table has no such column. Throws Error(kData) for white space at either end: " a" is not the class "a".
  [[nodiscard]] std::string text(const CsvRow& row, const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) return "";
    const std::string& value = row.fields[found->second];
    if (has_outer_space(value)) {
      throw Error(ErrorKind::kData, {.what = fmt::format("the {} '{}' begins or ends with white space", name, value),
                                     .where = table_.where(row),
                                     .fix = "remove it"});
    }
    return value;
  }

  [[nodiscard]] std::string required(const CsvRow& row, const std::string& name) const {
    std::string value = text(row, name);
    if (value.empty())
      throw Error(ErrorKind::kData, {.what = fmt::format("the row has an empty {}", name), .where = table_.where(row)});
    return value;
  }

  [[nodiscard]] std::optional<double> seconds(const CsvRow& row, const std::string& name) const {
    const std::string value = text(row, name);
    if (value.empty()) return std::nullopt;
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() ||
        !(number >= 0 && number <= static_cast<double>(kLongestTime_s))) {
      throw Error(ErrorKind::kData, {.what = fmt::format("{} is '{}'", name, value),
                                     .where = table_.where(row),
                                     .allowed = fmt::format("seconds, 0 to {}", kLongestTime_s)});
    }
    return number;
  }

  [[nodiscard]] std::map<std::string, std::string> truth(const CsvRow& row) const {
    std::map<std::string, std::string> truth;
    for (const auto& [name, k] : index_) {
      if (name.starts_with(kTruthPrefix) && !row.fields[k].empty()) {
        truth[name.substr(std::string_view(kTruthPrefix).size())] = row.fields[k];
      }
    }
    return truth;
  }

 private:
  const CsvTable& table_;
  std::map<std::string, std::size_t> index_;
};

Clip read_clip(const CsvTable& table, const Columns& columns, const CsvRow& row, const std::filesystem::path& root) {
  Clip clip;
  const std::string path = columns.required(row, "path");
  clip.path = std::filesystem::path(path).is_absolute() ? std::filesystem::path(path) : root / path;
  clip.split = canonical_split(columns.required(row, "split"), table.where(row));
  const std::optional<double> start_s = columns.seconds(row, "start_s");
  clip.start_s = start_s.value_or(0);
  clip.end_s = columns.seconds(row, "end_s");
  if (clip.end_s && *clip.end_s <= clip.start_s) {
    throw Error(ErrorKind::kData, {.what = fmt::format("end_s {} is not after start_s {}", *clip.end_s, clip.start_s),
                                   .where = table.where(row)});
  }
  clip.id = path;
  if (start_s || clip.end_s) {
    clip.id += fmt::format("@{}-{}", to_text(clip.start_s), clip.end_s ? to_text(*clip.end_s) : std::string("end"));
  }
  clip.group = columns.text(row, "group");
  if (clip.group.empty()) clip.group = path;
  if (const std::string feature = columns.text(row, "feature"); !feature.empty()) clip.feature_path = root / feature;
  clip.truth = columns.truth(row);
  return clip;
}

}  // namespace

std::string canonical_split(const std::string& name, const std::string& where) {
  if (name == "val") return "validation";
  if (name == "train" || name == "validation" || name == "test") return name;
  throw Error(ErrorKind::kData, {fmt::format("unknown split '{}'", name), where, "train, validation (or val), test",
                                 did_you_mean(name, {"train", "validation", "test"})});
}

ClipList read_manifest(const std::filesystem::path& csv, const std::filesystem::path& root,
                       const std::filesystem::path& classes) {
  const CsvTable table = read_csv(csv);
  const Columns columns(table);
  const std::filesystem::path base = root.empty() ? csv.parent_path() : root;
  std::set<std::string> labels;
  for (const CsvRow& row : table.rows) labels.insert(columns.required(row, "label"));
  ClassList class_list = classes.empty() ? ClassList(labels) : ClassList(classes);
  ClipList list;
  std::map<std::string, std::int64_t> lines;
  for (const CsvRow& row : table.rows) {
    Clip clip = read_clip(table, columns, row, base);
    clip.label = class_list.index(columns.required(row, "label"), table.where(row));
    const auto [known, is_new] = lines.emplace(clip.id, row.line);
    if (!is_new) {
      throw Error(ErrorKind::kData,
                  {.what = fmt::format("clip '{}' is listed twice, first in line {}", clip.id, known->second),
                   .where = table.where(row),
                   .fix = "remove one of the rows, or give each its own start_s and end_s"});
    }
    list.clips.push_back(std::move(clip));
  }
  list.classes = class_list.names();
  set_missing_files_aside(list, csv.string());
  return list;
}

namespace {

class ManifestSource final : public MediaSource {
 public:
  explicit ManifestSource(const Parameters& parameters)
      : csv_(parameters.text("csv")),
        root_(parameters.text("root")),
        classes_(parameters.text("classes")),
        split_{parameters.number("test_share"), parameters.integer("split_seed")} {
    if (csv_.empty() && root_.empty()) {
      throw Error(
          ErrorKind::kUsage,
          {.what = "the dataset 'manifest' needs to know where its clips are",
           .where = "[dataset]",
           .fix = "set csv = \"clips.csv\" (path,label,split[,start_s,end_s,group,feature]), or root = \"folder\" "
                  "that holds a folder for each class"});
    }
  }

  ClipList list() override {
    return csv_.empty() ? read_class_folders(root_, classes_, split_) : read_manifest(csv_, root_, classes_);
  }

 private:
  std::filesystem::path csv_;
  std::filesystem::path root_;
  std::filesystem::path classes_;
  FolderSplit split_;
};

const DatasetRegistration kManifestRegistration({
    .id = "manifest",
    .title = "Your own clips, from a CSV or from a folder for each class",
    .source = "the user's",
    .tree =
        "clips.csv            path,label,split[,start_s,end_s,group,feature]; paths relative to the CSV or to `root`;\n"
        "                     feature: an array of the clip's sound, .npy or .pt\n"
        "or\n"
        "root/<split>/<class>/*   splits: train, validation (or val), test\n"
        "or\n"
        "root/<class>/*           split by seed: test_share of each class",
    .tested_on = "tables and folders that its tests make",
    .made_here = false,
    .parameters = {ParameterSpec::text("csv", "", "Table of the clips."),
                   ParameterSpec::text("root", "",
                                       "Folder to which the table's paths are relative, or the folder of the classes."),
                   ParameterSpec::text(
                       "classes", "",
                       "File with one class a line, in the order of their indices; empty: the labels, sorted."),
                   ParameterSpec::number("test_share", 0.25, 0.01, 0.99,
                                         "Share of each class that is tested on, where the folders name no split."),
                   ParameterSpec::integer("split_seed", 0, 0, 1e9, "Seed of that split.")},
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<ManifestSource>(parameters);
    },
});

}  // namespace

}  // namespace cmkd
