#include "cmkd/methods/sound_masking.h"

#include <ATen/ATen.h>

#include <cmath>

namespace cmkd {

namespace {

// HTK's mel(f) = 2595 log10(1 + f / 700) as a share of mel(8 kHz); `share` of 8 kHz.
at::Tensor mel_share_of(const at::Tensor& share) {
  constexpr double kTop = 8000.0 / 700.0;
  return (1 + kTop * share).log() / std::log(1 + kTop);
}

// [B, places]: whether a place lies in the clip's range. `places` [places] double, on the host.
at::Tensor places_in(const at::Tensor& places, const std::vector<ShareRange>& ranges) {
  std::vector<double> from;
  std::vector<double> to;
  for (const ShareRange& range : ranges) {
    from.push_back(range.from);
    to.push_back(range.to);
  }
  const at::Tensor first = at::tensor(from, at::kDouble).unsqueeze(1);
  const at::Tensor last = at::tensor(to, at::kDouble).unsqueeze(1);
  return places.unsqueeze(0).ge(first).logical_and(places.unsqueeze(0).lt(last));
}

ShareRange draw_share_range(double widest, RandomStream& stream) {
  const double width = stream.uniform(0, widest);
  const double from = stream.uniform(0, 1 - width);
  return {from, from + width};
}

std::vector<ShareRange> draw_share_ranges(std::int64_t clips, double widest, RandomStream& stream) {
  std::vector<ShareRange> ranges;
  for (std::int64_t clip = 0; clip < clips; ++clip) ranges.push_back(draw_share_range(widest, stream));
  return ranges;
}

}  // namespace

at::Tensor silence_stretches(const at::Tensor& waveform, const std::vector<ShareRange>& ranges) {
  const std::int64_t samples = waveform.size(1);
  const at::Tensor places = at::arange(samples, at::kDouble) / static_cast<double>(samples);
  return waveform.masked_fill(places_in(places, ranges).to(waveform.device()), 0);
}

at::Tensor silence_bands(const at::Tensor& waveform, const std::vector<ShareRange>& ranges) {
  const std::int64_t samples = waveform.size(1);
  const at::Tensor spectrum = at::fft_rfft(waveform);
  // Line k of a window of n samples is at 2k / n of half the sample rate.
  const at::Tensor frequency = at::arange(spectrum.size(1), at::kDouble) * (2.0 / static_cast<double>(samples));
  const at::Tensor masked = places_in(mel_share_of(frequency), ranges).to(waveform.device());
  return at::fft_irfft(spectrum.masked_fill(masked, 0), samples);
}

at::Tensor mask_sound(const at::Tensor& waveform, const SoundMaskOptions& options, RandomStream& stream) {
  const std::int64_t clips = waveform.size(0);
  at::Tensor sound = waveform;
  if (options.volume > 0) {
    std::vector<double> factors;
    for (std::int64_t clip = 0; clip < clips; ++clip)
      factors.push_back(stream.uniform(1 - options.volume, 1 + options.volume));
    sound = sound * at::tensor(factors, at::kDouble).unsqueeze(1).to(sound.options());
  }
  // Bands first: afterwards a silenced stretch would ring.
  for (std::int64_t i = 0; i < options.band_masks && options.band_share > 0; ++i)
    sound = silence_bands(sound, draw_share_ranges(clips, options.band_share, stream));
  for (std::int64_t i = 0; i < options.time_masks && options.time_share > 0; ++i)
    sound = silence_stretches(sound, draw_share_ranges(clips, options.time_share, stream));
  return sound;
}

}  // namespace cmkd
