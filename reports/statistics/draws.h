// Draws for the resampling statistics.
#pragma once

#include <cstdint>

#include "cmkd/core/random.h"

namespace cmkd::reports {

// 0 … bound − 1, unbiased (Lemire, "Fast random integer generation in an interval", 2019); bound ≥ 1.
[[nodiscard]] std::uint32_t draw_below(RandomStream& stream, std::uint32_t bound);

}  // namespace cmkd::reports
