#include "cmkd/batches/held_clips.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <optional>

#include "cmkd/core/parallel.h"

namespace cmkd {

namespace {

std::uint64_t frame_bytes(const IngestSettings& stored) {
  return 3 * static_cast<std::uint64_t>(stored.height) * static_cast<std::uint64_t>(stored.width);
}

at::Tensor on_device(const std::vector<std::int64_t>& values, c10::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

}  // namespace

std::uint64_t HeldClips::bytes_needed(const ClipCache& cache) {
  std::uint64_t bytes = 0;
  for (std::int64_t i = 0; i < cache.size(); ++i) {
    const CachedClip clip = cache.clip(i);
    bytes += static_cast<std::uint64_t>(clip.frame_count) * frame_bytes(cache.settings()) +
             static_cast<std::uint64_t>(clip.sample_count) * sizeof(float);
  }
  return bytes;
}

HeldClips::HeldClips(const ClipCache& cache, c10::Device device, int threads) : device_(device) {
  std::int64_t frames = 0;
  std::int64_t samples = 0;
  for (std::int64_t i = 0; i < cache.size(); ++i) {
    const CachedClip clip = cache.clip(i);
    first_frame_.push_back(frames);
    first_sample_.push_back(samples);
    frames += clip.frame_count;
    samples += clip.sample_count;
  }
  const IngestSettings& stored = cache.settings();
  const at::TensorOptions on_device(device);
  frames_ = at::empty({frames, 3, stored.height, stored.width}, on_device.dtype(at::kByte));
  samples_ = at::empty({std::max<std::int64_t>(samples, 1)}, on_device.dtype(at::kFloat));
  for_each_in_parallel(cache.size(), threads, [&](std::int64_t i) {
    const LoadedClip loaded = cache.load(i);
    const CachedClip& clip = loaded.clip;
    const auto at_clip = static_cast<std::size_t>(i);
    // The copies are over before the host's memory goes: from_blob is not pinned.
    if (!clip.pixels.empty()) {
      frames_.narrow(0, first_frame_[at_clip], clip.frame_count)
          .copy_(at::from_blob(const_cast<std::uint8_t*>(clip.pixels.data()),
                               {clip.frame_count, 3, stored.height, stored.width}, at::kByte));
    }
    if (!clip.samples.empty()) {
      samples_.narrow(0, first_sample_[at_clip], clip.sample_count)
          .copy_(at::from_blob(const_cast<float*>(clip.samples.data()), {clip.sample_count}, at::kFloat));
    }
  });
}

at::Tensor HeldClips::frames(const StoredWindows& windows, const std::vector<ClipDraw>& draws) const {
  std::vector<std::int64_t> frame;
  std::vector<std::int64_t> top;
  std::vector<std::int64_t> left;
  for (const ClipDraw& draw : draws) {
    const std::int64_t first = first_frame_[static_cast<std::size_t>(draw.clip)];
    for (const std::int64_t of_clip : windows.place_of(draw).frames) frame.push_back(first + of_clip);
    top.push_back(draw.top);
    left.push_back(draw.left);
  }
  const at::TensorOptions whole = at::TensorOptions(device_).dtype(at::kLong);
  const at::Tensor rows = on_device(top, device_).unsqueeze(1) + at::arange(windows.height(), whole);
  const at::Tensor columns = on_device(left, device_).unsqueeze(1) + at::arange(windows.width(), whole);
  const auto batch = static_cast<std::int64_t>(draws.size());
  const c10::List<std::optional<at::Tensor>> at_pixels{
      on_device(frame, device_).view({batch, 1, windows.frames(), 1, 1}), at::arange(3, whole).view({1, 3, 1, 1, 1}),
      rows.view({batch, 1, 1, windows.height(), 1}), columns.view({batch, 1, 1, 1, windows.width()})};
  return at::index(frames_, at_pixels);
}

at::Tensor HeldClips::samples(const StoredWindows& windows, const std::vector<ClipDraw>& draws) const {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  for (const ClipDraw& draw : draws) {
    const WindowPlace place = windows.place_of(draw);
    first.push_back(first_sample_[static_cast<std::size_t>(draw.clip)] + place.first_sample);
    count.push_back(place.samples);
  }
  const std::int64_t length = windows.samples_per_window();
  const at::Tensor offset = at::arange(length, at::TensorOptions(device_).dtype(at::kLong));
  const at::Tensor inside = offset < on_device(count, device_).unsqueeze(1);  // [B, n]
  const at::Tensor place =
      at::where(inside, on_device(first, device_).unsqueeze(1) + offset, at::zeros({}, offset.options()));
  const at::Tensor values = samples_.index_select(0, place.view(-1)).view({-1, length});
  return at::where(inside, values, at::zeros({}, values.options()));
}

}  // namespace cmkd
