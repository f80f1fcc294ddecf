// Where a training stands, in one file: written atomically, verified when read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/results/records.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

// The position and everything that is accumulated. Weights, optimisers and method state are in `tensors`.
struct Checkpoint {
  std::string key;          // of the training
  std::string shared_code;  // of the program that wrote it
  std::int64_t phase = 0;   // index
  std::int64_t epoch = 0;   // within the phase: the epoch that comes next or is under way
  std::int64_t step = 0;    // within the epoch: the step that comes next
  std::string initial_weights_fingerprint;
  std::string batch_order;   // hash chain over the clips of every step of the last phase so far
  std::string augmentation;  // hash chain over the windows, crops and mirrorings of these steps
  std::vector<results::EpochValue> epochs;
  double best_validation = -1;
  std::int64_t selected_epoch = -1;
  double seconds = 0;                  // of training so far, over all sessions: measured, not part of the result
  double validation_seconds = 0;       // of these, spent on the validation clips
  std::vector<std::string> sum_names;  // of the epoch under way: "term.kd"; their sums are the tensor "sums"
  TensorMap tensors;
};

void save_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint);

// Nothing when there is no file. A file that is broken or of another training is an Error(kData).
[[nodiscard]] std::optional<Checkpoint> load_checkpoint(const std::filesystem::path& file, const std::string& key);

}  // namespace cmkd
