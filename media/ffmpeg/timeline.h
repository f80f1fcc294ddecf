// When the frames of a stream are shown, and which of them is shown at a given second.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "handles.h"

namespace cmkd::media {

// The largest tick that is not after `seconds`. Seconds that are a tick's time up to rounding in double precision (as
// start + k / fps has it) count as that tick: a frame's own time gives that frame, not the one before.
[[nodiscard]] std::int64_t ticks_at(double seconds, AVRational time_base);
// The smallest tick that is not before `seconds`, with the same tolerance.
[[nodiscard]] std::int64_t first_tick_from(double seconds, AVRational time_base);
[[nodiscard]] double seconds_at(std::int64_t ticks, AVRational time_base);

// One frame on the timeline.
struct TimedFrame {
  std::int64_t ticks = 0;     // presentation time in the stream's time base
  std::int64_t ordinal = 0;   // its place in the order in which the decoder delivers frames
  std::int64_t duration = 0;  // ticks; 0 when unknown
};

// Frames in order of presentation. Immutable; times are counted from the first frame.
class Timeline {
 public:
  Timeline() = default;
  // Sorts by time (and by ordinal where times are equal). `fallback_duration` is the last frame's where it states none.
  Timeline(std::vector<TimedFrame> frames, AVRational time_base, std::int64_t fallback_duration);

  [[nodiscard]] bool empty() const noexcept { return frames_.empty(); }
  [[nodiscard]] const std::vector<TimedFrame>& frames() const noexcept { return frames_; }
  [[nodiscard]] AVRational time_base() const noexcept { return time_base_; }
  [[nodiscard]] std::int64_t first_ticks() const noexcept { return frames_.front().ticks; }
  // When the first frame is shown, on the container's clock.
  [[nodiscard]] double origin_s() const { return seconds_at(first_ticks(), time_base_); }
  // Seconds of a tick after the first frame.
  [[nodiscard]] double since_start_s(std::int64_t ticks) const { return seconds_at(ticks - first_ticks(), time_base_); }
  // When the last frame ends, in seconds after the first one begins.
  [[nodiscard]] double end_s() const;

  // The index in frames() of the frame that is shown at this time after the start; nothing before the first.
  [[nodiscard]] std::optional<std::size_t> shown_at(double time_s) const;

 private:
  std::vector<TimedFrame> frames_;
  AVRational time_base_{1, 1};
  std::int64_t fallback_duration_ = 1;
};

}  // namespace cmkd::media
