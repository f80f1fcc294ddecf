// One channel of float from a decoded frame of any sample format.
#pragma once

#include <cstdint>
#include <vector>

#include "handles.h"

namespace cmkd::media {

struct MonoSound {
  std::vector<float> values;  // [n] full scale = ±1; 0 in place of samples that are unusable
  // Places in `values`, ascending; nearly always none:
  std::vector<int> unusable;  // not finite or beyond kLargestSample in a channel
  std::vector<int> clipped;   // AudioSamples::clipped_samples
};

// Takes the frames of one stream in order: clipping may reach over several. Not thread-safe.
class MonoMixer {
 public:
  // The arithmetic mean of the channels, unsigned 8 bit centred at 128. Replaces `mono`. False for a sample format that
  // is unknown here.
  [[nodiscard]] bool mix(const AVFrame& frame, MonoSound& mono);

 private:
  template <typename Sample>
  void average(const AVFrame& frame, bool planar, MonoSound& mono);
  // The last two samples at full scale, at one end of it, of one channel; counted from the stream's beginning.
  struct Peaks {
    std::int64_t last = kLongAgo;
    std::int64_t one_before = kLongAgo;
    // Notes another one; whether it makes three that lie close together.
    bool add(std::int64_t place) noexcept;
    static constexpr std::int64_t kLongAgo = -1'000'000;
  };
  struct Channel {
    Peaks upper;
    Peaks lower;
  };
  template <typename Sample>
  void inspect(const Sample* samples, int step, int count, Channel& channel, MonoSound& mono) const;

  std::vector<Channel> channels_;
  std::int64_t seen_ = 0;  // samples of the frames before this one
};

}  // namespace cmkd::media
