// Log-mel spectrogram on the device, by LibTorch's stft; equal to librosa's (see tests/vectors/log_mel).
#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace cmkd {

struct LogMelOptions {
  std::int64_t sample_rate = 16000;  // Hz
  std::int64_t n_fft = 512;          // window and FFT length in samples (Hann, periodic)
  std::int64_t hop_length = 160;     // samples
  std::int64_t n_mels = 64;
  double f_min = 0;                         // Hz
  double f_max = 0;                         // Hz; 0: half the sample rate
  bool pad_reflect = false;                 // frames are centred; the ends are reflected, or zero
  bool slaney_norm = true;                  // each filter divided by its bandwidth in Hz
  bool htk_scale = false;                   // mel = 2595 log10(1 + f/700) instead of Slaney's
  double log_eps = 1.1920928955078125e-07;  // added before the natural logarithm
};

// Triangular filters [n_mels, n_fft / 2 + 1], double.
[[nodiscard]] at::Tensor mel_filterbank(const LogMelOptions& options);

// A module without parameters; its buffers are rebuilt from the options and are no part of a state dict.
class LogMel : public torch::nn::Module {
 public:
  explicit LogMel(const LogMelOptions& options);

  [[nodiscard]] at::Tensor power_mel(const at::Tensor& waveform);  // [..., n] -> [..., n_mels, frames]
  [[nodiscard]] at::Tensor forward(const at::Tensor& waveform);    // ln(power_mel + log_eps)

 private:
  [[nodiscard]] at::Tensor padded(const at::Tensor& waveform) const;

  LogMelOptions options_;
  at::Tensor filterbank_;  // in the waveform's type and on its device
  at::Tensor window_;
};

}  // namespace cmkd
