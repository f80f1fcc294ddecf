// What a Store tells of suites, trainings and evaluations. Every statement ends in a total order.
#include <fmt/format.h>

#include "readers.h"
#include "state.h"

namespace cmkd::results {

namespace {

std::vector<EvaluationRecord> read_evaluations(Database& database, const char* key_column, const std::string& key) {
  MetricReader metrics(database);
  MeasuredReader measured(database, "evaluation_key");
  Statement rows(database, fmt::format("SELECT key, config_json, training_key, task, protocol, split, shared_code FROM "
                                       "evaluation "
                                       "WHERE {} = ? ORDER BY task, protocol, split, key",
                                       key_column));
  rows.bind(key);
  std::vector<EvaluationRecord> evaluations;
  while (rows.step()) {
    EvaluationRecord& evaluation = evaluations.emplace_back();
    int column = 0;
    for (std::string* field : {&evaluation.key, &evaluation.config_json, &evaluation.training_key, &evaluation.task,
                               &evaluation.protocol, &evaluation.split, &evaluation.shared_code}) {
      *field = rows.text(column++);
    }
    evaluation.metrics = metrics.read(evaluation.key);
    evaluation.measured = measured.read(evaluation.key);
  }
  return evaluations;
}

EnvironmentRecord read_environment(Database& database, const std::string& training_key) {
  Statement rows(database,
                 "SELECT v.name, v.value FROM training AS t JOIN environment_value AS v "
                 "ON v.environment_fingerprint = t.environment_fingerprint WHERE t.key = ? ORDER BY v.name");
  rows.bind(training_key);
  EnvironmentRecord environment;
  while (rows.step()) environment.values.emplace(rows.text(0), rows.text(1));
  return environment;
}

}  // namespace

Origin origin_of(const std::string& shared_code, const EnvironmentRecord& environment) {
  const auto value = [&](const char* name) {
    const auto found = environment.values.find(name);
    return found == environment.values.end() ? std::string() : found->second;
  };
  const std::string device = value("device");
  return {shared_code, value("libtorch"), device.substr(0, device.find(':')), value("cpu_level")};
}

std::vector<EpochValue> read_epoch_values(Database& database, const std::string& training_key) {
  Statement rows(database,
                 "SELECT epoch, phase, kind, name, value FROM epoch_value WHERE training_key = ? "
                 "ORDER BY phase, epoch, kind, name");
  rows.bind(training_key);
  std::vector<EpochValue> values;
  while (rows.step()) values.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.text(3), rows.real(4)});
  return values;
}

std::optional<TrainingRecord> read_training(Database& database, const std::string& key) {
  Statement row(database, fmt::format("SELECT {} FROM training AS t WHERE t.key = ?", kTrainingColumns));
  if (!row.bind(key).step()) return std::nullopt;
  TrainingRecord training = training_of(row);
  training.epochs = read_epoch_values(database, key);
  training.environment = read_environment(database, key);
  training.measured = MeasuredReader(database, "training_key").read(key);
  return training;
}

std::optional<EvaluationRecord> read_evaluation(Database& database, const std::string& key) {
  std::vector<EvaluationRecord> found = read_evaluations(database, "key", key);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::optional<RunStatus> Store::status(const std::string& training_key) const {
  Statement row(state_->database, "SELECT status FROM training WHERE key = ?");
  if (!row.bind(training_key).step()) return std::nullopt;
  return status_of(row.text(0));
}

bool Store::has_training(const std::string& key) const { return status(key).has_value(); }

bool Store::has_evaluation(const std::string& key) const {
  return Statement(state_->database, "SELECT 1 FROM evaluation WHERE key = ?").bind(key).step();
}

std::vector<TrainingRecord> Store::trainings(const TrainingFilter& filter) const {
  const ReadTransaction transaction(state_->database);
  MeasuredReader measured(state_->database, "training_key");
  // An empty text stands for "any" below; a flag beside it tells it from a control that is empty.
  Statement rows(
      state_->database,
      fmt::format(
          "SELECT {} FROM training AS t JOIN dataset AS d ON d.fingerprint = t.dataset_fingerprint "
          "WHERE (?1 = 0 OR EXISTS (SELECT 1 FROM suite_link AS l WHERE l.training_key = t.key AND l.suite = ?2)) "
          "AND (?3 = 0 OR t.dataset_fingerprint = ?4) AND (?5 = 0 OR t.method = ?6) "
          "AND (?7 = 0 OR t.control = ?8) AND (?9 = 0 OR t.cell_key = ?10) AND (?11 = 0 OR t.status = ?12) "
          "ORDER BY d.name, t.dataset_fingerprint, t.direction, t.student_model, t.method, t.control, t.seed, t.key",
          kTrainingColumns));
  const auto flag = [](bool set) { return static_cast<std::int64_t>(set); };
  const char* status = filter.status == RunStatus::kFailed ? "failed" : "done";
  rows.bind(flag(filter.suite.has_value()), filter.suite.value_or(""), flag(filter.dataset_fingerprint.has_value()),
            filter.dataset_fingerprint.value_or(""), flag(filter.method.has_value()), filter.method.value_or(""),
            flag(filter.control.has_value()), filter.control.value_or(""), flag(filter.cell_key.has_value()),
            filter.cell_key.value_or(""), flag(filter.status.has_value()), status);
  std::vector<TrainingRecord> result;
  while (rows.step()) {
    TrainingRecord& training = result.emplace_back(training_of(rows));
    training.measured = measured.read(training.key);
  }
  return result;
}

std::optional<TrainingRecord> Store::training(const std::string& key) const {
  const ReadTransaction transaction(state_->database);
  return read_training(state_->database, key);
}

std::vector<EpochValue> Store::epoch_values(const std::string& training_key) const {
  return read_epoch_values(state_->database, training_key);
}

EnvironmentRecord Store::environment(const std::string& training_key) const {
  return read_environment(state_->database, training_key);
}

std::optional<Origin> Store::origin(const std::string& training_key) const {
  Statement row(state_->database, "SELECT shared_code, environment_fingerprint FROM training WHERE key = ?");
  if (!row.bind(training_key).step()) return std::nullopt;
  return OriginReader(state_->database).read(row.text(0), row.text(1));
}

std::optional<std::string> Store::evaluation_code(const std::string& key) const {
  Statement row(state_->database, "SELECT shared_code FROM evaluation WHERE key = ?");
  if (!row.bind(key).step()) return std::nullopt;
  return row.text(0);
}

std::int64_t Store::history_size() const { return state_->database.query_integer("SELECT count(*) FROM history"); }

std::vector<EvaluationRecord> Store::evaluations(const std::string& training_key) const {
  const ReadTransaction transaction(state_->database);
  return read_evaluations(state_->database, "training_key", training_key);
}

std::optional<EvaluationRecord> Store::evaluation(const std::string& key) const {
  const ReadTransaction transaction(state_->database);
  return read_evaluation(state_->database, key);
}

}  // namespace cmkd::results
