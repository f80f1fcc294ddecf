// What a Store holds, shared by the files that write and those that ask. Private to results/.
#pragma once

#include "cmkd/results/store.h"
#include "sqlite.h"

namespace cmkd::results {

struct Store::State {
  Database database;
  OpenMode mode;
  std::filesystem::path artifact_folder;
};

// SQLite keeps it with the measurements; `measured` maps leave it out, since it measures nothing of the run.
inline constexpr const char* kRecordedAt = "recorded_at_unix_s";

// Reads of several tables, used inside and outside of transactions.
[[nodiscard]] std::vector<EpochValue> read_epoch_values(Database& database, const std::string& training_key);
[[nodiscard]] std::optional<TrainingRecord> read_training(Database& database, const std::string& key);
[[nodiscard]] std::optional<EvaluationRecord> read_evaluation(Database& database, const std::string& key);

}  // namespace cmkd::results
