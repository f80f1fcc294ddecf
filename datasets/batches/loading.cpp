#include "cmkd/batches/loading.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>

#include "cmkd/batches/held_clips.h"

namespace cmkd {

namespace {

constexpr std::int64_t kBytesOfMib = std::int64_t{1024} * 1024;

std::uint64_t device_budget(const LoadingSettings& settings, c10::Device device) {
  if (settings.device_cache_mib >= 0) return static_cast<std::uint64_t>(settings.device_cache_mib * kBytesOfMib);
  if (device.is_cpu()) return 0;
  const auto [available, total] = at::getDeviceAllocator(device.type())->getMemoryInfo(device.index());
  return static_cast<std::uint64_t>(available) / 2;
}

}  // namespace

Loading start_loading(const LoadingSettings& settings, const ClipCache& cache, c10::Device device) {
  Loading loading;
  loading.threads = static_cast<int>(settings.threads);
  loading.ahead = settings.ahead;
  const std::uint64_t budget = device_budget(settings, device);
  if (budget > 0 && HeldClips::bytes_needed(cache) <= budget) {
    loading.held = std::make_shared<HeldClips>(cache, device, std::max(1, loading.threads));
  }
  return loading;
}

}  // namespace cmkd
