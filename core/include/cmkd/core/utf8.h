// Characters of text that is not trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cmkd {

struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: no UTF-8 begins here
};

// The character at the start of `text`, which is not empty, by RFC 3629: the shortest form only, no surrogates, nothing
// above U+10FFFF.
[[nodiscard]] Utf8Character decode_utf8(std::string_view text) noexcept;

// Control characters (a terminal takes U+009B for ESC [), line separators, and what turns the direction of the text: in
// a name, they would change what stands beside it.
[[nodiscard]] bool steers_text(std::uint32_t code) noexcept;

}  // namespace cmkd
