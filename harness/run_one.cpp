#include "cmkd/harness/run_one.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "cmkd/core/clock.h"
#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/build_info.h"
#include "cmkd/harness/task_evaluation.h"
#include "cmkd/harness/training_failed.h"
#include "cmkd/methods/source_code.h"
#include "cmkd/metrics/tagging.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/errors.h"
#include "cmkd/suites/task_metrics.h"

namespace cmkd {

namespace {

// Peak resident memory of this process since `reset_peak_memory`, in bytes (Linux: VmHWM).
double peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024;
  }
  return 0;
}

// What an earlier training freed is none of this one's.
void reset_peak_memory() {
  release_freed_memory();
  std::ofstream("/proc/self/clear_refs") << "5";
}

// How right the teacher is on what it teaches: top-1 of the averaged window scores, or the macro average precision
// where clips have tags.
Metric transfer_metric(const SuiteData& data, const TeacherOutputs& outputs) {
  const ClipList& list = data.listed.list;
  const auto count = static_cast<std::int64_t>(outputs.clips.size());
  const at::Tensor windows = list.multi_label ? outputs.logits.sigmoid() : outputs.logits.softmax(1);
  const at::Tensor scores = windows.to(at::kCPU).view({count, outputs.windows, -1}).mean(1).contiguous();
  TaskOutputs values;
  values.width = scores.size(1);
  values.values.assign(scores.const_data_ptr<float>(), scores.const_data_ptr<float>() + scores.numel());
  for (const std::int64_t index : outputs.clips) {
    const Clip& clip = list.clips[static_cast<std::size_t>(index)];
    values.labels.push_back(static_cast<std::int32_t>(clip.label));
    if (list.multi_label) values.tags.emplace_back(clip.tags.begin(), clip.tags.end());
  }
  TaskRules rules;
  rules.task = list.multi_label ? Task::kAudioTagging : Task::kActionRecognition;
  return task_metrics(rules, values, nullptr).front();
}

// How the classifier on features was fitted: no metrics of the reported split, but of the split "probe".
void add_probe(const ProbeFit& fit, results::EvaluationRecord& record) {
  const auto add = [&](const std::string& name, double value) {
    record.metrics.push_back({name, "probe", value, static_cast<std::int64_t>(record.outputs.clip_ids.size())});
  };
  add("regularisation", fit.regularisation);
  add("chosen_on_clips", fit.tried.empty() ? 0.0 : 1.0);
  add("converged", fit.converged ? 1.0 : 0.0);
  add("residual", fit.residual);
  for (const ProbeFit::Trial& trial : fit.tried) add(fmt::format("score_at_{}", trial.regularisation), trial.score);
}

// `judge`: the suite whose settings judge.
results::EvaluationRecord evaluate(const Suite& judge, const PlannedTraining& planned,
                                   const PlannedEvaluation& evaluation, const SuiteData& data, Trainer& trainer,
                                   const TeacherOutputs* teacher) {
  const double start = steady_seconds();
  const bool validation = planned.split == Split::kValidation;
  const std::vector<std::int64_t>& clips = validation ? trainer.roles().validation : trainer.roles().test;
  const auto count = static_cast<std::int64_t>(clips.size());
  const WindowReader reader = data.reader(judge.clip.values);
  const TaskEvaluation task = trainer.evaluation(judge, reader);
  results::EvaluationRecord record;
  record.key = evaluation.key;
  record.config_json = evaluation.config;
  record.training_key = planned.key;
  record.task = to_string(judge.general.values.task);
  record.protocol = to_string(judge.general.values.protocol);
  record.split = to_string(planned.split);
  record.shared_code = shared_code_hash();
  TaskEvaluation::Outcome outcome = task.run(trainer.predictor(judge.evaluation.values.features), clips);
  record.outputs = std::move(outcome.outputs);
  if (outcome.probe) add_probe(*outcome.probe, record);
  const at::Tensor of_teacher = teacher == nullptr ? at::Tensor() : teacher->test_scores_of(evaluation.judge);
  for (const Metric& metric : task.metrics(record.outputs, of_teacher)) {
    record.metrics.push_back({metric.name, record.split, metric.value, count});
  }
  record.measured["evaluation_seconds"] = steady_seconds() - start;
  return record;
}

// Whether the method noticed which clips were damaged: the area under the ROC curve of "is this clip's teacher side
// damaged?" by each of its signals, where less trust speaks for damage. The truth and the signals are kept as the
// outputs of an evaluation of their own.
void add_corruption_evidence(const PlannedTraining& planned, const SuiteData& data, Trainer& trainer,
                             std::vector<results::EvaluationRecord>& evaluations) {
  if (trainer.corruption() == nullptr) return;
  const TensorMap signals = trainer.clip_signals();
  if (signals.empty()) return;
  results::EvaluationRecord record;
  record.config_json = nlohmann::json{{"training", planned.key}, {"task", "corruption"}}.dump();
  record.key = hash_hex(record.config_json);
  record.training_key = planned.key;
  record.task = "corruption";
  record.protocol = evaluations.front().protocol;
  record.split = "transfer";
  record.shared_code = shared_code_hash();
  const std::vector<std::int64_t>& clips = trainer.roles().transfer;
  std::vector<std::uint8_t> damaged;
  for (const std::int64_t index : clips) {
    const Clip& clip = data.listed.list.clips[static_cast<std::size_t>(index)];
    damaged.push_back(trainer.corruption()->entries[static_cast<std::size_t>(index)].corrupted ? 1 : 0);
    record.outputs.clip_ids.push_back(clip.id);
    record.outputs.groups.push_back(clip.group);
    record.outputs.labels.push_back(damaged.back());
  }
  record.outputs.width = static_cast<std::int64_t>(signals.size());
  std::vector<at::Tensor> columns;
  for (const auto& [name, values] : signals) {
    const at::Tensor distrust = values.neg().contiguous();
    columns.push_back(values);
    const std::span<const float> scores(distrust.const_data_ptr<float>(), static_cast<std::size_t>(distrust.numel()));
    const std::optional<double> area = metrics::macro_roc_auc({scores, damaged, 1});
    if (!area) continue;  // all clips or none are damaged
    const results::MetricValue value{"corruption_auc_" + name, "transfer", *area,
                                     static_cast<std::int64_t>(clips.size())};
    record.metrics.push_back(value);
    for (results::EvaluationRecord& evaluation : evaluations) evaluation.metrics.push_back(value);
  }
  const at::Tensor table = at::stack(columns, 1).contiguous();
  record.outputs.scores.assign(table.const_data_ptr<float>(), table.const_data_ptr<float>() + table.numel());
  evaluations.push_back(std::move(record));
}

void write_teacher_outputs(const Suite& suite, const PlannedTraining& planned, const SuiteData& data, Trainer& trainer,
                           const RunFolder& folder, c10::Device device,
                           std::vector<results::EvaluationRecord>& evaluations) {
  TeacherOutputs outputs =
      compute_teacher_outputs(trainer.predictor(), trainer.model_shape(), trainer.roles().transfer, trainer.reader(),
                              suite.clip.values.windows, suite.evaluation.values.batch, device);
  outputs.weights = with_prefix(trainer.weights(), "student.");
  const Metric transfer = transfer_metric(data, outputs);
  for (std::size_t i = 0; i < evaluations.size(); ++i) {
    outputs.test_scores.emplace(planned.evaluations[i].judge, values_of(evaluations[i].outputs));
    evaluations[i].metrics.push_back(
        {transfer.name, "transfer", transfer.value, static_cast<std::int64_t>(outputs.clips.size())});
  }
  save_teacher_outputs(folder.teacher(planned.key), outputs, planned.key);
}

}  // namespace

results::TrainingRecord planned_record(const Suite& suite, const PlannedTraining& planned,
                                       const std::string& source_fingerprint) {
  results::TrainingRecord record;
  record.key = planned.key;
  record.config_json = planned.config;
  record.cell_key = planned.cell_key;
  record.dataset_fingerprint = source_fingerprint;
  record.method = planned.method;
  record.control = planned.control;
  record.label = planned.label;
  record.verified = to_string(method_registry().get(planned.method).verified);
  record.direction = suite.direction();
  record.student_model = planned.is_teacher ? suite.teacher.id : suite.student.id;
  record.teacher_model = planned.teacher_key.empty() ? "" : suite.teacher.id;
  record.teacher_key = planned.teacher_key;
  record.seed = planned.seed;
  record.shared_code = shared_code_hash();
  return record;
}

RunResult run_one(const Suite& whole, const PlannedTraining& planned, const SuiteData& data, const RunFolder& folder,
                  const RunOneOptions& options) {
  const Suite& suite = suite_of(whole, planned);
  RunResult result;
  result.training = planned_record(suite, planned, data.listed.source_fingerprint);
  result.training.environment.values = describe_runtime(options.device);
  add_build_info(result.training.environment.values);
  result.replaces = options.replaces;
  result.training.decoded_fingerprint = data.cache.decoded_fingerprint();
  reset_peak_memory();
  std::optional<TeacherOutputs> teacher;
  if (!planned.teacher_key.empty()) {
    teacher = load_teacher_outputs(folder.teacher(planned.teacher_key), planned.teacher_key, options.device);
  }
  try {
    TrainerOptions trainer_options{options.device, folder.checkpoint(planned.key), options.checkpoint_seconds,
                                   options.progress, options.make_graph};
    Trainer trainer(suite, planned, data, teacher ? &*teacher : nullptr, std::move(trainer_options));
    if (options.finished_weights.empty()) {
      trainer.run();
      trainer.fill(result.training);
    } else {
      copy_state(read_safetensors(options.finished_weights).tensors, trainer.weights(),
                 options.finished_weights.string());
      result.evaluation_only = true;
    }
    const auto is_wanted = [&](const std::string& key) {
      return !options.evaluations || std::ranges::find(*options.evaluations, key) != options.evaluations->end();
    };
    for (const PlannedEvaluation& one : planned.evaluations) {
      if (!planned.is_teacher && !is_wanted(one.key)) continue;
      result.evaluations.push_back(
          evaluate(suite_of(whole, one), planned, one, data, trainer, teacher ? &*teacher : nullptr));
    }
    if (planned.is_teacher) {
      write_teacher_outputs(suite, planned, data, trainer, folder, options.device, result.evaluations);
      std::erase_if(result.evaluations, [&](const auto& record) { return !is_wanted(record.key); });
    } else {
      add_corruption_evidence(planned, data, trainer, result.evaluations);
    }
    if (planned.budget.keep_weights && !result.evaluation_only) {
      SafetensorsFile weights{trainer.weights(), {{"training", planned.key}}};
      write_safetensors(folder.weights(planned.key), weights);
    }
  } catch (const TrainingFailed& failure) {
    result.training.status = results::RunStatus::kFailed;
    result.training.reason = failure.what();
    result.evaluations.clear();
  }
  result.training.measured["peak_memory_bytes"] = peak_memory_bytes();
  return result;
}

}  // namespace cmkd
