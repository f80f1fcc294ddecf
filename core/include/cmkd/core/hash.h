// Content hashes: XXH3 of 128 bits (xxHash), written as 32 lower-case hexadecimal digits.
//
// They name contents (files, configurations, tensors) and reveal accidental change. They are no defence against a
// person who forges a file on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cmkd {

// Streaming hash. Not thread-safe; one object per stream. `hex()` may be called at any time and does not end the
// stream.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& update(std::span<const std::byte> bytes);
  Hasher& update(std::string_view text);
  // A length-prefixed field: fields ("ab","c") and ("a","bc") hash differently.
  Hasher& field(std::string_view text);
  Hasher& field(std::int64_t value);

  [[nodiscard]] std::string hex() const;  // 32 digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string hash_hex(std::string_view text);
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed = 0);
[[nodiscard]] std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0);
// Hash of a file's bytes. Throws Error(kData) when it cannot be read.
[[nodiscard]] std::string hash_file(const std::filesystem::path& path);

}  // namespace cmkd
