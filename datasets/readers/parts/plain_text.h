// Files that people and tools write as plain text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cmkd {

// Throws Error(kData) naming the line of the first place that is no plain text: UTF-16 or UTF-32, bytes that are no
// UTF-8, control characters other than tabs and line ends, a carriage return within the text (line ends are LF or
// CRLF), and characters without width, which make two names differ that look the same.
void require_plain_text(std::string_view text, const std::filesystem::path& file);

// The whole file, which is plain text. Throws Error(kData) as read_file and require_plain_text do.
[[nodiscard]] std::string read_plain_text(const std::filesystem::path& file);

}  // namespace cmkd
