// What the tests of readers of published sets share: a dataset opened by its parameters, trees of empty clips, official
// annotation files, and the counts of a list.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "cmkd/core/file.h"
#include "cmkd/datasets/clip.h"
#include "error_text.h"
#include "paths.h"

namespace cmkd::test {

inline std::unique_ptr<ClipSource> open_dataset(const std::string& id,
                                                const std::map<std::string, ParameterValue>& values) {
  const DatasetInfo& info = dataset_registry().get(id);
  Parameters parameters(info.parameters);
  for (const auto& [name, value] : values) parameters.set(name, value);
  return info.open(parameters);
}

inline ClipList list_dataset(const std::string& id, const std::map<std::string, ParameterValue>& values) {
  return open_dataset(id, values)->list();
}

inline std::string list_error(const std::string& id, const std::map<std::string, ParameterValue>& values) {
  return error_of([&] { (void)list_dataset(id, values); });
}

// A file with this text (empty by default), its folders made.
inline void put_file(const std::filesystem::path& file, const std::string& text = "") {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

inline std::map<std::string, int> clips_by_split(const ClipList& list) {
  std::map<std::string, int> counts;
  for (const Clip& clip : list.clips) ++counts[clip.split];
  return counts;
}

// The clips that are there and those set aside, as the annotations list them.
inline std::vector<Clip> all_listed(const ClipList& list) {
  std::vector<Clip> clips = list.clips;
  for (const ClipList::Unusable& unusable : list.unusable) clips.push_back(unusable.clip);
  return clips;
}

// Ids are unique, labels and tags are classes, tags ascend, and every clip has a group.
inline bool is_sound(const ClipList& list) {
  std::set<std::string> ids;
  const auto classes = static_cast<std::int64_t>(list.classes.size());
  const auto is_class = [&](std::int64_t k) { return k >= 0 && k < classes; };
  const auto check = [&](const Clip& clip) {
    const bool labelled = list.multi_label
                              ? clip.label == -1 && std::ranges::all_of(clip.tags, is_class) &&
                                    std::ranges::adjacent_find(clip.tags, std::greater_equal<>()) == clip.tags.end()
                              : clip.tags.empty() && is_class(clip.label);
    return ids.insert(clip.id).second && labelled && !clip.group.empty() && !clip.path.empty() &&
           clip.fold_splits.size() == list.folds.size() && clip.split.empty() == !list.folds.empty();
  };
  return std::ranges::all_of(list.clips, check) && std::ranges::all_of(list.unusable, [&](const auto& entry) {
           return check(entry.clip) && !entry.reason.empty();
         });
}

inline const Clip& clip_by_id(const ClipList& list, const std::string& id) {
  const auto found = std::ranges::find(list.clips, id, &Clip::id);
  REQUIRE(found != list.clips.end());
  return *found;
}

}  // namespace cmkd::test
