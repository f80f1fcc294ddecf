// Where in its clip a window lies: the one place that knows.
#include <algorithm>
#include <cmath>

#include "cmkd/batches/window_reader.h"

namespace cmkd {

namespace {

std::int64_t index_of_window(std::int64_t room, std::int64_t window, std::int64_t windows) {
  return windows <= 1 ? room / 2 : room * window / (windows - 1);
}

}  // namespace

std::int64_t WindowReader::first_frame(const CachedClip& clip, const ClipDraw& draw) const {
  const std::int64_t span = (settings_.frames - 1) * settings_.frame_step + 1;
  return index_of_window(std::max<std::int64_t>(clip.frame_count - span, 0), draw.window,
                         draw.test_view ? settings_.test_views : settings_.windows);
}

// A clip shorter than the window repeats its last frame.
std::int64_t WindowReader::frame_at(const CachedClip& clip, std::int64_t first, std::int64_t t) const {
  return std::min(first + t * settings_.frame_step, clip.frame_count - 1);
}

std::int64_t WindowReader::first_sample(const CachedClip& clip, const ClipDraw& draw) const {
  const IngestSettings& stored = cache_.settings();
  if (clip.frame_count == 0) {
    return index_of_window(std::max<std::int64_t>(clip.sample_count - samples_, 0), draw.window,
                           draw.test_view ? settings_.test_views : settings_.windows);
  }
  const std::int64_t frame = first_frame(clip, draw);
  const double seconds = stored.fps > 0 ? static_cast<double>(frame) / stored.fps
                                        : static_cast<double>(clip.frame_time_s[static_cast<std::size_t>(frame)]);
  return std::max(0LL, std::llround(seconds * stored.sample_rate));
}

WindowPlace WindowReader::place_of(const ClipDraw& draw) const {
  const CachedClip clip = cache_.clip(draw.clip);
  WindowPlace place;
  if (clip.frame_count > 0) {
    const std::int64_t first = first_frame(clip, draw);
    for (std::int64_t t = 0; t < settings_.frames; ++t) place.frames.push_back(frame_at(clip, first, t));
  }
  const IngestSettings& stored = cache_.settings();
  if (!stored.audio) return place;
  if (stored.sound_is_features()) {
    place.samples = samples_;
    return place;
  }
  place.first_sample = first_sample(clip, draw);
  place.samples = std::clamp<std::int64_t>(clip.sample_count - place.first_sample, 0, samples_);
  return place;
}

}  // namespace cmkd
