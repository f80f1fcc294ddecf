// Who learns from which clip: the roles of a dataset's clips in one cell.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/core/random.h"
#include "cmkd/datasets/clip.h"

namespace cmkd {

// Clips by what they are for, as datasets, keys and results name it.
enum class Split { kTrain, kValidation, kTest };
constexpr auto enum_names(Split) noexcept {
  return std::to_array<EnumName<Split>>(
      {{Split::kTrain, "train"}, {Split::kValidation, "validation"}, {Split::kTest, "test"}});
}

enum class LabelSelection {
  kRandom,    // blind to labels
  kBalanced,  // as many of each class as can be
};
constexpr auto enum_names(LabelSelection) noexcept {
  return std::to_array<EnumName<LabelSelection>>(
      {{LabelSelection::kRandom, "random"}, {LabelSelection::kBalanced, "balanced"}});
}

enum class LabelDraw {
  kPerSeed,
  kFixed,  // the same labelled clips for every seed
};
constexpr auto enum_names(LabelDraw) noexcept {
  return std::to_array<EnumName<LabelDraw>>({{LabelDraw::kPerSeed, "per_seed"}, {LabelDraw::kFixed, "fixed"}});
}

enum class TeacherTrain {
  kDisjoint,  // clips of the teacher's own
  kSame,      // the transfer clips, all labels known
};
constexpr auto enum_names(TeacherTrain) noexcept {
  return std::to_array<EnumName<TeacherTrain>>({{TeacherTrain::kDisjoint, "disjoint"}, {TeacherTrain::kSame, "same"}});
}

struct SplitSettings {
  std::int64_t labelled = 0;  // labelled clips of the transfer set; 0: all
  LabelSelection label_selection = LabelSelection::kRandom;
  LabelDraw label_draw = LabelDraw::kPerSeed;
  std::int64_t validation_clips = 0;  // cut from the training split by group when the dataset lists no validation split
  TeacherTrain teacher_train = TeacherTrain::kDisjoint;
  double teacher_share = 0.5;  // of the training split's clips, by group, for kDisjoint
};

// Positions in the clip list, each list ascending. `labelled` is a subset of `transfer`.
struct Roles {
  std::vector<std::int64_t> teacher;     // the teacher trains on these, with their labels
  std::vector<std::int64_t> transfer;    // the student trains on these
  std::vector<std::int64_t> labelled;    // of which these labels are known
  std::vector<std::int64_t> validation;  // epochs and weights are chosen here
  std::vector<std::int64_t> test;        // reported on, touched once
};

// Cuts the training split by group: a group has one role. `usable[i]` is false for clips without data: they have no
// role. The cut depends on the dataset's name only, the labelled clips on the seed too (label_draw). `fold` names one
// of ClipList::folds in a set that has them, and is empty in others. Throws Error(kUsage) when a role that is asked for
// would be empty, when `labelled` exceeds the transfer clips, for a fold that the set does not
// have, and for a balanced draw of a multi-label set.
[[nodiscard]] Roles assign_roles(const ClipList& list, const std::vector<bool>& usable, const SplitSettings& settings,
                                 const std::string& dataset, std::int64_t seed, const std::string& fold = "");

}  // namespace cmkd
