// What results are made with, beyond what their keys hold: the shared code, LibTorch, the kind of device, the CPU's
// instruction level. Rows that differ in it are never mixed in silence.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "cmkd/results/records.h"

namespace cmkd {

// Of what this program makes on `device`.
[[nodiscard]] results::Origin origin_here(c10::Device device);

// "shared code 1a2b3c4d5e (here 5e6f7a8b9c), LibTorch 2.11.0 (here 2.13.0)"; "" when nothing differs.
[[nodiscard]] std::string difference_text(const results::Origin& stored, const results::Origin& here);

}  // namespace cmkd
