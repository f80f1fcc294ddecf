#include "timeline.h"

#include <algorithm>
#include <cmath>

namespace cmkd::media {

std::int64_t ticks_at(double seconds, AVRational time_base) {
  // A sum such as start + k / fps is wrong by at most two units in the last place of its largest part; four are
  // allowed.
  constexpr double kRelativeError = 0x1p-50;
  constexpr double kFarthest = 0x1p62;
  const long double exact = static_cast<long double>(seconds) * time_base.den / time_base.num;
  if (!(exact < kFarthest)) return static_cast<std::int64_t>(kFarthest);
  if (exact < -kFarthest) return -static_cast<std::int64_t>(kFarthest);
  const long double nearest = std::round(exact);
  const long double tolerance = std::max(std::abs(exact), 1.0L * time_base.den / time_base.num) * kRelativeError;
  if (std::abs(exact - nearest) <= tolerance) return static_cast<std::int64_t>(nearest);
  return static_cast<std::int64_t>(std::floor(exact));
}

std::int64_t first_tick_from(double seconds, AVRational time_base) { return -ticks_at(-seconds, time_base); }

double seconds_at(std::int64_t ticks, AVRational time_base) {
  return static_cast<double>(static_cast<long double>(ticks) * time_base.num / time_base.den);
}

Timeline::Timeline(std::vector<TimedFrame> frames, AVRational time_base, std::int64_t fallback_duration)
    : frames_(std::move(frames)), time_base_(time_base), fallback_duration_(fallback_duration) {
  std::sort(frames_.begin(), frames_.end(), [](const TimedFrame& a, const TimedFrame& b) {
    return a.ticks != b.ticks ? a.ticks < b.ticks : a.ordinal < b.ordinal;
  });
}

double Timeline::end_s() const {
  const TimedFrame& last = frames_.back();
  return since_start_s(last.ticks + (last.duration > 0 ? last.duration : fallback_duration_));
}

std::optional<std::size_t> Timeline::shown_at(double time_s) const {
  if (frames_.empty() || std::isnan(time_s)) return std::nullopt;
  const std::int64_t ticks = ticks_at(time_s, time_base_) + first_ticks();
  const auto after = std::upper_bound(frames_.begin(), frames_.end(), ticks,
                                      [](std::int64_t value, const TimedFrame& frame) { return value < frame.ticks; });
  if (after == frames_.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - frames_.begin()) - 1;
}

}  // namespace cmkd::media
