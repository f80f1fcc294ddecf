// Results of another program: its outputs for the clips of a suite, checked against these, and judged by the code that
// judges our own.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/results/records.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// Per-clip outputs as a file has them.
struct OutputsFile {
  std::filesystem::path path;
  std::string content_hash;
  std::vector<std::string> clips;    // [N]
  std::vector<std::string> columns;  // [width] names; empty where the format has none
  std::int64_t width = 0;
  std::vector<float> values;  // [N, width]
};

// CSV: a column "clip" and a column for each class (its name or index) or each number of an embedding. NPZ: "clips"
// [N] and "scores" or "embeddings" [N, width], and maybe "columns" [width]. NPY: the values, with the clips in
// `clips_file`, one a line. Throws Error(kData) for what is not so, with line or entry.
[[nodiscard]] OutputsFile read_outputs_file(const std::filesystem::path& path,
                                            const std::filesystem::path& clips_file = {});

enum class OutputValues { kProbabilities, kLogits };
constexpr auto enum_names(OutputValues) noexcept {
  return std::to_array<EnumName<OutputValues>>(
      {{OutputValues::kProbabilities, "probabilities"}, {OutputValues::kLogits, "logits"}});
}

struct ImportRequest {
  std::string name;  // of the row; none of this program's methods
  std::int64_t seed = 0;
  std::string fold;                                    // which of the dataset's folds; "" in a set of one
  std::string model;                                   // shown; may be ""
  OutputValues values = OutputValues::kProbabilities;  // logits go through softmax, or sigmoid where clips have tags
};

// The clips that a result of this suite is over, in order, without scores: the test clips, and in retrieval the gallery
// behind them (`queries` says where it begins).
[[nodiscard]] results::ClipOutputs clips_to_import(const Suite& suite, const SuiteData& data,
                                                   const ImportRequest& request);

struct ImportedRow {
  results::TrainingRecord training;  // without fingerprints: it pairs with nobody
  results::EvaluationRecord evaluation;
  results::SuiteLink link;  // of role kExternal
};

// `suite` is the suite itself or one variant of its sweep, `whole` the suite. Throws Error(kData) that names clips
// which are missing, doubled or unknown, a width that is not the classes', values that are not finite or no
// probabilities; Error(kUsage) for a name that is one of this program's methods.
[[nodiscard]] ImportedRow import_outputs(const Suite& whole, const Suite& suite, const SuiteData& data,
                                         const OutputsFile& file, const ImportRequest& request);

}  // namespace cmkd
