// The loading settings as one process has them: threads that read ahead, clips held on the device.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

#include "cmkd/batches/loading_settings.h"
#include "cmkd/clips/clip_cache.h"

namespace cmkd {

class HeldClips;

struct Loading {
  int threads = 0;
  std::int64_t ahead = 2;
  std::shared_ptr<const HeldClips> held;  // null: clips are read from the cache's files
};

// Holds the clips on `device` when they fit the budget. On the host, whose memory map is as good, only a budget that
// was given holds them.
[[nodiscard]] Loading start_loading(const LoadingSettings& settings, const ClipCache& cache, c10::Device device);

}  // namespace cmkd
