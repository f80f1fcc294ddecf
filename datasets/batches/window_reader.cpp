#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/error.h"

namespace cmkd {

namespace {

at::Tensor channel_values(const std::array<float, 3>& values, c10::Device device) {
  at::Tensor tensor = at::empty({1, 3, 1, 1, 1}, at::kFloat);
  std::ranges::copy(values, tensor.mutable_data_ptr<float>());
  return tensor.to(device);
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

WindowReader::WindowReader(const ClipCache& cache, const WindowSettings& settings)
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

ClipDraw WindowReader::draw_training(std::int64_t clip, RandomStream stream) const {
  ClipDraw draw;
  draw.clip = clip;
  draw.window =
      static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(std::max<std::int64_t>(settings_.windows, 1))));
  const IngestSettings& stored = cache_.settings();
  if (stored.video) {
    draw.top = stream.integer(0, stored.height - height_);
    draw.left = stream.integer(0, stored.width - width_);
    draw.mirrored = settings_.flip && stream.bernoulli(0.5);
  }
  return draw;
}

ClipDraw WindowReader::draw_window(std::int64_t clip, std::int64_t window) const {
  const IngestSettings& stored = cache_.settings();
  ClipDraw draw;
  draw.clip = clip;
  draw.window = window;
  draw.top = (stored.height - height_) / 2;
  draw.left = (stored.width - width_) / 2;
  return draw;
}

ClipDraw WindowReader::draw_test_view(std::int64_t clip, std::int64_t view) const {
  ClipDraw draw = draw_window(clip, view / settings_.crops_at_test());
  draw.test_view = true;
  if (settings_.test_crops == TestCrops::kCentre) return draw;
  const IngestSettings& stored = cache_.settings();
  const std::int64_t room_down = stored.height - height_;
  const std::int64_t room_right = stored.width - width_;
  const std::int64_t place = view % settings_.crops_at_test();  // 0 at the beginning, 1 in the middle, 2 at the end
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

void WindowReader::read_frames(const ClipDraw& draw, bool frozen, std::uint8_t* out) const {
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
      const std::int64_t frame = frame_at(clip, first, frozen ? 0 : t);
      const std::uint8_t* source = clip.pixels.data() + ((frame - loaded.first_frame) * 3 + channel) * plane +
                                   draw.top * stored_width + draw.left;
      for (std::int64_t row = 0; row < height_; ++row, out += width_, source += stored_width) {
        std::memcpy(out, source, static_cast<std::size_t>(width_));
      }
    }
  }
}

namespace {

constexpr std::uint8_t kGrey = 128;

void cover(std::uint8_t* frames, std::int64_t planes, std::int64_t height, std::int64_t width, double area,
           const CorruptionPlan::Entry& where) {
  const double side = std::sqrt(area);
  const std::int64_t rows = std::llround(side * static_cast<double>(height));
  const std::int64_t columns = std::llround(side * static_cast<double>(width));
  const std::int64_t top = std::llround(where.y * static_cast<double>(height - rows));
  const std::int64_t left = std::llround(where.x * static_cast<double>(width - columns));
  for (std::int64_t plane = 0; plane < planes; ++plane, frames += height * width) {
    for (std::int64_t row = top; row < top + rows; ++row) {
      std::fill_n(frames + row * width + left, columns, kGrey);
    }
  }
}

double power_of(const float* samples, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
  return sum / static_cast<double>(count);
}

// Adds `noise`, scaled so that the power of `samples` lies `snr_db` above its own. Silence has no level to relate to:
// beside it, the noise stays as it is; and silent noise adds nothing.
void mix_in(float* samples, const std::vector<float>& noise, double snr_db) {
  const auto count = static_cast<std::int64_t>(noise.size());
  const double own = power_of(samples, count);
  const double other = power_of(noise.data(), count);
  double scale = 1.0;
  if (own > 0 && other > 0) scale = std::sqrt(own / (other * std::pow(10.0, snr_db / 10.0)));
  for (std::int64_t i = 0; i < count; ++i) {
    samples[i] += static_cast<float>(scale) * noise[static_cast<std::size_t>(i)];
  }
}

}  // namespace

at::Tensor WindowReader::gather_video(const std::vector<ClipDraw>& draws) const {
  require_stored(cache_.settings().video, "video");
  const auto batch = static_cast<std::int64_t>(draws.size());
  at::Tensor tensor = at::empty({batch, 3, settings_.frames, height_, width_}, at::kByte);
  auto* out = tensor.mutable_data_ptr<std::uint8_t>();
  const std::int64_t size = 3 * settings_.frames * height_ * width_;
  for (const ClipDraw& draw : draws) {
    const CorruptionPlan::Entry* damage = corruption_of(draw);
    const CorruptionKind kind = damage == nullptr ? CorruptionKind::kNone : corruption_->settings.kind;
    ClipDraw seen = draw;
    if (kind == CorruptionKind::kSwap) seen.clip = damage->source;
    if (kind == CorruptionKind::kMissing) {
      std::fill_n(out, size, kGrey);
    } else {
      read_frames(seen, kind == CorruptionKind::kFreeze, out);
    }
    if (kind == CorruptionKind::kOcclude) {
      cover(out, 3 * settings_.frames, height_, width_, corruption_->settings.area, *damage);
    }
    out += size;
  }
  return tensor;
}

void WindowReader::read_samples(const ClipDraw& draw, std::int64_t shift, float* out) const {
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
  if (shift == 0) {
    std::memcpy(out, clip.samples.data() + first, static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  const std::int64_t length = clip.sample_count;
  std::int64_t from = ((first - shift) % length + length) % length;
  for (std::int64_t i = 0; i < count; ++i, from = from + 1 == length ? 0 : from + 1) {
    out[i] = clip.samples[static_cast<std::size_t>(from)];
  }
}

at::Tensor WindowReader::gather_audio(const std::vector<ClipDraw>& draws) const {
  require_stored(cache_.settings().audio, "audio");
  at::Tensor tensor = at::zeros({static_cast<std::int64_t>(draws.size()), samples_}, at::kFloat);
  auto* out = tensor.mutable_data_ptr<float>();
  for (const ClipDraw& draw : draws) {
    const CorruptionPlan::Entry* damage = corruption_of(draw);
    const CorruptionKind kind = damage == nullptr ? CorruptionKind::kNone : corruption_->settings.kind;
    ClipDraw other = draw;
    if (damage != nullptr) other.clip = damage->source;
    std::int64_t shift = 0;
    if (kind == CorruptionKind::kShift)
      shift = std::llround(corruption_->settings.shift_s * cache_.settings().sample_rate);
    if (kind != CorruptionKind::kMissing) read_samples(kind == CorruptionKind::kSwap ? other : draw, shift, out);
    if (kind == CorruptionKind::kNoise) {
      std::vector<float> noise(static_cast<std::size_t>(samples_));
      read_samples(other, 0, noise.data());
      mix_in(out, noise, corruption_->settings.snr_db);
    }
    out += samples_;
  }
  return tensor;
}

at::Tensor WindowReader::pixels_of(const at::Tensor& normalised) const {
  const PixelScale scale = pixel_scale(settings_.normalise);
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
    const PixelScale scale = pixel_scale(settings_.normalise);
    at::Tensor pixels = gather_video(draws).to(device).to(at::kFloat);
    if (std::ranges::any_of(draws, &ClipDraw::mirrored)) {
      pixels = at::where(mirrored.to(device).view({size, 1, 1, 1, 1}), pixels.flip({-1}), pixels);
    }
    const at::Tensor deviation = channel_values(scale.deviation, device);
    batch.video = pixels.mul_(1.0 / (255.0 * deviation)).sub_(channel_values(scale.mean, device) / deviation);
  }
  if (modalities.audio) batch.audio = gather_audio(draws).to(device);
  return batch;
}

}  // namespace cmkd
