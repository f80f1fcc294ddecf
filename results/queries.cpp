// What a Store tells of suites, trainings and evaluations. Every statement ends in a total order.
#include <fmt/format.h>

#include "state.h"

namespace cmkd::results {

namespace {

constexpr const char* kTrainingColumns =
    "t.key, t.config_json, t.cell_key, t.dataset_fingerprint, t.decoded_fingerprint, t.method, t.control, t.label, "
    "t.verified, t.direction, t.student_model, t.teacher_model, t.teacher_key, t.seed, t.status, t.reason, "
    "t.initial_weights_fingerprint, t.batch_order_fingerprint, t.augmentation_fingerprint, "
    "t.final_weights_fingerprint, "
    "t.weights_file, t.selected_epoch, t.selection_rule, t.shared_code";
constexpr int kTrainingColumnCount = 24;

RunStatus status_of(const std::string& text) { return text == "done" ? RunStatus::kDone : RunStatus::kFailed; }

// The columns above, from `first` on.
TrainingRecord training_of(const Statement& row, int first = 0) {
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

// The same question for many keys, prepared once.
class MeasuredReader {
 public:
  MeasuredReader(Database& database, const char* owner_column)
      : statement_(database,
                   fmt::format("SELECT name, value FROM measurement WHERE {} = ? ORDER BY name", owner_column)) {}
  [[nodiscard]] std::map<std::string, double> read(const std::string& key) {
    std::map<std::string, double> measured;
    statement_.bind(key);
    while (statement_.step()) measured.emplace(statement_.text(0), statement_.real(1));
    measured.erase(kRecordedAt);
    return measured;
  }

 private:
  Statement statement_;
};

class MetricReader {
 public:
  explicit MetricReader(Database& database)
      : statement_(database,
                   "SELECT name, split, value, clips FROM metric WHERE evaluation_key = ? ORDER BY split, name") {}
  [[nodiscard]] std::vector<MetricValue> read(const std::string& key) {
    std::vector<MetricValue> metrics;
    statement_.bind(key);
    while (statement_.step()) {
      metrics.push_back({statement_.text(0), statement_.text(1), statement_.real(2), statement_.integer(3)});
    }
    return metrics;
  }

 private:
  Statement statement_;
};

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

// Environments are few: each is read once.
class OriginReader {
 public:
  explicit OriginReader(Database& database)
      : statement_(database, "SELECT name, value FROM environment_value WHERE environment_fingerprint = ?") {}
  [[nodiscard]] Origin read(const std::string& shared_code, const std::string& environment) {
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

 private:
  Statement statement_;
  std::map<std::string, Origin> known_;
};

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

std::vector<LeaderboardRow> Store::leaderboard_rows(const std::string& suite) const {
  const ReadTransaction transaction(state_->database);
  MetricReader metrics(state_->database);
  MeasuredReader of_training(state_->database, "training_key");
  MeasuredReader of_evaluation(state_->database, "evaluation_key");
  Statement rows(
      state_->database,
      fmt::format("SELECT {}, l.task, l.dataset, l.primary_metric, l.method_order, l.training_key, "
                  "l.evaluation_key, l.rerun_command, l.note, s.title, s.file, l.fold, l.condition, l.level, e.key, "
                  "e.protocol, e.split, e.shared_code, t.environment_fingerprint "
                  "FROM suite_link AS l JOIN suite AS s ON s.name = l.suite "
                  "LEFT JOIN training AS t ON t.key = l.training_key "
                  "LEFT JOIN evaluation AS e ON e.key = l.evaluation_key AND e.training_key = l.training_key "
                  "WHERE l.suite = ? ORDER BY l.task, l.dataset, t.direction, e.protocol, t.student_model, "
                  "l.method_order, t.label, t.seed, l.fold, l.training_key, l.evaluation_key",
                  kTrainingColumns));
  rows.bind(suite);
  OriginReader origins(state_->database);
  std::vector<LeaderboardRow> result;
  while (rows.step()) {
    LeaderboardRow& row = result.emplace_back();
    int column = kTrainingColumnCount;
    row.link.suite = suite;
    for (std::string* field :
         {&row.link.task, &row.link.dataset, &row.link.primary_metric, &row.link.method_order, &row.link.training_key,
          &row.link.evaluation_key, &row.link.rerun_command, &row.link.note, &row.link.suite_title,
          &row.link.suite_file, &row.link.fold, &row.link.condition}) {
      *field = rows.text(column++);
    }
    if (!rows.is_null(column)) row.link.level = rows.real(column);
    ++column;
    row.training.key = row.link.training_key;
    if (rows.is_null(0)) continue;
    row.training = training_of(rows);
    row.training.measured = of_training.read(row.training.key);
    row.origin = origins.read(row.training.shared_code, rows.text(column + 4));
    row.state = row.training.status == RunStatus::kFailed ? RowState::kFailed : RowState::kTrained;
    if (rows.is_null(column)) continue;
    row.state = RowState::kEvaluated;
    row.protocol = rows.text(column + 1);
    row.split = rows.text(column + 2);
    row.evaluation_code = rows.text(column + 3);
    row.metrics = metrics.read(row.link.evaluation_key);
    row.measured = of_evaluation.read(row.link.evaluation_key);
  }
  return result;
}

std::vector<SuiteSummary> Store::suites() const {
  Statement rows(state_->database,
                 "SELECT s.name, s.title, count(*), sum(t.status IS 'done'), sum(t.status IS 'failed') FROM suite AS s "
                 "JOIN (SELECT DISTINCT suite, training_key FROM suite_link) AS l ON l.suite = s.name "
                 "LEFT JOIN training AS t ON t.key = l.training_key GROUP BY s.name, s.title ORDER BY s.name");
  std::vector<SuiteSummary> suites;
  while (rows.step()) {
    suites.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.integer(3), rows.integer(4)});
  }
  return suites;
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
