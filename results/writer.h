// The rows of records, written inside a transaction of the caller. Private to results/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "artifacts.h"
#include "cmkd/results/records.h"
#include "sqlite.h"

namespace cmkd::results {

// An evaluation whose outputs are bytes, and in a file where they are large. Refers to its record.
struct PreparedEvaluation {
  const EvaluationRecord& record;
  std::string output_bytes;          // "" when there are none
  std::string outputs_fingerprint;   // "" when there are none
  std::optional<Artifact> artifact;  // where they are large
  std::string content_fingerprint;
};

// Checks that they belong to the training, encodes and writes files. `evaluations` must outlive the result.
[[nodiscard]] std::vector<PreparedEvaluation> prepare_evaluations(const std::string& training_key,
                                                                  const std::vector<EvaluationRecord>& evaluations,
                                                                  const std::filesystem::path& artifact_folder);

class Writer {
 public:
  explicit Writer(Database& database) : database_(database) {}

  void put_dataset(const DatasetRecord& dataset);
  void put_training(const TrainingRecord& training, const std::optional<Artifact>& weights);
  void put_evaluation(const PreparedEvaluation& evaluation);
  // What Store::replace_run does before the run is put: nothing is left to contradict it.
  bool make_way(const TrainingRecord& training, const std::vector<PreparedEvaluation>& evaluations);
  void set_suite_links(const std::string& suite, const std::vector<SuiteLink>& links);
  void insert_link(const SuiteLink& link);  // its suite is there
  // Whether the external row was there with other keys.
  [[nodiscard]] bool replace_external_link(const SuiteLink& link);
  // Returns its fingerprint.
  std::string put_recipe(const Recipe& recipe);
  void link_recipe(const std::string& training_key, const std::string& recipe_fingerprint);

 private:
  void put_suite(const std::string& suite, const std::string& title, const std::string& file);
  void insert_training(const TrainingRecord& training, const std::string& content_fingerprint);
  void insert_measured(const char* owner_column, const std::string& key, const std::map<std::string, double>& measured);
  [[nodiscard]] std::string put_environment(const EnvironmentRecord& environment);
  void put_artifact(const Artifact& artifact, const char* kind);
  void require_dataset(const TrainingRecord& training);

  Database& database_;
};

}  // namespace cmkd::results
