// Who learns from which clip: the roles of a dataset's clips in one cell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/core/random.h"
#include "cmkd/datasets/clip.h"

namespace cmkd {

struct SplitSettings {
  std::int64_t labelled = 0;               // labelled clips of the transfer set; 0: all
  std::string label_selection = "random";  // "random": blind to labels; "balanced": as many of each class as can be
  std::string label_draw = "per_seed";     // "per_seed", or "fixed": the same labelled clips for every seed
  std::int64_t validation_clips = 0;  // cut from the training split by group when the dataset lists no validation split
  std::string teacher_train =
      "disjoint";              // "disjoint": clips of their own; "same": the transfer clips, all labels known
  double teacher_share = 0.5;  // of the training split's clips, by group, for "disjoint"
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
