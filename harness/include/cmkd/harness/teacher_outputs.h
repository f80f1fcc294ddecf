// The frozen teacher's outputs, computed once for every clip and window and read by all students of the cell.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/methods/training.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

// Rows are (clip, window), clip-major: row = position in `clips` * windows + window. On the host in files, on the
// device in use.
struct TeacherOutputs {
  std::vector<std::int64_t> clips;  // ascending positions in the clip list: the transfer clips
  std::int64_t windows = 1;
  at::Tensor logits;     // [N * K, C]
  at::Tensor embedding;  // [N * K, D]
  // Whose outputs a clip gets (positions in `clips`); empty: its own.
  std::vector<std::int64_t> source;
  TensorMap weights;  // of the teacher network, on the host
  // By judge (PlannedEvaluation::judge): [M, width], what the evaluation keeps of each clip (results::ClipOutputs).
  TensorMap test_scores;
  ModelShape shape;  // of the teacher network

  // The row of a clip's window.
  [[nodiscard]] std::int64_t row_of(std::int64_t clip, std::int64_t window) const;
  // The rows of a batch's clips and windows.
  [[nodiscard]] at::Tensor rows(const Batch& batch) const;
  // The clip whose outputs `clip` gets.
  [[nodiscard]] std::int64_t source_of(std::int64_t clip) const;
  // What `judge` has of the teacher. Throws Error(kData) when that is not known.
  [[nodiscard]] const at::Tensor& test_scores_of(const std::string& judge) const;
  // [number of clips] int64 on the host: the argmax of each clip's logits, averaged over its windows.
  [[nodiscard]] at::Tensor pseudo_labels() const;
};

// One forward pass over the transfer clips' windows, in eval mode.
[[nodiscard]] TeacherOutputs compute_teacher_outputs(const Predictor& teacher, const ModelShape& shape,
                                                     const std::vector<std::int64_t>& clips, const WindowReader& reader,
                                                     std::int64_t windows, std::int64_t batch_size, c10::Device device);

void save_teacher_outputs(const std::filesystem::path& file, const TeacherOutputs& outputs,
                          const std::string& teacher_key);
// Throws Error(kData) when the file is broken or belongs to another teacher.
[[nodiscard]] TeacherOutputs load_teacher_outputs(const std::filesystem::path& file, const std::string& teacher_key,
                                                  c10::Device device);

// Whether the file holds the test scores of all these judges. Throws Error(kData) when it is broken.
[[nodiscard]] bool has_test_scores(const std::filesystem::path& file, const std::vector<std::string>& judges);

// What a control does to the teacher: another clip's outputs, fixed for the whole training. `pseudo_labels` stay the
// clip's own. "shuffled-teacher": a permutation of all transfer clips. "shuffled-within-class": of the clips with the
// same pseudo-label, so that only what the teacher says of the single clip is lost.
[[nodiscard]] TeacherOutputs shuffle_teacher(const TeacherOutputs& outputs, const std::string& control,
                                             RandomStream stream);

}  // namespace cmkd
