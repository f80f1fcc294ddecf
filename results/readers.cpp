#include "readers.h"

#include <fmt/format.h>

#include "state.h"

namespace cmkd::results {

RunStatus status_of(const std::string& text) { return text == "done" ? RunStatus::kDone : RunStatus::kFailed; }

TrainingRecord training_of(const Statement& row, int first) {
  TrainingRecord training;
  int column = first;
  for (std::string* field :
       {&training.key, &training.config_json, &training.cell_key, &training.dataset_fingerprint,
        &training.decoded_fingerprint, &training.method, &training.control, &training.label, &training.verified,
        &training.direction, &training.student_model, &training.teacher_model, &training.teacher_key}) {
    *field = row.text(column++);
  }
  training.seed = row.integer(column++);
  training.status = status_of(row.text(column++));
  for (std::string* field :
       {&training.reason, &training.initial_weights_fingerprint, &training.batch_order_fingerprint,
        &training.augmentation_fingerprint, &training.final_weights_fingerprint, &training.weights_file}) {
    *field = row.text(column++);
  }
  training.selected_epoch = row.integer(column++);
  training.selection_rule = row.text(column++);
  training.shared_code = row.text(column++);
  return training;
}

MeasuredReader::MeasuredReader(Database& database, const char* owner_column)
    : statement_(database,
                 fmt::format("SELECT name, value FROM measurement WHERE {} = ? ORDER BY name", owner_column)) {}

std::map<std::string, double> MeasuredReader::read(const std::string& key) {
  std::map<std::string, double> measured;
  statement_.bind(key);
  while (statement_.step()) measured.emplace(statement_.text(0), statement_.real(1));
  measured.erase(kRecordedAt);
  return measured;
}

MetricReader::MetricReader(Database& database)
    : statement_(database,
                 "SELECT name, split, value, clips FROM metric WHERE evaluation_key = ? ORDER BY split, name") {}

std::vector<MetricValue> MetricReader::read(const std::string& key) {
  std::vector<MetricValue> metrics;
  statement_.bind(key);
  while (statement_.step()) {
    metrics.push_back({statement_.text(0), statement_.text(1), statement_.real(2), statement_.integer(3)});
  }
  return metrics;
}

OriginReader::OriginReader(Database& database)
    : statement_(database, "SELECT name, value FROM environment_value WHERE environment_fingerprint = ?") {}

Origin OriginReader::read(const std::string& shared_code, const std::string& environment) {
  const auto [found, is_new] = known_.try_emplace(environment);
  if (is_new) {
    EnvironmentRecord record;
    statement_.bind(environment);
    while (statement_.step()) record.values.emplace(statement_.text(0), statement_.text(1));
    found->second = origin_of("", record);
  }
  Origin origin = found->second;
  origin.shared_code = shared_code;
  return origin;
}

}  // namespace cmkd::results
