// A user's own data: a table of files, or folders that are named as the classes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "cmkd/datasets/clip.h"

namespace cmkd {

// Reads `path,label,split[,start_s,end_s,group]`, columns in any order. Columns `truth_…` become Clip::truth. Paths are
// relative to `root`, or to the table's folder when `root` is empty. `classes` is a file with one class a line, in the
// order of their indices; empty: the labels that occur, sorted. Files that do not exist become `unusable`.
// Throws Error(kData) with file and line for all else, and when every file of a split is missing.
[[nodiscard]] ClipList read_manifest(const std::filesystem::path& csv, const std::filesystem::path& root = "",
                                     const std::filesystem::path& classes = "");

struct FolderSplit {
  double test_share = 0.25;  // of each class, where the folders name no split
  std::int64_t seed = 0;
};

// Reads root/<split>/<class>/<file>, or root/<class>/<file> with a seeded split.
[[nodiscard]] ClipList read_class_folders(const std::filesystem::path& root, const std::filesystem::path& classes = "",
                                          const FolderSplit& split = {});

// "train", "validation" (also "val") or "test"; throws Error(kData) with a suggestion.
[[nodiscard]] std::string canonical_split(const std::string& name, const std::string& where);

}  // namespace cmkd
