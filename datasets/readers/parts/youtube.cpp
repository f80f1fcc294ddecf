#include "youtube.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "annotation.h"

namespace cmkd {

namespace {

constexpr std::size_t kIdLength = 11;
constexpr std::size_t kSecondDigits = 6;

std::optional<std::int64_t> seconds(std::string_view digits) {
  std::int64_t value = 0;
  if (digits.size() != kSecondDigits || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

bool is_youtube_id(std::string_view text) {
  return text.size() == kIdLength && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
         });
}

std::string youtube_id(std::string_view text, const std::string& where) {
  if (!is_youtube_id(text)) {
    fail_annotation(fmt::format("'{}' is not the id of a YouTube video", text), where,
                    "11 letters, digits, '_' and '-'");
  }
  return std::string(text);
}

std::string YoutubePiece::name() const { return fmt::format("{}_{:06}_{:06}", id, start_s, end_s); }

std::optional<YoutubePiece> parse_youtube_piece(std::string_view name) {
  const std::size_t last = name.rfind('_');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const std::size_t first = name.rfind('_', last - 1);
  if (first == std::string_view::npos) return std::nullopt;
  const auto start_s = seconds(name.substr(first + 1, last - first - 1));
  const auto end_s = seconds(name.substr(last + 1));
  const std::string_view id = name.substr(0, first);
  if (!start_s || !end_s || *end_s <= *start_s || !is_youtube_id(id)) return std::nullopt;
  return YoutubePiece{std::string(id), *start_s, *end_s};
}

}  // namespace cmkd
