// The canonical configurations whose hashes are keys: everything that a result depends on, and nothing else.
//
// A setting is in a key exactly when the result may depend on it (tests/harness/keys_test.cpp changes every setting in
// turn). Not in keys: names, titles and paths, what is only stored or shown, and the shared code, whose hash stands
// beside each result (provenance.h).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cmkd/core/parameters.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// Rises when shared code changes what a configuration computes, without a change of its text: old results are then not
// taken for new. tests/harness/golden_training_test.cpp tells when it must.
inline constexpr int kTrainingVersion = 2;
inline constexpr int kEvaluationVersion = 2;

// The clips of a cell.
struct CellData {
  std::string source_fingerprint;
  std::string fold;  // which of the dataset's folds; "" in a set of one
};

// The cell's teacher, judged on `split`.
[[nodiscard]] nlohmann::json teacher_config(const Suite& suite, const CellData& data, std::int64_t seed, Split split);
// What all methods of a cell share, with the suite's own budget.
[[nodiscard]] nlohmann::json cell_config(const Suite& suite, const CellData& data, std::int64_t seed);

struct MethodChoice {
  std::string id;
  std::string control;      // "", or of kControls
  Parameters parameters;    // of the method
  TrainingBudget budget;    // [training], with what a trial changes of it
  std::string teacher_key;  // "" when the method has no teacher
};
// One method of the cell whose configuration `cell` is.
[[nodiscard]] nlohmann::json method_config(const Suite& suite, const nlohmann::json& cell, const MethodChoice& method);

// How the suite's task judges the training `training_key` on `split`.
[[nodiscard]] nlohmann::json evaluation_config(const Suite& suite, const std::string& training_key, Split split);

// Keys sorted, numbers in shortest form, no white space.
[[nodiscard]] std::string canonical_json(const ParameterValues& values);
[[nodiscard]] std::string dataset_config_json(const Suite& suite);

}  // namespace cmkd
