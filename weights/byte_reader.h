// Bytes of a file that is not trusted: every read is checked against what is there, and every refusal names the byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace cmkd::weights {

using Bytes = std::span<const std::byte>;

// Text of a file for an error: at most 80 bytes, everything but printable ASCII as \xNN.
[[nodiscard]] std::string shown(std::string_view text);
// Valid UTF-8 without control characters: names are printed, and written as JSON.
[[nodiscard]] bool is_printable(std::string_view text);
[[nodiscard]] std::string_view as_text(Bytes bytes);

// CRC-32 as zip archives have it (polynomial 0xEDB88320).
[[nodiscard]] std::uint32_t crc32_of(Bytes bytes);

// False when the product, or a factor, is negative or beyond 2^63 − 1.
[[nodiscard]] bool multiply(std::int64_t a, std::int64_t b, std::int64_t& product);
[[nodiscard]] bool add(std::int64_t a, std::int64_t b, std::int64_t& sum);

// Throws Error(kData): "FILE, byte 12".
[[noreturn]] void refuse_file(const std::filesystem::path& path, std::uint64_t offset, const std::string& what,
                              const std::string& fix = "");

// Little-endian numbers from `bytes`, which begin at byte `base` of the file. The bytes must outlive the reader.
class ByteReader {
 public:
  ByteReader(std::filesystem::path path, Bytes bytes, std::uint64_t base = 0)
      : path_(std::move(path)), bytes_(bytes), base_(base) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::uint64_t file_position() const noexcept { return base_ + position_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - position_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  void seek(std::uint64_t position);              // refuses a position beyond the end
  [[nodiscard]] Bytes take(std::uint64_t count);  // refuses more than is left
  [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  [[nodiscard]] std::uint64_t u64() { return number(8); }
  [[nodiscard]] std::string_view line();  // up to the next '\n', which is skipped

  // At the present byte, or at `position` of these bytes.
  [[noreturn]] void refuse(const std::string& what, const std::string& fix = "") const;
  [[noreturn]] void refuse_at(std::size_t position, const std::string& what, const std::string& fix = "") const;

 private:
  [[nodiscard]] std::uint64_t number(std::size_t width);

  std::filesystem::path path_;
  Bytes bytes_;
  std::uint64_t base_ = 0;
  std::size_t position_ = 0;
};

}  // namespace cmkd::weights
