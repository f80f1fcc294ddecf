// Writing CSV (RFC 4180).
#pragma once

#include <string>
#include <string_view>

namespace cmkd {

// A field in quotes when it needs them.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace cmkd
