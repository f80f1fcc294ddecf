// Several stores into one: what many machines have trained, in one leaderboard.
//
// Rows are compared by what must be reproducible. The same row twice is one; a row that contradicts the one that is
// there is refused, and then nothing of any source has entered. Not thread-safe towards the stores involved.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace cmkd::results {

struct MergeOptions {
  // Only these trainings, their evaluations, data sets and recipes, and the links to them. Empty: everything.
  std::set<std::string> trainings;
};

struct MergeReport {
  std::int64_t trainings = 0;  // new here, or done in the place of a failed one
  std::int64_t evaluations = 0;
  std::int64_t links = 0;
  std::int64_t artifacts = 0;     // files copied
  std::int64_t known = 0;         // trainings that were there already
  std::vector<std::string> kept;  // what was there and differs where it may; one line each, by source and key
};

// `into` is made when it is missing; large contents come along, each checked by its hash. All sources enter in one
// transaction. Throws Error(kData) naming key and field of every row that conflicts: a done training, evaluation or
// data set of other content, or a suite that wants another training for the same row and seed; Error(kUsage) when a
// source is `into` itself, is not there or is named twice. Measured values, environments, names and commands may
// differ: the first stays. A failed training gives way to a done one.
MergeReport merge_stores(const std::filesystem::path& into, const std::vector<std::filesystem::path>& from,
                         const MergeOptions& options = {});

}  // namespace cmkd::results
