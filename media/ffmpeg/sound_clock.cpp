#include "sound_clock.h"

#include <algorithm>
#include <cmath>

namespace cmkd::media {
namespace {

// How far the clock looks ahead before it believes a time that moves something. Times of capture jitter by up to 20 ms,
// some for a tenth of a second and more: what is that small has to last.
constexpr std::size_t kPiecesAhead = 4;
constexpr double kAhead_s = 0.1;
constexpr double kSmallShift_s = 0.030;
constexpr double kAheadOfSmall_s = 0.5;
constexpr std::size_t kMostPiecesAhead = 256;
// Containers round times to the millisecond: two roundings lie at most this far apart.
constexpr double kTimestampRounding_s = 0.0015;
// Of packets that are written twice the times run at half the speed of the sound.
constexpr double kLeastAdvance = 0.25;

double piece_length_s(const SoundPiece& piece) noexcept {
  return static_cast<double>(piece.sound.values.size()) / piece.rate;
}

}  // namespace

double SoundClock::end_s() const noexcept { return rate_ == 0 ? 0 : segment_s_ + static_cast<double>(next_) / rate_; }

// Where the front of the queue begins, as the pieces before it say, on the container's clock.
double SoundClock::expected_s() const noexcept {
  return origin_s_.value_or(0) + end_s() - (rate_ == 0 ? 0 : static_cast<double>(over_) / rate_);
}

bool SoundClock::follows() const {
  const std::optional<double> time_s = queue_.front().time_s;
  return !time_s || std::abs(*time_s - expected_s()) <= kSoundTolerance_s;
}

bool SoundClock::sees_enough() const {
  if (queue_.size() > kMostPiecesAhead) return true;
  if (queue_.size() <= kPiecesAhead) return false;
  double ahead_s = 0;
  for (std::size_t k = 1; k < queue_.size(); ++k) ahead_s += piece_length_s(queue_[k]);
  const bool small = !started_ || std::abs(*queue_.front().time_s - expected_s()) <= kSmallShift_s;
  return ahead_s >= (small ? kAheadOfSmall_s : kAhead_s);
}

// Whether the times of the pieces in sight run on at all: some files state one and the same for every packet.
bool SoundClock::times_advance(std::size_t from) const {
  std::optional<double> first;
  double stated_s = 0;
  double since_first_s = 0;
  double length_to_last_s = 0;
  for (std::size_t k = from; k < queue_.size(); ++k) {
    const SoundPiece& piece = queue_[k];
    if (piece.time_s) {
      if (!first) first = piece.time_s;
      stated_s = *piece.time_s - *first;
      length_to_last_s = since_first_s;
    }
    if (first) since_first_s += piece_length_s(piece);
  }
  return length_to_last_s > 0 && stated_s >= kLeastAdvance * length_to_last_s;
}

// When the stream begins: as its first time says, unless all that follow say that it was earlier.
double SoundClock::stated_start_s() const {
  std::optional<double> first;
  std::optional<double> latest_other;
  double before_s = 0;
  for (const SoundPiece& piece : queue_) {
    if (piece.time_s) {
      const double start_s = *piece.time_s - before_s;
      if (first) latest_other = std::max(latest_other.value_or(start_s), start_s);
      if (!first) first = start_s;
    }
    before_s += piece_length_s(piece);
  }
  if (!first) return origin_s_.value_or(0);  // a file without times begins at 0
  return latest_other && *latest_other < *first - kSoundTolerance_s && times_advance(1) ? *latest_other : *first;
}

// By how much the front of the queue and all that follows is to be moved. Time runs on: a hole never shrinks later, and
// an overlap never either. The least that all times in sight agree to is what can be believed.
double SoundClock::credible_shift_s() const {
  const double own = *queue_.front().time_s - expected_s();
  if (std::abs(own) <= kSmallShift_s && !sees_enough()) return 0;  // the end is too near for it to last
  double least = own;
  double expected = expected_s();
  for (const SoundPiece& piece : queue_) {
    if (piece.time_s) {
      const double shift = *piece.time_s - expected;
      least = own > 0 ? std::min(least, shift) : std::max(least, shift);
    }
    expected += piece_length_s(piece);
  }
  if (own > 0 ? least <= kSoundTolerance_s : least >= -kSoundTolerance_s) return 0;
  if (own < 0 && !times_advance(0)) return 0;
  return std::abs(own - least) <= kTimestampRounding_s ? own : least;
}

bool SoundClock::add(SoundPiece piece) {
  if (piece.rate <= 0 || piece.sound.values.empty()) return true;
  queue_.push_back(std::move(piece));
  while (!queue_.empty() && ((started_ && follows()) || sees_enough())) {
    if (!place_front()) return false;
  }
  return true;
}

void SoundClock::finish() {
  while (!queue_.empty()) {
    if (!place_front()) return;
  }
}

void SoundClock::change_rate(int rate) {
  if (rate_ != 0) {
    segment_s_ = end_s();
    over_ = std::llround(static_cast<double>(over_) * rate / rate_);
    next_ = 0;
  }
  rate_ = rate;
}

bool SoundClock::place_first() {
  const double start_s = stated_start_s();
  if (!origin_s_) origin_s_ = start_s;
  offset_s_ = start_s - *origin_s_;
  if (offset_s_ > kLongestSilence_s) {
    jump_s_ = offset_s_;
    return false;
  }
  next_ = std::llround(offset_s_ * rate_);
  started_ = true;
  return true;
}

bool SoundClock::place_front() {
  if (queue_.front().rate != rate_) change_rate(queue_.front().rate);
  if (!started_) {
    if (!place_first()) return false;
  } else if (!follows()) {
    const double shift_s = credible_shift_s();
    if (shift_s > kLongestSilence_s) {
      jump_s_ = shift_s;
      return false;
    }
    // What is still to be left out comes off first.
    const std::int64_t shift = std::llround(shift_s * rate_) - over_;
    next_ += std::max<std::int64_t>(shift, 0);
    over_ = std::max<std::int64_t>(-shift, 0);
  }
  const SoundPiece piece = std::move(queue_.front());
  queue_.pop_front();
  const auto length = static_cast<std::int64_t>(piece.sound.values.size());
  const std::int64_t first = std::min(over_, length);
  over_ -= first;
  const PlacedSound placed{piece.sound, rate_, segment_s_, next_, first};
  next_ += length - first;
  return take_(placed);
}

}  // namespace cmkd::media
