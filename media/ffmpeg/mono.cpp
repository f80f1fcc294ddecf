#include "mono.h"

#include <cstdint>

namespace cmkd::media {
namespace {

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

template <typename Sample>
void average(const AVFrame& frame, bool planar, std::vector<float>& mono) {
  const int channels = frame.ch_layout.nb_channels;
  mono.assign(static_cast<std::size_t>(frame.nb_samples), 0.0F);
  for (int channel = 0; channel < channels; ++channel) {
    const auto* samples = reinterpret_cast<const Sample*>(frame.extended_data[planar ? channel : 0]);
    const int step = planar ? 1 : channels;
    const int offset = planar ? 0 : channel;
    for (int i = 0; i < frame.nb_samples; ++i) {
      mono[static_cast<std::size_t>(i)] += to_float(samples[static_cast<std::ptrdiff_t>(i) * step + offset]);
    }
  }
  if (channels > 1) {
    for (float& sample : mono) sample /= static_cast<float>(channels);
  }
}

}  // namespace

bool mean_of_channels(const AVFrame& frame, std::vector<float>& mono) {
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
