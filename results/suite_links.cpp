// What suites consist of: their links, written and asked with what is there of each.
#include <fmt/format.h>

#include <limits>

#include "readers.h"
#include "state.h"
#include "writer.h"

namespace cmkd::results {

void Writer::set_suite_links(const std::string& suite, const std::vector<SuiteLink>& links) {
  Statement(database_, "DELETE FROM suite WHERE name = ?").bind(suite).run();
  if (links.empty()) return;
  Statement(database_, "INSERT INTO suite (name, title, file) VALUES (?, ?, ?)")
      .bind(suite, links.front().suite_title, links.front().suite_file)
      .run();
  Statement insert(database_,
                   "INSERT INTO suite_link (suite, task, dataset, method_order, training_key, evaluation_key, "
                   "primary_metric, rerun_command, note, fold, condition, level) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const SuiteLink& link : links) {
    insert
        .bind(suite, link.task, link.dataset, link.method_order, link.training_key, link.evaluation_key,
              link.primary_metric, link.rerun_command, link.note, link.fold, link.condition,
              link.level.value_or(std::numeric_limits<double>::quiet_NaN()))
        .run();
  }
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

}  // namespace cmkd::results
