// Metrics of a task from what the store keeps of an evaluation, and from nothing else: what a run records can be
// computed again from its per-clip outputs.
#pragma once

#include <cstdint>
#include <vector>

#include "cmkd/runtime/batch.h"
#include "cmkd/suites/task.h"

namespace cmkd {

// An evaluation's per-clip outputs, row-major.
struct TaskOutputs {
  std::vector<std::int32_t> labels;             // [N]; −1 in a multi-label set
  std::vector<std::vector<std::int32_t>> tags;  // [N] in a multi-label set; empty in others
  std::int64_t width = 0;                       // classes, or the embedding's width
  std::vector<float> values;                    // [N, width] class probabilities; retrieval: embeddings
  std::int64_t queries = 0;                     // retrieval: the first clips ask; N: each, left out of its own gallery
};

struct TaskRules {
  Task task = Task::kActionRecognition;
  Protocol protocol = Protocol::kStrict;
  std::int64_t truncate_at = 0;  // retrieval under Protocol::kPaper
  Modality student_modality = Modality::kVideo;
  Modality teacher_modality = Modality::kVideo;  // when there is a teacher
  // evaluation.features = "both": an embedding is that of the video encoder, then that of the sound's, equally wide.
  bool joined_embeddings = false;
};

// `teacher` (may be null) are the teacher's outputs for the same clips. Throws UnusableEmbedding (tiled_ranking.h).
[[nodiscard]] std::vector<Metric> task_metrics(const TaskRules& rules, const TaskOutputs& outputs,
                                               const TaskOutputs* teacher);

}  // namespace cmkd
