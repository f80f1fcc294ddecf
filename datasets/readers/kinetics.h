// The CSV lists of Kinetics, which Kinetics-Sounds shares.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"
#include "parts/annotation.h"
#include "parts/youtube.h"

namespace cmkd {

struct KineticsRow {
  std::string label;  // "" where the list has none
  YoutubePiece piece;
  std::string split;  // "train", "validation", "test": of this project
  std::string where;  // file and line

  // Without its label's index.
  [[nodiscard]] Clip clip() const;
};

// The rows of one CSV, by its header. `split` is the column's own ("train", "val", "validate", "test").
// Throws Error(kData) with file and line for a header without a needed column, a bad id, times or split.
[[nodiscard]] std::vector<KineticsRow> read_kinetics_csv(const std::filesystem::path& file);

// Which lists of a version are read, and which of them is reported on.
struct KineticsLists {
  std::filesystem::path train;
  std::filesystem::path validation;
  std::filesystem::path test;
  bool report_on_validation = true;

  [[nodiscard]] static std::vector<ParameterSpec> parameters();  // "root", "train_csv", …
  [[nodiscard]] static KineticsLists from(const Parameters& parameters);

  // Of the lists that are named, or else of those that are found in root and root/annotations. Throws Error(kData)
  // naming both rows when a piece is listed twice, or when there is no list.
  [[nodiscard]] std::vector<KineticsRow> read(const std::filesystem::path& root) const;
};

// Finds the clip's file by its id's name; a clip without label is set aside, as one without file is.
void add_kinetics_clip(ClipList& list, const MediaTree& tree, Clip clip);

}  // namespace cmkd
