#include "sound_track.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace cmkd::media {
namespace {

// The resampler looks this far ahead; beyond it nothing can change a sample of the range.
constexpr double kResamplerReach_s = 0.5;

// The sample at a time, for times that may be endless.
std::int64_t sample_at(double time_s, int rate) {
  const double index = std::round(time_s * rate);
  constexpr double kFarthest = 0x1p62;
  return static_cast<std::int64_t>(std::clamp(index, -kFarthest, kFarthest));
}

}  // namespace

SoundTrack::Part SoundTrack::in_range(std::int64_t from, std::int64_t to) const {
  const std::int64_t first = sample_at(range_.start_s - segment_s_, rate_);
  const std::int64_t last = sample_at(range_.start_s + range_.duration_s - segment_s_, rate_);
  Part part{std::max(from, first), std::min(to, last)};
  part.to = std::max(part.from, part.to);
  return part;
}

void SoundTrack::keep() {
  if (made_.empty()) return;  // before the first sound there is no rate either, and no place in samples
  const std::int64_t first = sample_at(range_.start_s, resampler_.rate());
  const std::int64_t last = sample_at(range_.start_s + range_.duration_s, resampler_.rate());
  const auto count = static_cast<std::int64_t>(made_.size());
  const std::int64_t from = std::clamp<std::int64_t>(first - made_count_, 0, count);
  const std::int64_t to = std::clamp<std::int64_t>(last - made_count_, from, count);
  samples_.insert(samples_.end(), made_.begin() + from, made_.begin() + to);
  made_count_ += count;
  made_.clear();
}

void SoundTrack::feed(const float* samples, std::size_t count) {
  if (count == 0) return;
  resampler_.add(samples, count, rate_, made_);
  position_ += static_cast<std::int64_t>(count);
  keep();
}

// What was begun at the old rate ends; the new one begins at its place on the clock.
void SoundTrack::begin_segment(const PlacedSound& placed) {
  if (any_) {
    resampler_.finish(made_);
    const std::int64_t wanted = sample_at(placed.segment_s, resampler_.rate()) - made_count_;
    made_.resize(static_cast<std::size_t>(std::max<std::int64_t>(wanted, 0)), 0.0F);
    keep();
  }
  any_ = true;
  rate_ = placed.rate;
  resampler_.settle_rate(rate_);
  segment_s_ = placed.segment_s;
  position_ = sample_at(std::max(-segment_s_, 0.0), rate_);  // nothing is made of what lies before 0
}

void SoundTrack::fill_gap(std::int64_t until) {
  static constexpr std::array<float, 4096> kSilence{};
  const Part part = in_range(position_, until);
  (leading_ ? leading_silence_s_ : hole_silence_s_) += static_cast<double>(part.size()) / rate_;
  // Silence far beyond the range is not made.
  until = std::min(until, sample_at(range_.start_s + range_.duration_s + kResamplerReach_s - segment_s_, rate_));
  while (position_ < until)
    feed(kSilence.data(), std::min(kSilence.size(), static_cast<std::size_t>(until - position_)));
}

void SoundTrack::count(const PlacedSound& placed, std::int64_t end) {
  const Part part = in_range(placed.index, end);
  decoded_ += part.size();
  const auto counted = [&](const std::vector<int>& places) {
    return std::count_if(places.begin(), places.end(), [&](int place) {
      return place >= placed.first && part.holds(placed.index + place - placed.first);
    });
  };
  unusable_ += counted(placed.sound.unusable);
  clipped_ += counted(placed.sound.clipped);
  const Part over = in_range(placed.index - placed.first, placed.index);
  overlap_dropped_s_ += static_cast<double>(over.size()) / rate_;
}

bool SoundTrack::take(const PlacedSound& placed) {
  if (!any_ || placed.rate != rate_ || placed.segment_s != segment_s_) begin_segment(placed);
  const auto length = static_cast<std::int64_t>(placed.sound.values.size()) - placed.first;
  const std::int64_t end = placed.index + length;
  count(placed, end);
  if (length > 0) {
    if (placed.index > position_) fill_gap(placed.index);
    leading_ = false;
    // Sound before 0 is dropped.
    const std::int64_t before_0 = std::clamp<std::int64_t>(position_ - placed.index, 0, length);
    feed(placed.sound.values.data() + placed.first + before_0, static_cast<std::size_t>(length - before_0));
  }
  return segment_s_ + static_cast<double>(end) / rate_ < range_.start_s + range_.duration_s + kResamplerReach_s;
}

void SoundTrack::finish(AudioSamples& sound) {
  resampler_.finish(made_);
  keep();
  sound.sample_rate = resampler_.rate();
  sound.samples = std::move(samples_);
  sound.leading_silence_s = leading_silence_s_;
  sound.hole_silence_s = hole_silence_s_;
  sound.overlap_dropped_s = overlap_dropped_s_;
  sound.decoded_samples = decoded_;
  sound.clipped_samples = clipped_;
}

}  // namespace cmkd::media
