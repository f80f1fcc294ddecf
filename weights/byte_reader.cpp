#include "byte_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "cmkd/core/error.h"
#include "cmkd/core/utf8.h"

namespace cmkd::weights {

namespace {

constexpr std::size_t kShownBytes = 80;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
    table[i] = value;
  }
  return table;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string safe;
  for (const char c : text.substr(0, kShownBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    safe += byte >= 0x20 && byte < 0x7F ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return text.size() > kShownBytes ? safe + "…" : safe;
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = decode_utf8(text);
    if (character.bytes == 0 || steers_text(character.code)) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::uint32_t crc32_of(Bytes bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
  std::uint32_t value = 0xFFFFFFFFU;
  for (const std::byte byte : bytes)
    value = (value >> 8U) ^ kTable[(value ^ std::to_integer<std::uint32_t>(byte)) & 255U];
  return ~value;
}

bool multiply(std::int64_t a, std::int64_t b, std::int64_t& product) {
  if (a < 0 || b < 0 || (b > 0 && a > std::numeric_limits<std::int64_t>::max() / b)) return false;
  product = a * b;
  return true;
}

bool add(std::int64_t a, std::int64_t b, std::int64_t& sum) {
  if (a < 0 || b < 0 || a > std::numeric_limits<std::int64_t>::max() - b) return false;
  sum = a + b;
  return true;
}

void refuse_file(const std::filesystem::path& path, std::uint64_t offset, const std::string& what,
                 const std::string& fix) {
  throw Error(ErrorKind::kData, {.what = what, .where = fmt::format("{}, byte {}", path.string(), offset), .fix = fix});
}

void ByteReader::seek(std::uint64_t position) {
  if (position > bytes_.size()) refuse(fmt::format("an offset of {} lies beyond the end", position));
  position_ = static_cast<std::size_t>(position);
}

Bytes ByteReader::take(std::uint64_t count) {
  if (count > left()) {
    refuse(fmt::format("{} bytes are wanted, {} are left: the file is cut off or broken", count, left()),
           "fetch the file again");
  }
  const Bytes taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += taken.size();
  return taken;
}

std::string_view ByteReader::line() {
  const std::string_view rest = as_text(bytes_.subspan(position_));
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) refuse("a line without an end: the file is cut off or broken");
  position_ += end + 1;
  return rest.substr(0, end);
}

std::uint64_t ByteReader::number(std::size_t width) {
  const Bytes bytes = take(width);
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

void ByteReader::refuse(const std::string& what, const std::string& fix) const { refuse_at(position_, what, fix); }

void ByteReader::refuse_at(std::size_t position, const std::string& what, const std::string& fix) const {
  refuse_file(path_, base_ + position, what, fix);
}

}  // namespace cmkd::weights
