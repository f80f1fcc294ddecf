// The datasets ESC-50 and ESC-10: recordings of environmental sounds in five official folds.
#include <fmt/format.h>

#include <map>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/reader_parts.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFolds = 5;
constexpr std::int64_t kTargets = 50;
constexpr const char* kEsc50Tree =
    "root/meta/esc50.csv   filename,fold,target,category,esc10,src_file,take\n"
    "root/audio/<filename>   .wav, or any other ending (ESC-10 is published as .ogg)\n"
    "or\n"
    "root/esc10.csv        the same columns, of ESC-10 alone; subset = \"esc10\"\n"
    "root/audio/<filename>";

struct EscRow {
  std::string filename;
  std::int64_t fold = 0;
  std::int64_t target = 0;  // the class in ESC-50
  std::string category;
  std::string source;  // the recording at Freesound
  std::string where;
};

fs::path find_table(const Parameters& parameters, bool esc10) {
  const fs::path folder = annotation_folder(parameters);
  for (const char* name : {"meta/esc50.csv", "esc50.csv"}) {
    if (fs::is_regular_file(folder / name)) return folder / name;
  }
  if (esc10) return required_file(folder / "esc10.csv", kEsc50Tree, "or set annotations to the folder of esc50.csv");
  return required_file(folder / "meta/esc50.csv", kEsc50Tree, "set annotations to its folder");
}

bool true_or_false(const std::string& text, const std::string& where) {
  if (text == "True" || text == "False") return text == "True";
  fail_annotation(fmt::format("esc10 is '{}'", text), where, "True or False");
}

std::vector<EscRow> read_rows(const fs::path& file, bool esc10) {
  const CsvTable table = read_csv(file);
  const std::size_t filename = table.column("filename");
  const std::size_t fold = table.column("fold");
  const std::size_t target = table.column("target");
  const std::size_t category = table.column("category");
  const std::size_t in_esc10 = table.column("esc10");
  const std::size_t source = table.column("src_file");
  const std::size_t take = table.column("take");
  ListedOnce once;
  std::map<std::int64_t, std::string> names;
  std::map<std::string, std::int64_t> targets;
  std::vector<EscRow> rows;
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    EscRow entry{filled_field(table, row, filename, "filename"),
                 whole_number(row.fields[fold], where, "a fold, 1 to 5"),
                 whole_number(row.fields[target], where, "a target, from 0"),
                 filled_field(table, row, category, "category"),
                 filled_field(table, row, source, "src_file"),
                 where};
    (void)filled_field(table, row, take, "take");  // the last field: it is what a cut line loses
    once.add(entry.filename, where);
    if (entry.fold < 1 || entry.fold > kFolds)
      fail_annotation(fmt::format("the fold is {}", entry.fold), where, "a fold, 1 to 5");
    if (entry.target < 0 || entry.target >= kTargets)
      fail_annotation(fmt::format("the target is {}", entry.target), where, fmt::format("0 to {}", kTargets - 1));
    const auto& name = names.emplace(entry.target, entry.category).first->second;
    if (name != entry.category) {
      fail_annotation(fmt::format("target {} is '{}' here and '{}' above", entry.target, entry.category, name), where,
                      "one category for each target");
    }
    const std::int64_t known = targets.emplace(entry.category, entry.target).first->second;
    if (known != entry.target) {
      fail_annotation(
          fmt::format("category '{}' has the target {} here and {} above", entry.category, entry.target, known), where,
          "one target for each category");
    }
    if (true_or_false(row.fields[in_esc10], where) || !esc10) rows.push_back(std::move(entry));
  }
  return rows;
}

std::vector<std::string> esc_folds() {
  std::vector<std::string> folds;
  for (std::int64_t fold = 1; fold <= kFolds; ++fold) folds.push_back(fmt::format("{}", fold));
  return folds;
}

class EscSource final : public MediaSource {
 public:
  explicit EscSource(const Parameters& parameters)
      : root_(required_root(parameters, "esc50", kEsc50Tree)),
        esc10_(parameters.text("subset") == "esc10"),
        table_(find_table(parameters, esc10_)) {}

  ClipList list() override {
    const std::vector<EscRow> rows = read_rows(table_, esc10_);
    ClipList list;
    std::map<std::int64_t, std::string> categories;
    for (const EscRow& row : rows) categories.emplace(row.target, row.category);
    ClassNames classes;
    for (const auto& [target, category] : categories) classes.add(category);
    list.classes = classes.names();
    list.folds = esc_folds();
    const MediaTree files(root_, kEsc50Tree);
    for (const EscRow& row : rows) {
      Clip clip;
      clip.id = row.filename;
      clip.label = classes.index(row.category, row.where);
      clip.group = row.source;
      for (std::int64_t fold = 1; fold <= kFolds; ++fold)
        clip.fold_splits.emplace_back(row.fold == fold ? "test" : "train");
      const fs::path path = fs::path("audio") / row.filename;
      add_or_set_aside(list, std::move(clip), files.find(path), root_ / path);
    }
    require_some_clips(list, root_, kEsc50Tree);
    return list;
  }

 private:
  fs::path root_;
  bool esc10_;
  fs::path table_;
};

std::vector<ParameterSpec> esc50_parameters() {
  std::vector<ParameterSpec> specs = folder_parameters();
  specs.push_back(ParameterSpec::choice("subset", "esc50", {"esc50", "esc10"}, "All 50 classes, or ESC-10's ten."));
  return specs;
}

const DatasetRegistration kEsc50Registration({
    .id = "esc50",
    .title = "ESC-50 and ESC-10: environmental sounds, five folds",
    .source = "Piczak, 'ESC: Dataset for Environmental Sound Classification', ACM Multimedia 2015; recordings of "
              "freesound.org; ESC-50 CC BY-NC, ESC-10 CC BY 3.0. Sound only: set ingest.video = false",
    .tree = kEsc50Tree,
    .tested_on = "ESC-10: the official clips and their table; ESC-50: a table made by the format's description",
    .made_here = false,
    .parameters = esc50_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> { return std::make_unique<EscSource>(values); },
    .folds = [](const Parameters&) { return esc_folds(); },
});

}  // namespace

}  // namespace cmkd
