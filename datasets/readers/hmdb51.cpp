// The dataset "hmdb51": 51 actions, mostly from films, three official splits with clips that are in none.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/annotation.h"
#include "parts/official_splits.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHmdb51Tree =
    "root/<class>/<name>.avi                                  any media ending; or root/hmdb51/<class>/…\n"
    "root/testTrainMulti_7030_splits/<class>_test_split1.txt  and 2, 3: '<name>.avi <0|1|2>' (unused, train, test);\n"
    "                                                         names hold spaces and symbols\n"
    "70 training and 30 test clips of each class and split. Group: the source video with the class, as the official\n"
    "splits part them. Mostly silent: 'cmkd datasets check' counts the clips that have no sound.";
constexpr const char* kHmdb51RowForm = "<name>.avi <0 unused, 1 train, 2 test>";
constexpr const char* kListFolder = "testTrainMulti_7030_splits";

// The files of one class, by split: "<class>_test_split<k>.txt".
using ClassFiles = std::map<std::string, std::map<std::string, fs::path>>;

ClassFiles find_lists(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorKind::kData,
                {"the folder of the split files is not there", folder.string(), kHmdb51Tree, "set annotations to it"});
  }
  constexpr std::string_view kMark = "_test_split";
  ClassFiles files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    const std::size_t mark = stem.rfind(kMark);
    if (entry.path().extension() != ".txt" || mark == std::string::npos || mark == 0) continue;
    files[stem.substr(0, mark)][stem.substr(mark + kMark.size())] = entry.path();
  }
  if (files.empty()) {
    throw Error(
        ErrorKind::kData,
        {.what = "the folder holds no split file", .where = folder.string(), .allowed = "<class>_test_split1.txt"});
  }
  return files;
}

// "<source>_<class>_<body part>_<camera>_np<people>_<view>_<quality>_<number>": what stands before the class; the whole
// name when it has another form, so that the clip is a group of its own.
std::string source_of(const std::string& name, const std::string& class_name) {
  std::size_t end = name.size();
  for (int field = 0; field < 6; ++field) {
    end = end == 0 ? std::string::npos : name.rfind('_', end - 1);
    if (end == std::string::npos) return name;
  }
  const std::string tail = "_" + class_name;
  const std::string_view head = std::string_view(name).substr(0, end);
  return head.size() > tail.size() && head.ends_with(tail) ? std::string(head.substr(0, head.size() - tail.size()))
                                                           : name;
}

class Hmdb51Source final : public MediaSource {
 public:
  explicit Hmdb51Source(const Parameters& parameters)
      : root_(parameters.text("root")),
        lists_(parameters.text("annotations")),
        splits_(official_splits(parameters.text("split"))) {
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage,
                  {"the dataset 'hmdb51' needs to know where its files are", "[dataset]", kHmdb51Tree,
                   fmt::format("set root = \"folder\" of the classes and of {}", kListFolder)});
    }
    if (lists_.empty()) lists_ = root_ / kListFolder;
  }

  ClipList list() override {
    const ClassFiles files = find_lists(lists_);
    ClassNames classes;
    for (const auto& [name, unused] : files) classes.add(name);
    SplitRows rows(splits_);
    for (std::size_t k = 0; k < splits_.size(); ++k) {
      for (const auto& [class_name, by_split] : files) {
        const auto file = by_split.find(splits_[k]);
        if (file == by_split.end()) {
          throw Error(ErrorKind::kData,
                      {.what = fmt::format("the class '{}' has no file of split {}", class_name, splits_[k]),
                       .where = lists_.string(),
                       .allowed = fmt::format("{}_test_split{}.txt", class_name, splits_[k])});
        }
        read_list(file->second, class_name, classes, k, rows);
      }
    }
    const MediaTree tree(fs::is_directory(root_ / "hmdb51") ? root_ / "hmdb51" : root_, kHmdb51Tree);
    ClipList list;
    list.classes = classes.names();
    if (splits_.size() > 1) list.folds = splits_;
    for (Clip& clip : rows.take()) {
      const fs::path listed = clip.path;
      add_or_set_aside(list, std::move(clip), tree.find(listed), tree.root() / listed);
    }
    require_some_clips(list, tree.root(), kHmdb51Tree);
    return list;
  }

 private:
  static void read_list(const fs::path& file, const std::string& class_name, const ClassNames& classes, std::size_t k,
                        SplitRows& rows) {
    const AnnotationText text(file);
    for (const AnnotationLine& line : text.lines) {
      const std::string where = text.where(line);
      const auto [name, mark] = split_at_last_space(line.text);
      if (mark != "0" && mark != "1" && mark != "2") {
        fail_annotation(fmt::format("'{}' does not end in 0, 1 or 2", line.text), where, kHmdb51RowForm);
      }
      const fs::path path = fs::path(class_name) / std::string(name);
      // Names may hold nearly everything, but not the end of another row.
      if (path.extension() != ".avi" || path.stem().string().find(".avi ") != std::string::npos)
        fail_annotation(fmt::format("'{}' names no clip", name), where, kHmdb51RowForm);
      if (path.parent_path() != class_name) fail_annotation("the name holds a folder", where, kHmdb51RowForm);
      Clip clip;
      // With its class: the same piece of a film may be in two of them.
      clip.id = (fs::path(class_name) / path.stem()).string();
      clip.path = path;
      clip.label = classes.index(class_name, where);
      clip.group = class_name + "/" + source_of(path.stem().string(), class_name);
      constexpr const char* kRoles[] = {"", "train", "test"};
      rows.add(clip, k, kRoles[mark[0] - '0'], where);
    }
  }

  fs::path root_;
  fs::path lists_;
  std::vector<std::string> splits_;
};

const DatasetRegistration kHmdb51Registration({
    .id = "hmdb51",
    .title = "HMDB51: 51 human actions from films and web videos, three official splits",
    .source = "Kuehne, Jhuang, Garrote, Poggio, Serre: HMDB (ICCV 2011); published by the Serre Lab, Brown University; "
              "CC BY 4.0, the videos are their owners'",
    .tree = kHmdb51Tree,
    .tested_on =
        "files made by the format's description; clip names and classes of a list derived from official split 1",
    .made_here = false,
    .parameters = {ParameterSpec::text("root", "", "Folder of the classes, and of the split files."),
                   ParameterSpec::text("annotations", "",
                                       "Folder of the split files; empty: root/testTrainMulti_7030_splits."),
                   official_split_parameter()},
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<Hmdb51Source>(parameters);
    },
    .folds = folds_of_splits,
});

}  // namespace

}  // namespace cmkd
