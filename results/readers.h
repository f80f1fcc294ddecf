// Rows of trainings and what hangs on them, read inside a call of the store. Private to results/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cmkd/results/records.h"
#include "sqlite.h"

namespace cmkd::results {

// What training_of reads, of a table named t.
inline constexpr const char* kTrainingColumns =
    "t.key, t.config_json, t.cell_key, t.dataset_fingerprint, t.decoded_fingerprint, t.method, t.control, t.label, "
    "t.verified, t.direction, t.student_model, t.teacher_model, t.teacher_key, t.seed, t.status, t.reason, "
    "t.initial_weights_fingerprint, t.batch_order_fingerprint, t.augmentation_fingerprint, "
    "t.final_weights_fingerprint, "
    "t.weights_file, t.selected_epoch, t.selection_rule, t.shared_code";
inline constexpr int kTrainingColumnCount = 24;

[[nodiscard]] RunStatus status_of(const std::string& text);  // "done", "failed"

// The columns above, from `first` on.
[[nodiscard]] TrainingRecord training_of(const Statement& row, int first = 0);

// The same question for many keys, prepared once.
class MeasuredReader {
 public:
  MeasuredReader(Database& database, const char* owner_column);  // "training_key", "evaluation_key"
  [[nodiscard]] std::map<std::string, double> read(const std::string& key);

 private:
  Statement statement_;
};

// By split and name.
class MetricReader {
 public:
  explicit MetricReader(Database& database);
  [[nodiscard]] std::vector<MetricValue> read(const std::string& key);

 private:
  Statement statement_;
};

// Environments are few: each is read once.
class OriginReader {
 public:
  explicit OriginReader(Database& database);
  [[nodiscard]] Origin read(const std::string& shared_code, const std::string& environment);

 private:
  Statement statement_;
  std::map<std::string, Origin> known_;
};

}  // namespace cmkd::results
