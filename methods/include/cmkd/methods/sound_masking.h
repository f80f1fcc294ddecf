// Changes of sound for finetuning: volume, and silenced stretches of time and bands of frequency after SpecAugment
// (Park et al. 2019, arXiv 1904.08779). They act on the waveform, so that any network that hears can be trained with
// them: what a log-mel spectrogram then has there is silence.
//
// Waveforms [B, n] float. Bands are shares of HTK's mel scale from 0 Hz to half the sample rate, taken to be 8 kHz: 1/8
// of the scale is 10 of 80 bands.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "cmkd/core/random.h"

namespace cmkd {

struct SoundMaskOptions {
  double volume = 0.0;          // factor 1 ± volume
  std::int64_t time_masks = 0;  // of each clip
  double time_share = 0.0;      // longest stretch, of the window
  std::int64_t band_masks = 0;
  double band_share = 0.0;  // widest band, of the mel scale
};

struct ShareRange {
  double from = 0;  // shares of the whole, 0 … 1
  double to = 0;
};

// ranges [B]. A sample i of n is silent when from <= i / n < to.
[[nodiscard]] at::Tensor silence_stretches(const at::Tensor& waveform, const std::vector<ShareRange>& ranges);
// What lies from <= mel(f) / mel(8 kHz) < to is taken out of the spectrum of the whole window. An empty range changes
// nothing beyond rounding.
[[nodiscard]] at::Tensor silence_bands(const at::Tensor& waveform, const std::vector<ShareRange>& ranges);

[[nodiscard]] at::Tensor mask_sound(const at::Tensor& waveform, const SoundMaskOptions& options, RandomStream& stream);

}  // namespace cmkd
