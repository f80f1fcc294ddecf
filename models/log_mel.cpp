#include "cmkd/models/log_mel.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace cmkd {

namespace {

// Slaney's mel scale (Auditory Toolbox, 1998): linear below 1000 Hz, logarithmic above; or HTK's.
double hz_to_mel(double hz, bool htk) {
  if (htk) return 2595.0 * std::log10(1.0 + hz / 700.0);
  constexpr double kLinear = 200.0 / 3.0;  // Hz a mel below 1 kHz
  const double step = std::log(6.4) / 27.0;
  return hz < 1000.0 ? hz / kLinear : 1000.0 / kLinear + std::log(hz / 1000.0) / step;
}

double mel_to_hz(double mel, bool htk) {
  if (htk) return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
  constexpr double kLinear = 200.0 / 3.0;
  const double step = std::log(6.4) / 27.0;
  constexpr double kBreak = 1000.0 / kLinear;
  return mel < kBreak ? mel * kLinear : 1000.0 * std::exp(step * (mel - kBreak));
}

}  // namespace

at::Tensor mel_filterbank(const LogMelOptions& options) {
  const double f_max = options.f_max > 0 ? options.f_max : static_cast<double>(options.sample_rate) / 2;
  const double low = hz_to_mel(options.f_min, options.htk_scale);
  const double high = hz_to_mel(f_max, options.htk_scale);
  std::vector<double> edges;  // n_mels + 2 corner frequencies in Hz
  for (std::int64_t i = 0; i < options.n_mels + 2; ++i) {
    const double mel = low + (high - low) * static_cast<double>(i) / static_cast<double>(options.n_mels + 1);
    edges.push_back(mel_to_hz(mel, options.htk_scale));
  }
  const std::int64_t bins = options.n_fft / 2 + 1;
  at::Tensor filters = at::zeros({options.n_mels, bins}, at::kDouble);
  auto* out = filters.mutable_data_ptr<double>();
  for (std::int64_t mel = 0; mel < options.n_mels; ++mel) {
    const auto index = static_cast<std::size_t>(mel);
    const double norm = options.slaney_norm ? 2.0 / (edges[index + 2] - edges[index]) : 1.0;
    for (std::int64_t bin = 0; bin < bins; ++bin) {
      const double hz =
          static_cast<double>(bin) * static_cast<double>(options.sample_rate) / static_cast<double>(options.n_fft);
      const double rising = (hz - edges[index]) / (edges[index + 1] - edges[index]);
      const double falling = (edges[index + 2] - hz) / (edges[index + 2] - edges[index + 1]);
      out[mel * bins + bin] = norm * std::max(0.0, std::min(rising, falling));
    }
  }
  return filters;
}

LogMel::LogMel(const LogMelOptions& options) : options_(options) {
  // Periodic Hann window in double: rounded once, to the type of the sound.
  window_ = at::empty({options.n_fft}, at::kDouble);
  for (std::int64_t i = 0; i < options.n_fft; ++i) {
    const double phase = 2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(options.n_fft);
    window_.mutable_data_ptr<double>()[i] = 0.5 - 0.5 * std::cos(phase);
  }
  filterbank_ = mel_filterbank(options);
}

at::Tensor LogMel::padded(const at::Tensor& waveform) const {
  const std::int64_t half = options_.n_fft / 2;
  if (!options_.pad_reflect) return at::constant_pad_nd(waveform, {half, half});
  // Reflection by index: reflection padding has no deterministic backward on CUDA.
  const std::int64_t samples = waveform.size(-1);
  at::Tensor index = at::arange(-half, samples + half, waveform.options().dtype(at::kLong)).abs();
  index = (samples - 1) - (index - (samples - 1)).abs();
  return waveform.index_select(-1, index);
}

at::Tensor LogMel::power_mel(const at::Tensor& waveform) {
  if (window_.scalar_type() != waveform.scalar_type() || window_.device() != waveform.device()) {
    window_ = window_.to(waveform.options());
    filterbank_ = mel_filterbank(options_).to(waveform.options());
  }
  const at::Tensor spectrum = at::stft(padded(waveform), options_.n_fft, options_.hop_length, options_.n_fft, window_,
                                       /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true);
  const at::Tensor parts = at::view_as_real(spectrum);
  return at::matmul(filterbank_, parts.square().sum(-1));
}

at::Tensor LogMel::forward(const at::Tensor& waveform) { return (power_mel(waveform) + options_.log_eps).log(); }

}  // namespace cmkd
