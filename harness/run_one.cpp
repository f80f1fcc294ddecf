#include "cmkd/harness/run_one.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "cmkd/core/clock.h"
#include "cmkd/core/error.h"
#include "cmkd/harness/build_info.h"
#include "cmkd/harness/evaluator.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/errors.h"
#include "cmkd/suites/action_recognition.h"

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

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

results::ClipOutputs clip_outputs(const SuiteData& data, const std::vector<std::int64_t>& clips,
                                  const at::Tensor& scores) {
  results::ClipOutputs outputs;
  for (const std::int64_t index : clips) {
    const Clip& clip = data.listed.list.clips[static_cast<std::size_t>(index)];
    outputs.clip_ids.push_back(clip.id);
    outputs.groups.push_back(clip.group);
    outputs.labels.push_back(static_cast<std::int32_t>(clip.label));
  }
  outputs.classes = scores.size(1);
  const at::Tensor host = scores.contiguous();
  outputs.scores.assign(host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel());
  return outputs;
}

std::span<const float> values_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

// Share of `clips` whose true label the averaged window scores name: how right the teacher is on what it teaches.
double transfer_accuracy(const SuiteData& data, const TeacherOutputs& outputs) {
  const auto count = static_cast<std::int64_t>(outputs.clips.size());
  const at::Tensor predicted = outputs.logits.softmax(1).view({count, outputs.windows, -1}).mean(1).argmax(1);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const Clip& clip = data.listed.list.clips[static_cast<std::size_t>(outputs.clips[static_cast<std::size_t>(i)])];
    if (predicted.const_data_ptr<std::int64_t>()[i] == clip.label) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

struct Evaluated {
  results::EvaluationRecord record;
  at::Tensor scores;  // [M, C] on the test clips
};

Evaluated evaluate(const Suite& suite, const PlannedTraining& planned, const SuiteData& data, Trainer& trainer,
                   const TeacherOutputs* teacher, c10::Device device) {
  const double start = steady_seconds();
  const std::int64_t batch = suite.evaluation.values.integer("batch");
  const std::int64_t views = suite.window_settings().test_views;
  const bool validation = planned.split == "validation";
  const std::vector<std::int64_t>& clips = validation ? trainer.roles().validation : trainer.roles().test;
  Evaluated evaluated;
  evaluated.scores = evaluate_scores(trainer.predictor(), clips, views, trainer.reader(), batch, device).contiguous();
  if (!evaluated.scores.isfinite().all().item<bool>()) {
    throw TrainingFailed("the trained network's scores are not all finite");
  }
  results::EvaluationRecord& record = evaluated.record;
  record.key = planned.evaluation_key;
  record.config_json = planned.evaluation_config;
  record.training_key = planned.key;
  record.task = suite.general.values.text("task");
  record.protocol = suite.general.values.text("protocol");
  record.split = planned.split;
  record.outputs = clip_outputs(data, clips, evaluated.scores);
  const at::Tensor teacher_scores = teacher == nullptr ? at::Tensor() : teacher->test_scores.contiguous();
  for (const Metric& metric : action_recognition_metrics(values_of(evaluated.scores), record.outputs.labels,
                                                         record.outputs.classes, values_of(teacher_scores))) {
    record.metrics.push_back({metric.name, planned.split, metric.value, static_cast<std::int64_t>(clips.size())});
  }
  record.measured["evaluation_seconds"] = steady_seconds() - start;
  return evaluated;
}

void write_teacher_outputs(const Suite& suite, const PlannedTraining& planned, const SuiteData& data, Trainer& trainer,
                           const RunFolder& folder, c10::Device device, Evaluated& evaluated) {
  TeacherOutputs outputs =
      compute_teacher_outputs(trainer.predictor(), trainer.model_shape(), trainer.roles().transfer, trainer.reader(),
                              suite.window_settings().windows, suite.evaluation.values.integer("batch"), device);
  outputs.test_scores = evaluated.scores;
  outputs.weights = with_prefix(trainer.weights(), "student.");
  evaluated.record.metrics.push_back(
      {"top1", "transfer", transfer_accuracy(data, outputs), static_cast<std::int64_t>(outputs.clips.size())});
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
  return record;
}

RunResult run_one(const Suite& suite, const PlannedTraining& planned, const SuiteData& data, const RunFolder& folder,
                  const RunOneOptions& options) {
  RunResult result;
  result.training = planned_record(suite, planned, data.listed.source_fingerprint);
  result.training.environment.values = describe_runtime(options.device);
  add_build_info(result.training.environment.values);
  result.training.decoded_fingerprint = data.cache.decoded_fingerprint();
  reset_peak_memory();
  std::optional<TeacherOutputs> teacher;
  if (!planned.teacher_key.empty()) {
    teacher = load_teacher_outputs(folder.teacher(planned.teacher_key), planned.teacher_key, options.device);
  }
  try {
    TrainerOptions trainer_options{options.device, folder.checkpoint(planned.key), options.checkpoint_seconds,
                                   options.progress};
    Trainer trainer(suite, planned, data, teacher ? &*teacher : nullptr, std::move(trainer_options));
    if (options.finished_weights.empty()) {
      trainer.run();
      trainer.fill(result.training);
    } else {
      copy_state(read_safetensors(options.finished_weights).tensors, trainer.weights(),
                 options.finished_weights.string());
      result.evaluation_only = true;
    }
    Evaluated evaluated = evaluate(suite, planned, data, trainer, teacher ? &*teacher : nullptr, options.device);
    if (planned.is_teacher) write_teacher_outputs(suite, planned, data, trainer, folder, options.device, evaluated);
    result.evaluations.push_back(std::move(evaluated.record));
    if (planned.budget.boolean("keep_weights") && !result.evaluation_only) {
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
