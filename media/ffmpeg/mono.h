// One channel of float from a decoded frame of any sample format.
#pragma once

#include <vector>

#include "handles.h"

namespace cmkd::media {

// The arithmetic mean of the channels, full scale = ±1, unsigned 8 bit centred at 128. Replaces `mono`.
// False for a sample format that is unknown here.
[[nodiscard]] bool mean_of_channels(const AVFrame& frame, std::vector<float>& mono);

}  // namespace cmkd::media
