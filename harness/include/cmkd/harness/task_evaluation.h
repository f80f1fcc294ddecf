// What a trained network gives for a suite's task on a set of clips, and the metrics of it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/random.h"
#include "cmkd/datasets/split.h"
#include "cmkd/harness/feature_classifier.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/methods/training.h"
#include "cmkd/results/records.h"
#include "cmkd/suites/task_metrics.h"

namespace cmkd {

// What an evaluation on `clips` has outputs of, in order, without scores: these, and in retrieval the gallery behind
// them.
[[nodiscard]] results::ClipOutputs evaluated_clips(const Suite& suite, const SuiteData& data, const Roles& roles,
                                                   const std::vector<std::int64_t>& clips);

class TaskEvaluation {
 public:
  // All must outlive this. A classifier on features is fitted on `known`, the clips whose labels the training may see.
  TaskEvaluation(const Suite& suite, const SuiteData& data, const Roles& roles, std::vector<std::int64_t> known,
                 const WindowReader& reader, const RandomStreams& streams, c10::Device device);

  struct Outcome {
    results::ClipOutputs outputs;
    std::optional<ProbeFit> probe;  // of a classifier on features
  };
  // Per-clip outputs: of `clips`, and in retrieval of the gallery behind them.
  [[nodiscard]] Outcome run(const Predictor& predictor, const std::vector<std::int64_t>& clips) const;
  // `teacher` [same rows as outputs.scores, width] may be undefined. Throws TrainingFailed for outputs that are not
  // finite or that no cosine is defined for.
  [[nodiscard]] std::vector<Metric> metrics(const results::ClipOutputs& outputs, const at::Tensor& teacher) const;
  // The task's primary metric alone, of a fresh run; NaN where it is undefined on these clips.
  [[nodiscard]] double primary(const Predictor& predictor, const std::vector<std::int64_t>& clips) const;

 private:
  // [clips, width]: class probabilities, or in retrieval embeddings.
  [[nodiscard]] at::Tensor values(const Predictor& predictor, const std::vector<std::int64_t>& clips,
                                  const std::vector<std::int64_t>& queries, Outcome& outcome) const;

  const Suite& suite_;
  const SuiteData& data_;
  const Roles& roles_;
  std::vector<std::int64_t> known_;
  const WindowReader& reader_;
  const RandomStreams& streams_;
  c10::Device device_;
};

[[nodiscard]] TaskRules task_rules(const Suite& suite);
// [N, width] of what the outputs hold.
[[nodiscard]] at::Tensor values_of(const results::ClipOutputs& outputs);

}  // namespace cmkd
