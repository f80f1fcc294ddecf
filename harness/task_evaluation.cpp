#include "cmkd/harness/task_evaluation.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "cmkd/core/error.h"
#include "cmkd/harness/evaluator.h"
#include "cmkd/harness/feature_classifier.h"
#include "cmkd/harness/training_failed.h"
#include "cmkd/suites/tiled_ranking.h"

namespace cmkd {

namespace {

void add_clips(const ClipList& list, const std::vector<std::int64_t>& clips, results::ClipOutputs& outputs) {
  for (const std::int64_t index : clips) {
    const Clip& clip = list.clips[static_cast<std::size_t>(index)];
    outputs.clip_ids.push_back(clip.id);
    outputs.groups.push_back(clip.group);
    outputs.labels.push_back(static_cast<std::int32_t>(clip.label));
    if (list.multi_label) outputs.tags.emplace_back(clip.tags.begin(), clip.tags.end());
  }
}

// The positions of what an evaluation looks at.
std::vector<std::int64_t> with_gallery(const Suite& suite, const Roles& roles, const std::vector<std::int64_t>& clips) {
  std::vector<std::int64_t> all = clips;
  const bool searches_training =
      suite.general.values.task == Task::kRetrieval && suite.evaluation.values.gallery != Gallery::kLeaveOneOut;
  // The training split: the clips of teacher and student.
  if (searches_training) std::ranges::set_union(roles.teacher, roles.transfer, std::back_inserter(all));
  return all;
}

TaskOutputs as_task_outputs(const results::ClipOutputs& outputs) {
  return {outputs.labels, outputs.tags, outputs.width, outputs.scores, outputs.queries};
}

}  // namespace

TaskRules task_rules(const Suite& suite) {
  return {suite.general.values.task,
          suite.general.values.protocol,
          suite.evaluation.values.truncate_at,
          suite.student.modality,
          suite.teacher.modality,
          suite.evaluation.values.features == FeatureSource::kBoth};
}

at::Tensor values_of(const results::ClipOutputs& outputs) {
  at::Tensor values = at::empty({static_cast<std::int64_t>(outputs.clip_ids.size()), outputs.width}, at::kFloat);
  std::ranges::copy(outputs.scores, values.mutable_data_ptr<float>());
  return values;
}

TaskEvaluation::TaskEvaluation(const Suite& suite, const SuiteData& data, const Roles& roles,
                               std::vector<std::int64_t> known, const WindowReader& reader,
                               const RandomStreams& streams, c10::Device device)
    : suite_(suite),
      data_(data),
      roles_(roles),
      known_(std::move(known)),
      reader_(reader),
      streams_(streams),
      device_(device) {}

at::Tensor TaskEvaluation::values(const Predictor& predictor, const std::vector<std::int64_t>& clips,
                                  const std::vector<std::int64_t>& queries, Outcome& outcome) const {
  const bool retrieval = suite_.general.values.task == Task::kRetrieval;
  if (!retrieval && suite_.evaluation.values.classifier != Classifier::kNetwork) {
    // Strict: the reported clips choose nothing.
    ProbeClips probe{known_, suite_.general.values.protocol == Protocol::kPaper ? queries : roles_.validation};
    const ProbedScores probed =
        classify_by_features(suite_, data_, probe, clips, predictor, reader_, streams_, device_);
    outcome.probe = probed;
    return probed.probabilities;
  }
  const ViewAveraging averaging{suite_.evaluation.values.average == ViewAverage::kLogits,
                                data_.listed.list.multi_label};
  const ClipScores scores = score_clips(predictor, clips, reader_, averaging, suite_.evaluation.values.batch, device_);
  return retrieval ? scores.embeddings : scores.probabilities;
}

results::ClipOutputs evaluated_clips(const Suite& suite, const SuiteData& data, const Roles& roles,
                                     const std::vector<std::int64_t>& clips) {
  results::ClipOutputs outputs;
  add_clips(data.listed.list, with_gallery(suite, roles, clips), outputs);
  if (suite.general.values.task == Task::kRetrieval) outputs.queries = static_cast<std::int64_t>(clips.size());
  return outputs;
}

TaskEvaluation::Outcome TaskEvaluation::run(const Predictor& predictor, const std::vector<std::int64_t>& clips) const {
  Outcome outcome;
  const at::Tensor values = this->values(predictor, with_gallery(suite_, roles_, clips), clips, outcome);
  results::ClipOutputs& outputs = outcome.outputs;
  outputs = evaluated_clips(suite_, data_, roles_, clips);
  outputs.width = values.size(1);
  outputs.scores.assign(values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel());
  return outcome;
}

std::vector<Metric> TaskEvaluation::metrics(const results::ClipOutputs& outputs, const at::Tensor& teacher) const {
  const auto bad = std::ranges::find_if(outputs.scores, [](float value) { return !std::isfinite(value); });
  if (bad != outputs.scores.end()) throw TrainingFailed("the trained network's outputs are not all finite");
  std::optional<TaskOutputs> of_teacher;
  if (teacher.defined()) {
    of_teacher = as_task_outputs(outputs);
    of_teacher->width = teacher.size(1);
    const at::Tensor values = teacher.contiguous();
    of_teacher->values.assign(values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel());
  }
  try {
    return task_metrics(task_rules(suite_), as_task_outputs(outputs), of_teacher ? &*of_teacher : nullptr);
  } catch (const UnusableEmbedding& error) {
    throw TrainingFailed(error.parts().what);
  }
}

double TaskEvaluation::primary(const Predictor& predictor, const std::vector<std::int64_t>& clips) const {
  const std::string& name = task_info(suite_.general.values.task).primary_metric;
  const std::vector<Metric> values = metrics(run(predictor, clips).outputs, {});
  const auto found = std::ranges::find(values, name, &Metric::name);
  return found == values.end() ? std::numeric_limits<double>::quiet_NaN() : found->value;
}

}  // namespace cmkd
