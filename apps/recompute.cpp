#include "recompute.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cmkd/suites/settings.h"
#include "cmkd/suites/task_metrics.h"

namespace cmkd::apps {

namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-9;

TaskOutputs as_task_outputs(const results::ClipOutputs& outputs) {
  return {outputs.labels, outputs.tags, outputs.width, outputs.scores, outputs.queries};
}

TaskRules rules_of(const results::TrainingRecord& training, const results::EvaluationRecord& evaluation) {
  TaskRules rules;
  rules.task = parse_named<Task>(evaluation.task, "task");
  rules.protocol = parse_named<Protocol>(evaluation.protocol, "protocol");
  const json config = json::parse(evaluation.config_json);
  rules.truncate_at = config.value("truncate_at", std::int64_t{0});
  rules.joined_embeddings = config.value("features", "") == to_string(FeatureSource::kBoth);
  const std::size_t arrow = training.direction.find("->");
  rules.teacher_modality = parse_modality(training.direction.substr(0, arrow));
  rules.student_modality = parse_modality(training.direction.substr(arrow + 2));
  return rules;
}

// By what an evaluation judges, whatever it judges.
json judge_of(const results::EvaluationRecord& evaluation) {
  json config = json::parse(evaluation.config_json);
  config.erase("training");
  return config;
}

// What the teacher said of the same clips under the same judge; nothing where that is not kept.
std::optional<TaskOutputs> teacher_outputs(const results::Store& store, const results::TrainingRecord& training,
                                           const results::EvaluationRecord& evaluation,
                                           const results::ClipOutputs& outputs) {
  if (training.teacher_key.empty()) return std::nullopt;
  const json judge = judge_of(evaluation);
  for (const results::EvaluationRecord& candidate : store.evaluations(training.teacher_key)) {
    if (judge_of(candidate) != judge) continue;
    const results::ClipOutputs found = store.outputs(candidate.key);
    if (found.clip_ids == outputs.clip_ids) return as_task_outputs(found);
  }
  return std::nullopt;
}

bool same(double stored, double now) {
  if (std::isnan(stored) || std::isnan(now)) return std::isnan(stored) && std::isnan(now);
  return stored == now || std::abs(stored - now) <= kTolerance;
}

void compare(const std::string& name, const results::EvaluationRecord& evaluation, const std::vector<Metric>& values,
             Recomputed& result) {
  for (const results::MetricValue& stored : evaluation.metrics) {
    if (stored.split != evaluation.split) continue;  // of other clips: the teacher's on the transfer clips
    const auto now = std::ranges::find(values, stored.name, &Metric::name);
    ++result.metrics;
    if (now == values.end()) {
      result.differences.push_back(
          fmt::format("{}, {}: stored {}, not given by the outputs", name, stored.name, stored.value));
    } else if (!same(stored.value, now->value)) {
      result.differences.push_back(
          fmt::format("{}, {}: stored {}, from the outputs {}", name, stored.name, stored.value, now->value));
    }
  }
}

}  // namespace

Recomputed recompute(const results::Store& store, const std::string& suite) {
  Recomputed result;
  std::set<std::string> seen;  // a sweep links one evaluation several times
  for (const results::LeaderboardRow& row : store.leaderboard_rows(suite)) {
    if (row.state != results::RowState::kEvaluated || !seen.insert(row.link.evaluation_key).second) continue;
    const std::string name = fmt::format("{} seed {}{}", row.training.label, row.training.seed,
                                         row.link.fold.empty() ? "" : ", fold " + row.link.fold);
    const std::optional<results::EvaluationRecord> evaluation = store.evaluation(row.link.evaluation_key);
    const results::ClipOutputs outputs = store.outputs(row.link.evaluation_key);
    if (!evaluation || outputs.clip_ids.empty()) {
      result.left_out.push_back(name + ": no per-clip outputs are stored");
      continue;
    }
    const std::optional<TaskOutputs> teacher = teacher_outputs(store, row.training, *evaluation, outputs);
    ++result.evaluations;
    compare(name, *evaluation,
            task_metrics(rules_of(row.training, *evaluation), as_task_outputs(outputs), teacher ? &*teacher : nullptr),
            result);
  }
  return result;
}

}  // namespace cmkd::apps
