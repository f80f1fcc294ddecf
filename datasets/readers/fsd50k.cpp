// The dataset FSD50K: sounds of Freesound with any number of 200 classes.
#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/reader_parts.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFsd50kTree =
    "root/FSD50K.ground_truth/dev.csv          fname,labels,mids,split (train or val)\n"
    "root/FSD50K.ground_truth/eval.csv         fname,labels,mids\n"
    "root/FSD50K.ground_truth/vocabulary.csv   index,label,mid (no header)\n"
    "root/FSD50K.dev_audio/<fname>.wav, or any other ending\n"
    "root/FSD50K.eval_audio/<fname>.wav, or any other ending";

struct Vocabulary {
  ClassNames labels;
  std::vector<std::string> mids;  // in the same order
};

Vocabulary read_vocabulary(const fs::path& file) {
  const CsvTable table = read_csv_rows(required_file(file, kFsd50kTree, "set annotations to FSD50K.ground_truth"),
                                       {.header = false, .fields = 3, .row = "index,label,mid"});
  Vocabulary vocabulary;
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    const auto expected = static_cast<std::int64_t>(vocabulary.mids.size());
    if (whole_number(row.fields[0], where, "an index") != expected)
      fail_annotation("the index is " + row.fields[0], where, fmt::format("{}, in ascending order", expected));
    if (vocabulary.labels.find(filled_field(table, row, 1, "label")))
      fail_annotation("class '" + row.fields[1] + "' is listed twice", where, "each class once");
    vocabulary.labels.add(row.fields[1]);
    vocabulary.mids.push_back(filled_field(table, row, 2, "mid"));
  }
  return vocabulary;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items(1);
  for (const char c : text) {
    if (c == ',') {
      items.emplace_back();
    } else {
      items.back() += c;
    }
  }
  return items;
}

// The labels and their identifiers are two lists in the same order, which must agree.
std::vector<std::int64_t> read_fsd50k_tags(const std::string& labels, const std::string& mids,
                                           const Vocabulary& vocabulary, const std::string& where) {
  const std::vector<std::string> names = split_list(labels);
  const std::vector<std::string> identifiers = split_list(mids);
  if (names.size() != identifiers.size()) {
    fail_annotation(fmt::format("the row has {} labels and {} mids", names.size(), identifiers.size()), where,
                    "one mid for each label");
  }
  std::vector<std::int64_t> tags;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const std::int64_t tag = vocabulary.labels.index(names[k], where);
    const std::string& mid = vocabulary.mids[static_cast<std::size_t>(tag)];
    if (mid != identifiers[k]) {
      fail_annotation(fmt::format("label '{}' has the mid '{}'", names[k], identifiers[k]), where,
                      fmt::format("'{}', as the vocabulary has it", mid));
    }
    tags.push_back(tag);
  }
  std::ranges::sort(tags);
  if (std::ranges::adjacent_find(tags) != tags.end())
    fail_annotation("a label stands twice in the row", where, "each label once");
  return tags;
}

class Fsd50kSource final : public MediaSource {
 public:
  explicit Fsd50kSource(const Parameters& parameters)
      : root_(required_root(parameters, "fsd50k", kFsd50kTree)),
        annotations_(parameters.text("annotations").empty() ? root_ / "FSD50K.ground_truth"
                                                            : fs::path(parameters.text("annotations"))) {}

  ClipList list() override {
    const Vocabulary vocabulary = read_vocabulary(annotations_ / "vocabulary.csv");
    const MediaTree files(root_, kFsd50kTree);
    ClipList list;
    list.classes = vocabulary.labels.names();
    list.multi_label = true;
    ListedOnce once;
    add(list, files, vocabulary, "dev", once);
    add(list, files, vocabulary, "eval", once);
    require_some_clips(list, root_, kFsd50kTree);
    return list;
  }

 private:
  void add(ClipList& list, const MediaTree& files, const Vocabulary& vocabulary, const std::string& part,
           ListedOnce& once) const {
    const CsvTable table =
        read_csv(required_file(annotations_ / (part + ".csv"), kFsd50kTree, "set annotations to its folder"));
    const std::size_t fname = table.column("fname");
    const std::size_t labels = table.column("labels");
    const std::size_t mids = table.column("mids");
    const std::size_t split = part == "dev" ? table.column("split") : 0;
    for (const CsvRow& row : table.rows) {
      const std::string where = table.where(row);
      Clip clip;
      clip.id = filled_field(table, row, fname, "fname");
      if (clip.id.find_first_not_of("0123456789") != std::string::npos)
        fail_annotation(fmt::format("fname is '{}'", clip.id), where, "a number, the clip's at Freesound");
      once.add(clip.id, where);
      clip.group = clip.id;
      clip.tags = read_fsd50k_tags(filled_field(table, row, labels, "labels"), row.fields[mids], vocabulary, where);
      clip.split = "test";
      if (part == "dev") {
        const std::string& name = row.fields[split];
        if (name != "train" && name != "val")
          fail_annotation(fmt::format("the split is '{}'", name), where, "train or val");
        clip.split = name == "val" ? "validation" : name;
      }
      const fs::path path = fs::path("FSD50K." + part + "_audio") / (clip.id + ".wav");
      add_or_set_aside(list, std::move(clip), files.find(path), root_ / path);
    }
  }

  fs::path root_;
  fs::path annotations_;
};

const DatasetRegistration kFsd50kRegistration({
    .id = "fsd50k",
    .title = "FSD50K: sounds of Freesound with 200 classes",
    .source =
        "Fonseca et al., 'FSD50K: An Open Dataset of Human-Labeled Sound Events', IEEE/ACM TASLP 2022; the tables "
        "are CC BY 4.0, each clip has a Creative Commons licence of its own. Sound only: set ingest.video = "
        "false. Clips of one uploader are kept in one split by its owners; the uploaders are not in these tables",
    .tree = kFsd50kTree,
    .tested_on = "files made by the format's description",
    .made_here = false,
    .parameters = {ParameterSpec::text("root", "", "Folder of the clips' folders."),
                   ParameterSpec::text("annotations", "", "Folder of the tables; empty: root/FSD50K.ground_truth.")},
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> {
      return std::make_unique<Fsd50kSource>(values);
    },
});

}  // namespace

}  // namespace cmkd
