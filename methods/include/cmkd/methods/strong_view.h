// A second, strongly augmented view of a batch, for methods that train on two views (mlld).
#pragma once

#include <ATen/core/Tensor.h>

#include "cmkd/runtime/batch.h"

namespace cmkd {

// Changes what a class does not depend on, clip by clip, the same way over the whole clip (motion stays what it is):
//   video [B, 3, T, H, W]  contrast x 0.6 … 1.4, brightness ± 0.4 (normalised units), a hidden square of half the
//                          height and width at a random place
//   audio [B, n]           gain ± 6 dB, white noise 20 … 40 dB below the clip's power, a silenced stretch of up to a
//                          fifth of the time
// The magnitudes are this suite's choice: the image augmentations of the literature (RandAugment) have no counterpart
// for waveforms, and turn or mirror what is the class of a motion. Draws come from LibTorch's generator of the host,
// which the harness seeds before each step, so that they are the same on every device.
[[nodiscard]] at::Tensor strong_view(const at::Tensor& input, Modality modality);

}  // namespace cmkd
