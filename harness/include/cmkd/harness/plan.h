// What a suite wants, as trainings and evaluations with keys: nothing is run to make a plan.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/results/records.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// By what a training is judged.
struct PlannedEvaluation {
  std::string key;     // hash of `config`
  std::string config;  // canonical JSON: the training, and everything that judges it
  std::string judge;   // hash of the same without the training: teacher and students that one judge judges have it
  std::int64_t variant = -1;  // of the suite's sweep, whose settings judge; −1: none
};

struct PlannedTraining {
  std::string key;     // hash of `config`
  std::string config;  // canonical JSON: everything that the result depends on, and nothing else
  std::string cell_key;
  std::vector<PlannedEvaluation> evaluations;  // at least one; more where a sweep changes only what judges
  std::string method;
  std::string control;
  std::string label;  // "kd", "kd (shuffled-teacher)"
  std::int64_t seed = 0;
  std::string teacher_key;         // "" when the method has no teacher
  bool is_teacher = false;         // the cell's teacher itself
  std::string weights_hash;        // of the file that its model starts from; "": random weights
  std::string other_weights_hash;  // of the other modality's, where a method trains both; same
  Parameters parameters;
  TrainingBudget budget;       // [training] or [teacher.training], with what a trial changes of it
  Split split = Split::kTest;  // the clips that judge it: kValidation for a trial
  std::int64_t trial = -1;     // of a tuning; −1: none
  std::string fold;            // which of the dataset's folds; "" in a set of one
  std::int64_t variant = -1;   // of the suite's sweep; −1: none

  // The first: that of its own variant.
  [[nodiscard]] const PlannedEvaluation& evaluation() const { return evaluations.front(); }
};

// The suite whose settings a training has: one of the variants of a sweep, or the suite itself.
[[nodiscard]] const Suite& suite_of(const Suite& suite, const PlannedTraining& planned);
[[nodiscard]] const Suite& suite_of(const Suite& suite, const PlannedEvaluation& evaluation);

// What every link of a suite says of it; `whole` is the suite of which `suite` may be a variant.
[[nodiscard]] results::SuiteLink link_of_suite(const Suite& whole, const Suite& suite);

// Which of a row's results it is: "seed 3", "seed 3, fold 2, corruption.share = 0.5".
[[nodiscard]] std::string cell_text(const Suite& suite, const PlannedTraining& planned);

// What a plan needs to know of the data.
struct PlanSource {
  // Implicit: a dataset of one split is its fingerprint.
  PlanSource(std::string source_fingerprint, std::vector<std::string> official_splits = {})
      : fingerprint(std::move(source_fingerprint)), folds(std::move(official_splits)) {}
  PlanSource(const char* source_fingerprint) : fingerprint(source_fingerprint) {}

  std::string fingerprint;
  std::vector<std::string> folds;  // of the dataset
};

// One of `count` parts of a plan, for as many machines. Cells stay whole: trainings that learn from one teacher, and
// those beside them, are of one part. The parts of one plan have every training once.
struct PlanShard {
  std::int64_t index = 0;  // from 0
  std::int64_t count = 1;
};

// "2/8". Throws Error(kUsage) for anything that is no part.
[[nodiscard]] PlanShard parse_shard(const std::string& text);

// Restricts a plan: empty lists take everything.
struct PlanFilter {
  std::vector<std::string> methods;  // ids or labels
  std::vector<std::int64_t> seeds;
  std::vector<std::string> keys;  // of trainings
  PlanShard shard;                // may hold nothing, where there are fewer cells than shards
};

struct Plan {
  // By variant, fold and seed: the teacher first, then the suite's order of methods. Each training once.
  std::vector<PlannedTraining> trainings;
  std::vector<results::SuiteLink> links;  // of the whole suite, whatever the filter

  [[nodiscard]] const PlannedTraining* find(const std::string& key) const;
};

// By method id: the number of the trial that won its tuning.
using Winners = std::map<std::string, std::int64_t>;

// Throws Error(kUsage) for a combination that cannot be trained, and Error(kNothingSelected) when the filter leaves
// nothing. With `winners`, a method trains with its trial's values; one that is not among them with the suite's own.
[[nodiscard]] Plan make_plan(const Suite& suite, const PlanSource& source, const PlanFilter& filter = {},
                             const Winners& winners = {});
// All trials of the tuning suite (tuning.h), judged on the validation clips. Controls are not tuned, nor is the
// teacher.
[[nodiscard]] Plan make_tuning_plan(const Suite& tuning_suite, const PlanSource& source, const PlanFilter& filter = {});

}  // namespace cmkd
