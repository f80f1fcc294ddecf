// Folders that are named as the classes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/core/random.h"
#include "cmkd/readers/manifest.h"
#include "parts/class_list.h"

namespace cmkd {

namespace {

bool names_a_split(const std::string& name) {
  return name == "train" || name == "validation" || name == "val" || name == "test";
}

// Sorted by name, without hidden entries.
std::vector<std::filesystem::path> children(const std::filesystem::path& folder, bool folders) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with('.')) continue;
    if (folders ? entry.is_directory() : entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

struct ClassFolder {
  std::filesystem::path path;
  std::string split;  // empty: by seed
};

std::vector<ClassFolder> find_class_folders(const std::filesystem::path& root) {
  const std::vector<std::filesystem::path> top = children(root, true);
  const bool by_split =
      std::ranges::any_of(top, [](const auto& path) { return names_a_split(path.filename().string()); });
  std::vector<ClassFolder> folders;
  for (const std::filesystem::path& path : top) {
    if (!by_split) {
      folders.push_back({path, ""});
      continue;
    }
    const std::string split = canonical_split(path.filename().string(), path.string());
    for (const std::filesystem::path& folder : children(path, true)) folders.push_back({folder, split});
  }
  if (folders.empty()) {
    throw Error(ErrorKind::kData, {.what = "the folder holds no class folder",
                                   .where = root.string(),
                                   .allowed = "root/<split>/<class>/* or root/<class>/*"});
  }
  return folders;
}

// The test clips of one class: the same whatever other classes there are.
std::vector<bool> draw_test(const std::string& class_name, std::size_t count, const FolderSplit& split) {
  std::vector<bool> test(count, false);
  if (count < 2) return test;
  const auto share = static_cast<std::size_t>(std::llround(split.test_share * static_cast<double>(count)));
  const std::size_t wanted = std::clamp<std::size_t>(share, 1, count - 1);
  RandomStream stream = RandomStreams("class folders", class_name, split.seed).stream("test");
  const std::vector<std::int64_t> order = stream.permutation(static_cast<std::int64_t>(count));
  for (std::size_t k = 0; k < wanted; ++k) test[static_cast<std::size_t>(order[k])] = true;
  return test;
}

}  // namespace

ClipList read_class_folders(const std::filesystem::path& root, const std::filesystem::path& classes,
                            const FolderSplit& split) {
  if (!std::filesystem::is_directory(root)) {
    throw Error(ErrorKind::kData, {.what = "this folder does not exist",
                                   .where = root.string(),
                                   .fix = "set root to the folder that holds the classes"});
  }
  const std::vector<ClassFolder> folders = find_class_folders(root);
  std::set<std::string> labels;
  for (const ClassFolder& folder : folders) labels.insert(folder.path.filename().string());
  const ClassList class_list = classes.empty() ? ClassList(labels) : ClassList(classes);
  ClipList list;
  for (const ClassFolder& folder : folders) {
    const std::string class_name = folder.path.filename().string();
    const std::vector<std::filesystem::path> files = children(folder.path, false);
    const std::vector<bool> test = draw_test(class_name, files.size(), split);
    for (std::size_t k = 0; k < files.size(); ++k) {
      Clip clip;
      clip.id = files[k].lexically_relative(root).generic_string();
      clip.path = files[k];
      clip.label = class_list.index(class_name, folder.path.string());
      clip.split = !folder.split.empty() ? folder.split : test[k] ? "test" : "train";
      clip.group = clip.id;
      list.clips.push_back(std::move(clip));
    }
  }
  if (list.clips.empty())
    throw Error(ErrorKind::kData, {.what = "the class folders hold no file", .where = root.string()});
  list.classes = class_list.names();
  return list;
}

}  // namespace cmkd
