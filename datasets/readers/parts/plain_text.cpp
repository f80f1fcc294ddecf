#include "plain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/utf8.h"

namespace cmkd {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What is wrong at `at`; "" when nothing is. `character` is what stands there.
std::string fault_at(std::string_view text, std::size_t at, const Utf8Character& character) {
  const std::uint32_t code = character.code;
  if (character.bytes == 0) {
    return fmt::format("the byte 0x{:02X} is not UTF-8", static_cast<unsigned>(static_cast<unsigned char>(text[at])));
  }
  if (code == 0) return "a zero byte stands in the text";
  if (code == '\r') {
    const bool line_end = at + 1 == text.size() || text[at + 1] == '\n';
    return line_end ? "" : "a carriage return stands within a line";
  }
  if ((code < 0x20 && code != '\t' && code != '\n') || code == 0x7F) {
    return fmt::format("the control character U+{:04X} stands in the text", code);
  }
  if (code == 0x200B || code == 0xFEFF) return fmt::format("a character without width, U+{:04X}, stands here", code);
  return "";
}

bool is_wide_text(std::string_view text) {
  using namespace std::string_view_literals;
  return text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv) || text.starts_with("\0\0\xFE\xFF"sv);
}

}  // namespace

void require_plain_text(std::string_view text, const std::filesystem::path& file) {
  const auto fail = [&](const std::string& what, std::size_t at) {
    const auto line = 1 + std::ranges::count(text.substr(0, at), '\n');
    throw Error(ErrorKind::kData,
                {what, fmt::format("{}:{}", file.string(), line), "UTF-8, lines that end in LF or CRLF",
                 "save the file as UTF-8 text, or fetch it again"});
  };
  if (is_wide_text(text)) fail("the file is UTF-16 or UTF-32 text", 0);
  for (std::size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0; at < text.size();) {
    const Utf8Character character = decode_utf8(text.substr(at));
    if (const std::string fault = fault_at(text, at, character); !fault.empty()) fail(fault, at);
    at += character.bytes;
  }
}

std::string read_plain_text(const std::filesystem::path& file) {
  std::string text = read_file(file);
  require_plain_text(text, file);
  return text;
}

}  // namespace cmkd
