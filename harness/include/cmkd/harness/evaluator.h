// Forward passes without gradient over windows of clips, and outputs averaged over views.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/methods/training.h"

namespace cmkd {

enum class WindowKind { kTraining, kTestViews };

// Calls `sink` with the outputs of consecutive batches over all (clip, window) pairs, clip-major, in eval mode and
// without gradient. The predictor's modules are in train mode again afterwards.
void forward_windows(const Predictor& predictor, const std::vector<std::int64_t>& clips, std::int64_t windows,
                     WindowKind kind, const WindowReader& reader, std::int64_t batch_size, c10::Device device,
                     const std::function<void(const ModelOutput&)>& sink);

// The same over draws of any kind, in their order.
void forward_draws(const Predictor& predictor, const std::vector<ClipDraw>& draws, const WindowReader& reader,
                   std::int64_t batch_size, c10::Device device, const std::function<void(const ModelOutput&)>& sink);

// How the outputs of a clip's views become the clip's.
struct ViewAveraging {
  bool logits = false;       // average logits and take probabilities of the mean, instead of averaging probabilities
  bool multi_label = false;  // probabilities are sigmoids instead of a softmax
};

// On the host, float, averaged over all views at test.
struct ClipScores {
  at::Tensor probabilities;  // [N, C]; undefined of a network without a classifier
  at::Tensor embeddings;     // [N, D]
};
[[nodiscard]] ClipScores score_clips(const Predictor& predictor, const std::vector<std::int64_t>& clips,
                                     const WindowReader& reader, const ViewAveraging& averaging,
                                     std::int64_t batch_size, c10::Device device);

}  // namespace cmkd
