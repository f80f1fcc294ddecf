// Windows of cached clips as they are stored: where in its clip a window lies, its pixels and its samples.
#pragma once

#include <cstdint>
#include <vector>

#include "cmkd/batches/window_settings.h"
#include "cmkd/clips/clip_cache.h"

namespace cmkd {

// The draws for one clip of one batch.
struct ClipDraw {
  std::int64_t clip = 0;    // position in the cache
  std::int64_t window = 0;  // of the K training windows, or the view at test
  std::int64_t top = 0;     // of the crop
  std::int64_t left = 0;
  bool mirrored = false;
  bool test_view = false;  // `window` counts the views at test: these are never damaged
};

// Where a draw's window lies in its clip.
struct WindowPlace {
  // [T] positions among the cached frames; beyond the clip's end its last one again. Empty for a clip without picture.
  std::vector<std::int64_t> frames;
  std::int64_t first_sample = 0;  // among the cached samples; 0 for features, which stand for the whole clip
  std::int64_t samples = 0;       // of the window that the clip has; those after them are zero
};

// Reads windows as they are. Thread-safe: const after construction. The cache must outlive it.
class StoredWindows {
 public:
  // Throws when the crop is larger than the stored frames, or when the sound's length can not be derived.
  StoredWindows(const ClipCache& cache, const WindowSettings& settings);

  [[nodiscard]] WindowPlace place_of(const ClipDraw& draw) const;
  // [3, T, height, width] to `out`, not mirrored.
  void read_frames(const ClipDraw& draw, std::uint8_t* out) const;
  // [samples_per_window] to `out`: zero beyond the clip's end; or the clip's features, one for all windows. `later`:
  // samples by which the clip's sound is moved, going round.
  void read_samples(const ClipDraw& draw, float* out, std::int64_t later = 0) const;

  [[nodiscard]] const IngestSettings& stored() const noexcept { return cache_.settings(); }
  [[nodiscard]] const WindowSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] std::int64_t frames() const noexcept { return settings_.frames; }
  [[nodiscard]] std::int64_t height() const noexcept { return height_; }
  [[nodiscard]] std::int64_t width() const noexcept { return width_; }
  [[nodiscard]] std::int64_t samples_per_window() const noexcept { return samples_; }

 private:
  [[nodiscard]] std::int64_t first_frame(const CachedClip& clip, const ClipDraw& draw) const;
  [[nodiscard]] std::int64_t frame_at(const CachedClip& clip, std::int64_t first, std::int64_t t) const;
  [[nodiscard]] std::int64_t first_sample(const CachedClip& clip, const ClipDraw& draw) const;

  const ClipCache& cache_;
  WindowSettings settings_;
  std::int64_t samples_ = 0;
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;
};

}  // namespace cmkd
