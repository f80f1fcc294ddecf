// Time spans.
#pragma once

#include <chrono>

namespace cmkd {

// Seconds of a clock that never jumps: only differences mean anything.
[[nodiscard]] inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cmkd
