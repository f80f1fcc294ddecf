// What a trained network gives for a suite's task on a set of clips, and the metrics of it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/datasets/split.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/methods/training.h"
#include "cmkd/results/records.h"
#include "cmkd/suites/task_metrics.h"

namespace cmkd {

class TaskEvaluation {
 public:
  // All must outlive this.
  TaskEvaluation(const Suite& suite, const SuiteData& data, const Roles& roles, const WindowReader& reader,
                 c10::Device device);

  // Per-clip outputs: of `clips`, and in retrieval of the gallery behind them.
  [[nodiscard]] results::ClipOutputs run(const Predictor& predictor, const std::vector<std::int64_t>& clips) const;
  // `teacher` [same rows as outputs.scores, width] may be undefined. Throws TrainingFailed for outputs that are not
  // finite or that no cosine is defined for.
  [[nodiscard]] std::vector<Metric> metrics(const results::ClipOutputs& outputs, const at::Tensor& teacher) const;
  // The task's primary metric alone, of a fresh run; NaN where it is undefined on these clips.
  [[nodiscard]] double primary(const Predictor& predictor, const std::vector<std::int64_t>& clips) const;

 private:
  [[nodiscard]] std::vector<std::int64_t> gallery() const;

  const Suite& suite_;
  const SuiteData& data_;
  const Roles& roles_;
  const WindowReader& reader_;
  c10::Device device_;
};

[[nodiscard]] TaskRules task_rules(const Suite& suite);
// [N, width] of what the outputs hold.
[[nodiscard]] at::Tensor values_of(const results::ClipOutputs& outputs);

}  // namespace cmkd
