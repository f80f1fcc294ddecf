// What the models see of one clip, read by the code that makes batches: for people who look for wrong data.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/harness/batch_source.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/models/log_mel.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// One fold and seed of a suite: who learns from which clip, and what is done to the teacher's side.
struct SuiteCell {
  const Suite* suite = nullptr;  // the suite, or one of its variants
  std::string fold;
  std::int64_t seed = 0;
  std::unique_ptr<BatchSource> student;  // with a teacher beside, and the labels that most methods see
  std::unique_ptr<BatchSource> teacher;  // of the teacher's own training
};
// All of them: variants, then folds, then seeds. `suite` and `data` must outlive them.
[[nodiscard]] std::vector<SuiteCell> suite_cells(const Suite& suite, const SuiteData& data);

// "teacher", "transfer", "labelled", "validation", "test": in this order; none for a clip that is not used.
[[nodiscard]] std::vector<std::string> roles_of(const Roles& roles, std::int64_t clip);

// The log-mel spectrogram that a model of the suite begins with; null for one that has none.
[[nodiscard]] std::shared_ptr<LogMel> log_mel_of(const Suite& suite, const ModelEntry& entry, const SuiteData& data);

// Undefined where the clip has no such part.
struct SeenClip {
  at::Tensor frames;   // [3, T, h, w] uint8, cropped, not mirrored, not normalised
  at::Tensor samples;  // [n] float mono, or the values of a feature
};

// Which part of a clip: a training window, or a view at test.
struct ClipWindow {
  bool test = false;
  std::int64_t index = 0;
};

struct ClipView {
  ClipDraw draw;
  WindowPlace place;
  SeenClip clip;                       // as it is
  std::optional<SeenClip> of_teacher;  // the teacher's modality, where it is damaged for the teacher
};
// What a trained masked autoencoder rebuilds of a clip's window.
struct RebuiltClip {
  at::Tensor masked_frames;  // [3, T, h, w] uint8, hidden patches grey; undefined where no picture is rebuilt
  at::Tensor rebuilt_frames;
  at::Tensor spectrogram;  // [F, T] float, as the network takes it; undefined where no sound is rebuilt
  at::Tensor masked_spectrogram;
  at::Tensor rebuilt_spectrogram;
  double hidden_error = 0;  // mean squared error of hidden pixels, in the network's units
};
// By the weights of a training of `suite` that was kept (training.keep_weights); what is hidden depends on the clip
// alone. Throws Error(kUsage) for a method that rebuilds nothing, Error(kData) for weights of another network.
[[nodiscard]] RebuiltClip rebuild_clip(const Suite& suite, const SuiteData& data, const PlannedTraining& planned,
                                       const std::filesystem::path& weights, std::int64_t clip,
                                       const ClipWindow& window);

// Of a clip that is not excluded. The window is one that the suite has.
[[nodiscard]] ClipView view_clip(const SuiteCell& cell, const SuiteData& data, std::int64_t clip,
                                 const ClipWindow& window);

}  // namespace cmkd
