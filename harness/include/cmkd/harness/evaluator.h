// Forward passes without gradient over windows of clips, and scores averaged over views.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "cmkd/datasets/batcher.h"
#include "cmkd/methods/training.h"

namespace cmkd {

// Calls `sink` with the outputs of consecutive batches over all (clip, window) pairs, clip-major, in eval mode and
// without gradient. The predictor's modules are in train mode again afterwards. `test` chooses test views instead of
// training windows.
void forward_windows(const Predictor& predictor, const std::vector<std::int64_t>& clips, std::int64_t windows,
                     bool test, const WindowReader& reader, std::int64_t batch_size, c10::Device device,
                     const std::function<void(const ModelOutput&)>& sink);

// Softmax scores of each clip, averaged over its views: [N, C] float on the host.
[[nodiscard]] at::Tensor evaluate_scores(const Predictor& predictor, const std::vector<std::int64_t>& clips,
                                         std::int64_t views, const WindowReader& reader, std::int64_t batch_size,
                                         c10::Device device);

}  // namespace cmkd
