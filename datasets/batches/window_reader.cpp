#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cmkd/batches/held_clips.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/core/error.h"
#include "damage.h"

namespace cmkd {

namespace {

at::Tensor channel_values(const std::array<float, 3>& values, c10::Device device) {
  at::Tensor tensor = at::empty({1, 3, 1, 1, 1}, at::kFloat);
  std::ranges::copy(values, tensor.mutable_data_ptr<float>());
  return tensor.to(device);
}

// Pinned: CUDA devices copy from it while the thread that asked for the copy goes on.
at::TensorOptions host_options(at::ScalarType type, bool pinned) {
  return at::TensorOptions().dtype(type).pinned_memory(pinned);
}

void require_stored(bool stored, const char* what) {
  if (stored) return;
  throw Error(ErrorKind::kUsage,
              {.what = fmt::format("a model wants {}, and the clip cache stores none", what),
               .where = fmt::format("ingest.{} = false", what),
               .fix = fmt::format("set ingest.{} = true, or choose models of another modality", what)});
}

}  // namespace

PixelScale pixel_scale(PixelNormalisation kind) {
  if (kind == PixelNormalisation::kKinetics) {
    // Channel statistics of Kinetics-400 as torchvision's video weights use them.
    return {{0.43216F, 0.394666F, 0.37645F}, {0.22803F, 0.22145F, 0.216989F}};
  }
  return {{0.5F, 0.5F, 0.5F}, {0.25F, 0.25F, 0.25F}};
}

WindowReader::WindowReader(const ClipCache& cache, const WindowSettings& settings, Loading loading)
    : windows_(cache, settings), loading_(std::move(loading)) {}

ClipDraw WindowReader::draw_training(std::int64_t clip, RandomStream stream) const {
  ClipDraw draw;
  draw.clip = clip;
  draw.window = static_cast<std::int64_t>(
      stream.below(static_cast<std::uint64_t>(std::max<std::int64_t>(windows_.settings().windows, 1))));
  const IngestSettings& stored = windows_.stored();
  if (stored.video) {
    draw.top = stream.integer(0, stored.height - height());
    draw.left = stream.integer(0, stored.width - width());
    draw.mirrored = windows_.settings().flip && stream.bernoulli(0.5);
  }
  return draw;
}

ClipDraw WindowReader::draw_window(std::int64_t clip, std::int64_t window) const {
  const IngestSettings& stored = windows_.stored();
  ClipDraw draw;
  draw.clip = clip;
  draw.window = window;
  draw.top = (stored.height - height()) / 2;
  draw.left = (stored.width - width()) / 2;
  return draw;
}

ClipDraw WindowReader::draw_test_view(std::int64_t clip, std::int64_t view) const {
  ClipDraw draw = draw_window(clip, view / windows_.settings().crops_at_test());
  draw.test_view = true;
  if (windows_.settings().test_crops == TestCrops::kCentre) return draw;
  const IngestSettings& stored = windows_.stored();
  const std::int64_t room_down = stored.height - height();
  const std::int64_t room_right = stored.width - width();
  const std::int64_t place =
      view % windows_.settings().crops_at_test();  // 0 at the beginning, 1 in the middle, 2 at the end
  if (room_right >= room_down) {
    draw.left = room_right * place / 2;
  } else {
    draw.top = room_down * place / 2;
  }
  return draw;
}

WindowReader WindowReader::corrupted(std::shared_ptr<const CorruptionPlan> plan) const {
  WindowReader reader = *this;
  reader.corruption_ = std::move(plan);
  return reader;
}

const CorruptionPlan::Entry* WindowReader::corruption_of(const ClipDraw& draw) const {
  if (draw.test_view || !corruption_ || !corruption_->active()) return nullptr;
  const CorruptionPlan::Entry& entry = corruption_->entries.at(static_cast<std::size_t>(draw.clip));
  return entry.corrupted ? &entry : nullptr;
}

at::Tensor WindowReader::gather_video(const std::vector<ClipDraw>& draws, bool pinned) const {
  require_stored(windows_.stored().video, "video");
  const auto batch = static_cast<std::int64_t>(draws.size());
  at::Tensor tensor = at::empty({batch, 3, windows_.frames(), height(), width()}, host_options(at::kByte, pinned));
  auto* out = tensor.mutable_data_ptr<std::uint8_t>();
  const std::int64_t size = 3 * windows_.frames() * height() * width();
  for (const ClipDraw& draw : draws) {
    if (const CorruptionPlan::Entry* entry = corruption_of(draw)) {
      read_damaged_frames({windows_, draw, corruption_->settings, *entry}, out);
    } else {
      windows_.read_frames(draw, out);
    }
    out += size;
  }
  return tensor;
}

at::Tensor WindowReader::gather_audio(const std::vector<ClipDraw>& draws, bool pinned) const {
  require_stored(windows_.stored().audio, "audio");
  at::Tensor tensor =
      at::empty({static_cast<std::int64_t>(draws.size()), samples_per_window()}, host_options(at::kFloat, pinned));
  auto* out = tensor.mutable_data_ptr<float>();
  for (const ClipDraw& draw : draws) {
    if (const CorruptionPlan::Entry* entry = corruption_of(draw)) {
      read_damaged_samples({windows_, draw, corruption_->settings, *entry}, out);
    } else {
      windows_.read_samples(draw, out);
    }
    out += samples_per_window();
  }
  return tensor;
}

at::Tensor WindowReader::gather_on(c10::Device device, const std::vector<ClipDraw>& draws, Gather gather,
                                   GatherHeld gather_held) const {
  if (loading_.held == nullptr || loading_.held->device() != device) {
    return (this->*gather)(draws, device.is_cuda()).to(device, /*non_blocking=*/true);
  }
  at::Tensor rows = (*loading_.held.*gather_held)(windows_, draws);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    if (corruption_of(draws[i]) == nullptr) continue;
    rows.select(0, static_cast<std::int64_t>(i)).copy_((this->*gather)({draws[i]}, /*pinned=*/false).select(0, 0));
  }
  return rows;
}

at::Tensor WindowReader::pixels_of(const at::Tensor& normalised) const {
  const PixelScale scale = pixel_scale(windows_.settings().normalise);
  const at::Tensor values =
      normalised.to(at::kCPU) * channel_values(scale.deviation, c10::kCPU) + channel_values(scale.mean, c10::kCPU);
  return values.mul(255.0).round().clamp(0, 255).to(at::kByte);
}

Batch WindowReader::make_batch(const std::vector<ClipDraw>& draws, ModalitySet modalities, c10::Device device) const {
  Batch batch;
  const auto size = static_cast<std::int64_t>(draws.size());
  batch.clip_index = at::empty({size}, at::kLong);
  batch.window = at::empty({size}, at::kLong);
  at::Tensor mirrored = at::empty({size}, at::kBool);
  for (std::int64_t i = 0; i < size; ++i) {
    const ClipDraw& draw = draws[static_cast<std::size_t>(i)];
    batch.clip_index.mutable_data_ptr<std::int64_t>()[i] = draw.clip;
    batch.window.mutable_data_ptr<std::int64_t>()[i] = draw.window;
    mirrored.mutable_data_ptr<bool>()[i] = draw.mirrored;
  }
  if (modalities.video) {
    require_stored(windows_.stored().video, "video");
    const PixelScale scale = pixel_scale(windows_.settings().normalise);
    at::Tensor pixels = gather_on(device, draws, &WindowReader::gather_video, &HeldClips::frames).to(at::kFloat);
    if (std::ranges::any_of(draws, &ClipDraw::mirrored)) {
      pixels = at::where(mirrored.to(device).view({size, 1, 1, 1, 1}), pixels.flip({-1}), pixels);
    }
    const at::Tensor deviation = channel_values(scale.deviation, device);
    batch.video = pixels.mul_(1.0 / (255.0 * deviation)).sub_(channel_values(scale.mean, device) / deviation);
  }
  if (modalities.audio) {
    require_stored(windows_.stored().audio, "audio");
    batch.audio = gather_on(device, draws, &WindowReader::gather_audio, &HeldClips::samples);
  }
  return batch;
}

}  // namespace cmkd
