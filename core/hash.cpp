#include "cmkd/core/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd {

struct Hasher::State {
  XXH3_state_t xxh;
};

namespace {

std::string digest_hex(XXH128_hash_t digest) { return fmt::format("{:016x}{:016x}", digest.high64, digest.low64); }

}  // namespace

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
  return *this;
}

Hasher& Hasher::update(std::string_view text) { return update(std::as_bytes(std::span(text.data(), text.size()))); }

Hasher& Hasher::field(std::string_view text) { return field(static_cast<std::int64_t>(text.size())).update(text); }

Hasher& Hasher::field(std::int64_t value) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  return update(std::as_bytes(std::span(bytes)));
}

std::string Hasher::hex() const { return digest_hex(XXH3_128bits_digest(&state_->xxh)); }

std::string hash_hex(std::string_view text) { return digest_hex(XXH3_128bits(text.data(), text.size())); }

std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t hash64(std::string_view text, std::uint64_t seed) {
  return hash64(std::as_bytes(std::span(text.data(), text.size())), seed);
}

std::string hash_file(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) {
    throw Error(ErrorKind::kData, {.what = "cannot read file", .where = path.string(), .fix = std::strerror(errno)});
  }
  Hasher hasher;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    hasher.update(std::span(buffer).first(count));
  }
  if (std::ferror(file.get()) != 0)
    throw Error(ErrorKind::kData, {.what = "read error", .where = path.string(), .fix = "check the disk"});
  return hasher.hex();
}

}  // namespace cmkd
