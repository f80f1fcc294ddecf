// Placed sound becomes the samples of a range at one rate: silence where nothing lies, resampled, cut, and counted.
#pragma once

#include <cstdint>
#include <vector>

#include "cmkd/media/audio.h"
#include "resampler.h"
#include "sound_clock.h"

namespace cmkd::media {

// Not thread-safe.
class SoundTrack {
 public:
  SoundTrack(int sample_rate, const AudioRange& range) : range_(range), resampler_(sample_rate) {}

  // False when what follows can change no sample of the range.
  [[nodiscard]] bool take(const PlacedSound& placed);
  // The end of the stream: the samples and their account, in `sound`.
  void finish(AudioSamples& sound);
  [[nodiscard]] std::int64_t unusable_samples() const noexcept { return unusable_; }

 private:
  // The part of samples [from, to) of the current segment that lies in the range.
  struct Part {
    std::int64_t from = 0;
    std::int64_t to = 0;
    [[nodiscard]] std::int64_t size() const noexcept { return to - from; }
    [[nodiscard]] bool holds(std::int64_t index) const noexcept { return index >= from && index < to; }
  };
  [[nodiscard]] Part in_range(std::int64_t from, std::int64_t to) const;
  void begin_segment(const PlacedSound& placed);
  void count(const PlacedSound& placed, std::int64_t end);
  void fill_gap(std::int64_t until);
  void feed(const float* samples, std::size_t count);
  // Moves what the resampler made to the samples of the range.
  void keep();

  AudioRange range_;
  Resampler resampler_;
  std::vector<float> made_;     // fresh from the resampler
  std::vector<float> samples_;  // of the range
  std::int64_t made_count_ = 0;
  bool any_ = false;
  int rate_ = 0;
  double segment_s_ = 0;
  std::int64_t position_ = 0;  // in the segment, of the next sample that goes in
  bool leading_ = true;
  double leading_silence_s_ = 0;
  double hole_silence_s_ = 0;
  double overlap_dropped_s_ = 0;
  std::int64_t decoded_ = 0;
  std::int64_t clipped_ = 0;
  std::int64_t unusable_ = 0;
};

}  // namespace cmkd::media
