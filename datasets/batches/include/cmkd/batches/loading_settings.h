// How a process gets at its clips: [loading] of a suite file. No result depends on it, and so no key has it.
#pragma once

#include <cstdint>

namespace cmkd {

struct LoadingSettings {
  std::int64_t threads = 1;            // that make batches ahead of their use; 0: none, the training makes them itself
  std::int64_t ahead = 2;              // batches made or being made at any time
  std::int64_t device_cache_mib = -1;  // of the device's memory, to hold the whole clip cache; −1: half of what is free
};

}  // namespace cmkd
