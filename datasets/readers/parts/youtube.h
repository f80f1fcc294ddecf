// Clips of YouTube videos, as the sets that are made of them name their files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cmkd {

// 11 letters, digits, '_' and '-' (either may stand anywhere, also first).
[[nodiscard]] bool is_youtube_id(std::string_view text);
// Throws Error(kData) for a text that is none (a spreadsheet turns "-5eX…" into a number or an error).
[[nodiscard]] std::string youtube_id(std::string_view text, const std::string& where);

// A piece of a video by whole seconds, named "<id>_<start>_<end>" with six digits each.
struct YoutubePiece {
  std::string id;
  std::int64_t start_s = 0;
  std::int64_t end_s = 0;

  [[nodiscard]] std::string name() const;
};

// Nothing when the name is another; split from the right, because ids hold '_'.
[[nodiscard]] std::optional<YoutubePiece> parse_youtube_piece(std::string_view name);

}  // namespace cmkd
