// What a user means by a side of a comparison, found in the store.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/reports/compare.h"
#include "metric_names.h"

namespace cmkd::reports {

namespace {

void add_stored(const results::Store& store, ComparedRun& run) {
  if (run.row.state == results::RowState::kNotRun) return;
  run.environment = store.environment(run.row.training.key);
  if (run.row.state != results::RowState::kEvaluated) return;
  if (const auto evaluation = store.evaluation(run.row.link.evaluation_key)) {
    run.evaluation_config = evaluation->config_json;
  }
  run.outputs = store.outputs(run.row.link.evaluation_key);
}

// As its suite knows it: the dataset's shown name, the primary metric.
bool find_linked_row(const results::Store& store, const std::string& evaluation_key, results::LeaderboardRow& row) {
  for (const results::SuiteSummary& suite : store.suites()) {
    for (const results::LeaderboardRow& one : store.leaderboard_rows(suite.suite)) {
      if (one.link.evaluation_key != evaluation_key) continue;
      row = one;
      return true;
    }
  }
  return false;
}

// Of a run that no suite wants any more.
results::LeaderboardRow row_without_suite(const results::Store& store, const results::TrainingRecord& training,
                                          const results::EvaluationRecord& evaluation) {
  results::LeaderboardRow row;
  row.state = results::RowState::kEvaluated;
  row.training = training;
  row.split = evaluation.split;
  row.metrics = evaluation.metrics;
  row.measured = evaluation.measured;
  row.origin = store.origin(training.key).value_or(results::Origin{});
  row.evaluation_code = evaluation.shared_code;
  results::SuiteLink& link = row.link;
  link.task = evaluation.task;
  link.protocol = evaluation.protocol;
  link.direction = training.direction;
  link.method = training.method;
  link.control = training.control;
  link.label = training.label;
  link.student_model = training.student_model;
  link.seed = training.seed;
  link.training_key = training.key;
  link.evaluation_key = evaluation.key;
  for (const results::DatasetRecord& dataset : store.datasets()) {
    if (dataset.source_fingerprint == training.dataset_fingerprint) link.dataset = dataset.name;
  }
  std::vector<std::string> names;
  for (const results::MetricValue& metric : evaluation.metrics) {
    if (metric.split == evaluation.split) names.push_back(metric.name);
  }
  sort_metrics(names);
  if (!names.empty()) link.primary_metric = names.front();
  return row;
}

void add_evaluation(const results::Store& store, const results::TrainingRecord& training,
                    const results::EvaluationRecord& evaluation, ComparedSide& side) {
  ComparedRun& run = side.runs.emplace_back();
  if (!find_linked_row(store, evaluation.key, run.row)) run.row = row_without_suite(store, training, evaluation);
  add_stored(store, run);
}

void add_by_id(const results::Store& store, const results::FoundKey& found, ComparedSide& side) {
  if (found.kind == results::FoundKey::Kind::kEvaluation) {
    const auto evaluation = store.evaluation(found.key);
    add_evaluation(store, *store.training(evaluation->training_key), *evaluation, side);
    return;
  }
  const auto training = store.training(found.key);
  if (training->status == results::RunStatus::kFailed) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("run {} failed: {}", found.key, training->reason),
                                    .where = store.path().string(),
                                    .fix = "compare runs that are done"});
  }
  for (const results::EvaluationRecord& evaluation : store.evaluations(found.key)) {
    // Whether a method noticed the damage is evidence of its own, no result on the test clips.
    if (evaluation.task != "corruption") add_evaluation(store, *training, evaluation, side);
  }
}

}  // namespace

ComparedSide compared_side(const results::Store& store, const std::string& suite, const std::string& wanted) {
  ComparedSide side{wanted, {}};
  std::set<std::string> labels;
  if (!suite.empty()) {
    for (const results::LeaderboardRow& row : store.leaderboard_rows(suite)) {
      labels.insert(row.link.label);
      if (row.link.label != wanted) continue;
      add_stored(store, side.runs.emplace_back(ComparedRun{row, {}, {}, {}}));
    }
  }
  if (!side.runs.empty()) return side;
  const std::vector<std::string> known(labels.begin(), labels.end());
  // Ids are hexadecimal digits.
  if (wanted.empty() || wanted.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw Error(ErrorKind::kUsage,
                {suite.empty() ? fmt::format("'{}' is no id of a run", wanted)
                               : fmt::format("suite '{}' has no row '{}', and it is no id of a run", suite, wanted),
                 store.path().string(), join(known), did_you_mean(wanted, known)});
  }
  add_by_id(store, store.find_by_prefix(wanted), side);
  return side;
}

}  // namespace cmkd::reports
