// Where each decoded piece of a sound lies on the clock: by the times that its file states, but not by their jitter.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "mono.h"

namespace cmkd::media {

// What came out of the decoder at once.
struct SoundPiece {
  MonoSound sound;
  int rate = 0;                  // Hz
  std::optional<double> time_s;  // of its first sample, on the container's clock; absent: it follows the one before
};

// A piece in its place. Indices count samples of `rate` from `segment_s` on.
struct PlacedSound {
  const MonoSound& sound;
  int rate;
  double segment_s;    // on the clock: 0, or where the stream's rate changed
  std::int64_t index;  // of sample `first`; never before the end of what was placed already
  std::int64_t first;  // samples before it lie over others and are left out; all of them where it is the length
};

// Takes pieces in the order of decoding and hands them on a little later, in their places. A stated time counts when it
// lies off the end of what is placed already by more than kSoundTolerance_s, and the pieces that follow do not take it
// back: rounded and jittering timestamps move nothing, a hole or an overlap moves all that follows. Not thread-safe.
class SoundClock {
 public:
  using Take = std::function<bool(const PlacedSound&)>;  // false: no more is wanted

  // `origin_s` is the container's time that is 0 on the clock; absent: that of the first sample.
  SoundClock(std::optional<double> origin_s, Take take) : origin_s_(origin_s), take_(std::move(take)) {}

  // False when no more is wanted, or the times cannot be followed (jump_s).
  [[nodiscard]] bool add(SoundPiece piece);
  // Places what is still held back.
  void finish();

  // Of the first sample on the clock; before the first piece is placed, 0.
  [[nodiscard]] double offset_s() const noexcept { return offset_s_; }
  // The end of what is placed, on the clock.
  [[nodiscard]] double end_s() const noexcept;
  // Silence longer than kLongestSilence_s that the times ask for: there the placing ended.
  [[nodiscard]] std::optional<double> jump_s() const noexcept { return jump_s_; }

 private:
  [[nodiscard]] double expected_s() const noexcept;
  [[nodiscard]] bool follows() const;
  [[nodiscard]] bool sees_enough() const;
  [[nodiscard]] bool times_advance(std::size_t from) const;
  [[nodiscard]] double stated_start_s() const;
  [[nodiscard]] double credible_shift_s() const;
  bool place_first();
  bool place_front();
  void change_rate(int rate);

  std::optional<double> origin_s_;
  Take take_;
  std::deque<SoundPiece> queue_;
  bool started_ = false;
  int rate_ = 0;
  double segment_s_ = 0;
  std::int64_t next_ = 0;  // index at which the next sample is placed
  std::int64_t over_ = 0;  // samples that come next and lie over others
  double offset_s_ = 0;
  std::optional<double> jump_s_;
};

inline constexpr double kSoundTolerance_s = 0.010;
// No recording pauses for longer: such times are broken, and silence by them would fill the memory.
inline constexpr double kLongestSilence_s = 3600;

}  // namespace cmkd::media
