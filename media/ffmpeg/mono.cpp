#include "mono.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cmkd/media/audio.h"

namespace cmkd::media {
namespace {

constexpr std::int64_t kClippedWithin = 8;  // samples, the sample itself among them

// Full scale of a signed integer of this width as 1.
template <typename Sample>
float to_float(Sample sample) noexcept {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return (static_cast<float>(sample) - 128.0F) / 128.0F;
  } else if constexpr (std::is_integral_v<Sample>) {
    constexpr double kFullScale = static_cast<double>(std::uint64_t{1} << (8 * sizeof(Sample) - 1));
    return static_cast<float>(static_cast<double>(sample) / kFullScale);
  } else {
    return static_cast<float>(sample);
  }
}

// The largest value of 8 or of 16 bit. Wider formats often hold what was 16 bit.
template <typename Sample>
constexpr float full_scale() noexcept {
  return std::is_same_v<Sample, std::uint8_t> ? 127.0F / 128.0F : 32767.0F / 32768.0F;
}

void sort_once_each(std::vector<int>& places) {
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
}

}  // namespace

bool MonoMixer::Peaks::add(std::int64_t place) noexcept {
  const bool close = place - one_before < kClippedWithin;
  one_before = last;
  last = place;
  return close;
}

// The rare case, sample by sample: something in this frame's channel is at full scale or no number.
template <typename Sample>
void MonoMixer::inspect(const Sample* samples, int step, int count, Channel& channel, MonoSound& mono) const {
  for (int i = 0; i < count; ++i) {
    const float value = to_float(samples[static_cast<std::ptrdiff_t>(i) * step]);
    if (!is_usable_sample(value)) {
      mono.unusable.push_back(i);
    } else if (std::abs(value) >= full_scale<Sample>()) {
      if ((value > 0 ? channel.upper : channel.lower).add(seen_ + i)) mono.clipped.push_back(i);
    }
  }
}

template <typename Sample>
void MonoMixer::average(const AVFrame& frame, bool planar, MonoSound& mono) {
  const int channels = frame.ch_layout.nb_channels;
  channels_.resize(static_cast<std::size_t>(channels));
  mono.values.assign(static_cast<std::size_t>(frame.nb_samples), 0.0F);
  for (int channel = 0; channel < channels; ++channel) {
    const auto* samples = reinterpret_cast<const Sample*>(frame.extended_data[planar ? channel : 0]);
    const int step = planar ? 1 : channels;
    samples += planar ? 0 : channel;
    bool ordinary = true;
    for (int i = 0; i < frame.nb_samples; ++i) {
      const float value = to_float(samples[static_cast<std::ptrdiff_t>(i) * step]);
      ordinary &= std::abs(value) < full_scale<Sample>();
      mono.values[static_cast<std::size_t>(i)] += value;
    }
    if (!ordinary) inspect(samples, step, frame.nb_samples, channels_[static_cast<std::size_t>(channel)], mono);
  }
  if (channels > 1) {
    for (float& sample : mono.values) sample /= static_cast<float>(channels);
  }
  sort_once_each(mono.unusable);
  sort_once_each(mono.clipped);
  for (const int place : mono.unusable) mono.values[static_cast<std::size_t>(place)] = 0;
  seen_ += frame.nb_samples;
}

bool MonoMixer::mix(const AVFrame& frame, MonoSound& mono) {
  mono.unusable.clear();
  mono.clipped.clear();
  if (frame.ch_layout.nb_channels <= 0) return false;
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8:
      average<std::uint8_t>(frame, planar, mono);
      return true;
    case AV_SAMPLE_FMT_S16:
      average<std::int16_t>(frame, planar, mono);
      return true;
    case AV_SAMPLE_FMT_S32:
      average<std::int32_t>(frame, planar, mono);
      return true;
    case AV_SAMPLE_FMT_S64:
      average<std::int64_t>(frame, planar, mono);
      return true;
    case AV_SAMPLE_FMT_FLT:
      average<float>(frame, planar, mono);
      return true;
    case AV_SAMPLE_FMT_DBL:
      average<double>(frame, planar, mono);
      return true;
    default:
      return false;
  }
}

}  // namespace cmkd::media
