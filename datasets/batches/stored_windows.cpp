#include "cmkd/batches/stored_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

std::int64_t index_of_window(std::int64_t room, std::int64_t window, std::int64_t windows) {
  return windows <= 1 ? room / 2 : room * window / (windows - 1);
}

}  // namespace

StoredWindows::StoredWindows(const ClipCache& cache, const WindowSettings& settings)
    : cache_(cache), settings_(settings) {
  const IngestSettings& stored = cache.settings();
  height_ = settings.crop > 0 ? settings.crop : stored.height;
  width_ = settings.crop > 0 ? settings.crop : stored.width;
  if (stored.video && (height_ > stored.height || width_ > stored.width)) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("clip.crop = {} is larger than the stored frames", settings.crop),
                 .allowed = fmt::format("1 … {}", std::min(stored.height, stored.width)),
                 .fix = "raise ingest.height and ingest.width"});
  }
  if (stored.sound_is_features()) {
    samples_ = stored.feature_values;
    return;
  }
  double seconds = settings.audio_seconds;
  if (seconds <= 0 && stored.fps > 0) seconds = static_cast<double>(settings.frames * settings.frame_step) / stored.fps;
  samples_ = std::llround(seconds * stored.sample_rate);
  if (stored.audio && samples_ < 1) {
    throw Error(ErrorKind::kUsage, {.what = "clip.audio_seconds is not given and cannot be derived: ingest.fps is 0",
                                    .allowed = "a positive number of seconds"});
  }
}

std::int64_t StoredWindows::first_frame(const CachedClip& clip, const ClipDraw& draw) const {
  const std::int64_t span = (settings_.frames - 1) * settings_.frame_step + 1;
  return index_of_window(std::max<std::int64_t>(clip.frame_count - span, 0), draw.window,
                         draw.test_view ? settings_.test_views : settings_.windows);
}

// A clip shorter than the window repeats its last frame.
std::int64_t StoredWindows::frame_at(const CachedClip& clip, std::int64_t first, std::int64_t t) const {
  return std::min(first + t * settings_.frame_step, clip.frame_count - 1);
}

std::int64_t StoredWindows::first_sample(const CachedClip& clip, const ClipDraw& draw) const {
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

WindowPlace StoredWindows::place_of(const ClipDraw& draw) const {
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

void StoredWindows::read_frames(const ClipDraw& draw, std::uint8_t* out) const {
  const std::int64_t stored_width = cache_.settings().width;
  const std::int64_t plane = cache_.settings().height * stored_width;
  const std::int64_t span = (settings_.frames - 1) * settings_.frame_step + 1;
  LoadedClip loaded;
  loaded.clip = cache_.clip(draw.clip);
  const std::int64_t first = first_frame(loaded.clip, draw);
  if (cache_.settings().frame_storage != FrameStorage::kRaw) {
    loaded = cache_.load(draw.clip, first, std::min(span, loaded.clip.frame_count - first));
  }
  const CachedClip& clip = loaded.clip;
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    for (std::int64_t t = 0; t < settings_.frames; ++t) {
      const std::int64_t frame = frame_at(clip, first, t);
      const std::uint8_t* source = clip.pixels.data() + ((frame - loaded.first_frame) * 3 + channel) * plane +
                                   draw.top * stored_width + draw.left;
      for (std::int64_t row = 0; row < height_; ++row, out += width_, source += stored_width) {
        std::memcpy(out, source, static_cast<std::size_t>(width_));
      }
    }
  }
}

void StoredWindows::read_samples(const ClipDraw& draw, float* out, std::int64_t later) const {
  const IngestSettings& stored = cache_.settings();
  LoadedClip loaded;
  if (stored.audio_storage == AudioStorage::kFloat32) {
    loaded.clip = cache_.clip(draw.clip);
  } else {
    loaded = cache_.load(draw.clip, 0, 0);
  }
  const CachedClip& clip = loaded.clip;
  if (stored.sound_is_features()) {  // one for all windows
    std::ranges::copy(clip.samples, out);
    return;
  }
  const std::int64_t first = first_sample(clip, draw);
  const std::int64_t count = std::clamp<std::int64_t>(clip.sample_count - first, 0, samples_);
  std::fill_n(out + count, samples_ - count, 0.0F);  // beyond the clip's end
  if (count == 0) return;
  if (later == 0) {
    std::memcpy(out, clip.samples.data() + first, static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  const std::int64_t length = clip.sample_count;
  std::int64_t from = ((first - later) % length + length) % length;
  for (std::int64_t i = 0; i < count; ++i, from = from + 1 == length ? 0 : from + 1) {
    out[i] = clip.samples[static_cast<std::size_t>(from)];
  }
}

}  // namespace cmkd
