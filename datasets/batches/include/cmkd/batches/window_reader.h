// Windows of cached clips: which window, which crop (host, by named streams), and their pixels and samples (gathered as
// uint8 and float, normalised on the device).
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/batches/corruption.h"
#include "cmkd/batches/loading.h"
#include "cmkd/batches/stored_windows.h"
#include "cmkd/batches/window_settings.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/random.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

struct ModalitySet {
  bool video = false;
  bool audio = false;
};
inline constexpr ModalitySet kOnlyVideo{.video = true};
inline constexpr ModalitySet kOnlyAudio{.audio = true};
inline constexpr ModalitySet kBothModalities{.video = true, .audio = true};
[[nodiscard]] constexpr ModalitySet only(Modality modality) noexcept {
  return modality == Modality::kVideo ? kOnlyVideo : kOnlyAudio;
}

[[nodiscard]] PixelScale pixel_scale(PixelNormalisation kind);

// Reads windows of clips. Thread-safe: const after construction. The cache must outlive it.
class WindowReader {
 public:
  // Batches for the device on which `loading` holds the clips are gathered there.
  WindowReader(const ClipCache& cache, const WindowSettings& settings, Loading loading = {});

  // Random window, crop and mirroring.
  [[nodiscard]] ClipDraw draw_training(std::int64_t clip, RandomStream stream) const;
  // One given window of the K of training, centre crop, not mirrored.
  [[nodiscard]] ClipDraw draw_window(std::int64_t clip, std::int64_t window) const;
  // One of the views at test, 0 … test_views() − 1: window after window, each with its crops.
  [[nodiscard]] ClipDraw draw_test_view(std::int64_t clip, std::int64_t view) const;
  [[nodiscard]] std::int64_t test_views() const noexcept { return windows_.settings().views_at_test(); }

  // What of the clip the draw reads, undamaged.
  [[nodiscard]] WindowPlace place_of(const ClipDraw& draw) const { return windows_.place_of(draw); }

  // The same reader, but what it reads of training windows is damaged as `plan` says. For the teacher's side.
  [[nodiscard]] WindowReader corrupted(std::shared_ptr<const CorruptionPlan> plan) const;

  // [B, 3, T, h, w] uint8 on the host, not mirrored. `pinned`: in memory that a CUDA device copies from by itself.
  [[nodiscard]] at::Tensor gather_video(const std::vector<ClipDraw>& draws, bool pinned = false) const;
  // [B, n] float on the host: samples beyond the clip's end are zero; or the clips' features, the same for all windows.
  [[nodiscard]] at::Tensor gather_audio(const std::vector<ClipDraw>& draws, bool pinned = false) const;
  // Normalised values of any shape [B, 3, …] as pixels again, uint8 on the host.
  [[nodiscard]] at::Tensor pixels_of(const at::Tensor& normalised) const;
  // Everything on the device: mirrored and normalised. Fills clip_index, window, video and audio as asked.
  [[nodiscard]] Batch make_batch(const std::vector<ClipDraw>& draws, ModalitySet modalities, c10::Device device) const;

  [[nodiscard]] const Loading& loading() const noexcept { return loading_; }
  [[nodiscard]] std::int64_t samples_per_window() const noexcept { return windows_.samples_per_window(); }
  [[nodiscard]] std::int64_t height() const noexcept { return windows_.height(); }
  [[nodiscard]] std::int64_t width() const noexcept { return windows_.width(); }

 private:
  // What is done to a draw; nothing when it is to be read as it is.
  [[nodiscard]] const CorruptionPlan::Entry* corruption_of(const ClipDraw& draw) const;

  using Gather = at::Tensor (WindowReader::*)(const std::vector<ClipDraw>&, bool pinned) const;
  using GatherHeld = at::Tensor (HeldClips::*)(const StoredWindows&, const std::vector<ClipDraw>&) const;
  // What `gather` gives, on the device: where the clips are held there, by `gather_held`, but for damaged draws.
  [[nodiscard]] at::Tensor gather_on(c10::Device device, const std::vector<ClipDraw>& draws, Gather gather,
                                     GatherHeld gather_held) const;

  StoredWindows windows_;
  Loading loading_;
  std::shared_ptr<const CorruptionPlan> corruption_;
};

}  // namespace cmkd
