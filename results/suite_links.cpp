// What suites consist of: their links, written and asked with what is there of each.
#include <fmt/format.h>

#include <optional>

#include "cmkd/core/error.h"
#include "readers.h"
#include "state.h"
#include "writer.h"

namespace cmkd::results {

namespace {

// What link_of reads, of a table named l, with its suite s.
constexpr const char* kLinkColumns =
    "l.suite, s.title, s.file, l.task, l.dataset, l.direction, l.protocol, l.primary_metric, l.method_order, l.method, "
    "l.control, l.label, l.student_model, l.fold, l.swept_setting, l.swept_value, l.training_key, l.evaluation_key, "
    "l.rerun_command, l.row_rerun_command, l.role, l.seed, l.trial, l.level";
constexpr int kLinkColumnCount = 24;

SuiteLink link_of(const Statement& row, int first, const std::string& where) {
  SuiteLink link;
  int column = first;
  for (std::string* field :
       {&link.suite,       &link.suite_title,  &link.suite_file,     &link.task,          &link.dataset,
        &link.direction,   &link.protocol,     &link.primary_metric, &link.method_order,  &link.method,
        &link.control,     &link.label,        &link.student_model,  &link.fold,          &link.swept_setting,
        &link.swept_value, &link.training_key, &link.evaluation_key, &link.rerun_command, &link.row_rerun_command}) {
    *field = row.text(column++);
  }
  link.role = row_role_of(row.text(column++), where);
  link.seed = row.integer(column++);
  if (!row.is_null(column)) link.trial = row.integer(column);
  ++column;
  if (!row.is_null(column)) link.level = row.real(column);
  return link;
}

}  // namespace

RowRole row_role_of(const std::string& text, const std::string& where) {
  if (const std::optional<RowRole> role = find_named<RowRole>(text)) return *role;
  throw Error(ErrorKind::kData, {fmt::format("a suite's link has the unknown role '{}'", text), where,
                                 join(names_of<RowRole>()), "the next `cmkd run` of the suite writes its links anew"});
}

void Writer::set_suite_links(const std::string& suite, const std::vector<SuiteLink>& links) {
  if (links.empty()) {
    Statement(database_, "DELETE FROM suite WHERE name = ?").bind(suite).run();
    return;
  }
  // What came in from elsewhere is no part of the suite's plan, and outlives it.
  Statement(database_, "DELETE FROM suite_link WHERE suite = ? AND role <> 'external'").bind(suite).run();
  put_suite(suite, links.front().suite_title, links.front().suite_file);
  for (const SuiteLink& link : links) insert_link(link);
}

void Writer::put_suite(const std::string& suite, const std::string& title, const std::string& file) {
  Statement(database_,
            "INSERT INTO suite (name, title, file) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (name) DO UPDATE SET title = ?2, file = ?3")
      .bind(suite, title, file)
      .run();
}

void Writer::insert_link(const SuiteLink& link) {
  Statement(database_,
            "INSERT INTO suite_link (suite, task, dataset, direction, protocol, primary_metric, method_order, "
            "method, control, label, role, student_model, seed, trial, fold, swept_setting, swept_value, level, "
            "training_key, evaluation_key, rerun_command, row_rerun_command) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(link.suite, link.task, link.dataset, link.direction, link.protocol, link.primary_metric, link.method_order,
            link.method, link.control, link.label, to_string(link.role), link.student_model, link.seed, link.trial,
            link.fold, link.swept_setting, link.swept_value, link.level, link.training_key, link.evaluation_key,
            link.rerun_command, link.row_rerun_command)
      .run();
}

bool Writer::replace_external_link(const SuiteLink& link) {
  Statement known(database_,
                  "SELECT training_key, evaluation_key FROM suite_link WHERE suite = ? AND role = 'external' AND "
                  "task = ? AND dataset = ? AND swept_setting = ? AND swept_value = ? AND label = ? AND fold = ? AND "
                  "seed = ?");
  known.bind(link.suite, link.task, link.dataset, link.swept_setting, link.swept_value, link.label, link.fold,
             link.seed);
  bool other = false;
  while (known.step()) other = other || known.text(0) != link.training_key || known.text(1) != link.evaluation_key;
  Statement(database_,
            "DELETE FROM suite_link WHERE suite = ? AND role = 'external' AND task = ? AND dataset = ? AND "
            "swept_setting = ? AND swept_value = ? AND label = ? AND fold = ? AND seed = ?")
      .bind(link.suite, link.task, link.dataset, link.swept_setting, link.swept_value, link.label, link.fold, link.seed)
      .run();
  if (!Statement(database_, "SELECT 1 FROM suite WHERE name = ?").bind(link.suite).step()) {
    put_suite(link.suite, link.suite_title, link.suite_file);
  }
  insert_link(link);
  return other;
}

std::vector<LeaderboardRow> Store::leaderboard_rows(const std::string& suite) const {
  const ReadTransaction transaction(state_->database);
  MetricReader metrics(state_->database);
  MeasuredReader of_training(state_->database, "training_key");
  MeasuredReader of_evaluation(state_->database, "evaluation_key");
  OriginReader origins(state_->database);
  Statement rows(
      state_->database,
      fmt::format("SELECT {}, {}, t.environment_fingerprint, e.key, e.split, e.shared_code, c.fingerprint "
                  "FROM suite_link AS l JOIN suite AS s ON s.name = l.suite "
                  "LEFT JOIN training AS t ON t.key = l.training_key "
                  "LEFT JOIN evaluation AS e ON e.key = l.evaluation_key AND e.training_key = l.training_key "
                  "LEFT JOIN clip_output AS c ON c.evaluation_key = e.key "
                  "WHERE l.suite = ? ORDER BY l.task, l.dataset, l.swept_setting, l.level, l.swept_value, l.direction, "
                  "l.protocol, l.student_model, l.method_order, l.label, l.seed, l.fold, l.training_key, "
                  "l.evaluation_key",
                  kTrainingColumns, kLinkColumns));
  rows.bind(suite);
  constexpr int kEnvironment = kTrainingColumnCount + kLinkColumnCount;
  std::vector<LeaderboardRow> result;
  while (rows.step()) {
    LeaderboardRow& row = result.emplace_back();
    row.link = link_of(rows, kTrainingColumnCount, fmt::format("{}, suite '{}'", path().string(), suite));
    row.training.key = row.link.training_key;
    if (rows.is_null(0)) continue;
    row.training = training_of(rows);
    row.training.measured = of_training.read(row.training.key);
    row.origin = origins.read(row.training.shared_code, rows.text(kEnvironment));
    row.state = row.training.status == RunStatus::kFailed ? RowState::kFailed : RowState::kTrained;
    if (rows.is_null(kEnvironment + 1)) continue;
    row.state = RowState::kEvaluated;
    row.split = rows.text(kEnvironment + 2);
    row.evaluation_code = rows.text(kEnvironment + 3);
    if (!rows.is_null(kEnvironment + 4)) row.outputs_fingerprint = rows.text(kEnvironment + 4);
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
