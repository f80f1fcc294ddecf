// Which operators a device has to be waited for.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace cmkd::test {

// Whether an operator ("aten::equal") gives the host a value, or a tensor whose shape follows from values: on an
// accelerator it waits for all that came before.
inline bool reads_values(std::string_view name) {
  constexpr std::array<std::string_view, 5> kReading{"aten::_local_scalar_dense", "aten::nonzero", "aten::equal",
                                                     "aten::masked_select", "aten::bincount"};
  return std::ranges::find(kReading, name) != kReading.end() || name.find("unique") != std::string_view::npos;
}

}  // namespace cmkd::test
