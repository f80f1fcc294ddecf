#include "catch.h"

#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "paths.h"

using namespace cmkd;

namespace {

struct KnownHash {
  std::string text;
  std::string xxh3_128;
  std::uint64_t xxh3_64;
};

std::string counting_bytes(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i % 251);
  return text;
}

std::string quadratic_bytes(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>((i * i + 7) % 256);
  return text;
}

// Reference values: `xxh128sum` and `xxhsum -H3` of Debian's package xxhash 0.8.1-1 on files with these bytes.
// The lengths take XXH3 through its paths for 0, 1–3, 17–128 (43), 129–240 (200), long and many-stripe inputs.
std::vector<KnownHash> known_hashes() {
  return {
      {"", "99aa06d3014798d86001c324468d497f", 0x2d06800538d394c2},
      {"a", "a96faf705af16834e6c632b61e964e1f", 0xe6c632b61e964e1f},
      {"abc", "06b05ab6733a618578af5f94892f3950", 0x78af5f94892f3950},
      {"The quick brown fox jumps over the lazy dog", "ddd650205ca3e7fa24a1cc2e3a8a7651", 0xce7d19a5418fb365},
      {counting_bytes(200), "cb0395310643ba0edd97e9af3609d9f5", 0xf42a8864feaf0703},
      {counting_bytes(1000), "18bf41bc8229e27733ef703fb2b20ed1", 0x33ef703fb2b20ed1},
      {quadratic_bytes(100000), "78c9aa16148f4a69dfb9ce4354a177db", 0xdfb9ce4354a177db},
  };
}

}  // namespace

TEST_CASE("hashes equal those of the xxhsum tool") {
  for (const KnownHash& known : known_hashes()) {
    CAPTURE(known.text.size());
    CHECK(hash_hex(known.text) == known.xxh3_128);
    CHECK(hash64(known.text) == known.xxh3_64);
  }
}

TEST_CASE("a stream's hash does not depend on how the bytes are cut") {
  const std::string text = quadratic_bytes(100000);
  for (const std::size_t piece : {1UL, 7UL, 256UL, 65536UL}) {
    Hasher hasher;
    for (std::size_t at = 0; at < text.size(); at += piece) hasher.update(std::string_view(text).substr(at, piece));
    CHECK(hasher.hex() == hash_hex(text));
  }
}

TEST_CASE("reading the hash does not end the stream") {
  Hasher hasher;
  hasher.update("ab");
  CHECK(hasher.hex() == hash_hex("ab"));
  hasher.update("c");
  CHECK(hasher.hex() == hash_hex("abc"));
}

TEST_CASE("a moved stream goes on where it was") {
  Hasher first;
  first.update("ab");
  Hasher second(std::move(first));
  second.update("c");
  CHECK(second.hex() == hash_hex("abc"));
}

TEST_CASE("fields are told apart by their lengths") {
  CHECK(Hasher().field("ab").field("c").hex() != Hasher().field("a").field("bc").hex());
  CHECK(Hasher().field("").hex() != Hasher().hex());
  CHECK(Hasher().field(std::int64_t{1}).hex() != Hasher().field(std::int64_t{256}).hex());
}

TEST_CASE("a field is its length in eight little-endian bytes and then its text") {
  using namespace std::string_literals;
  CHECK(Hasher().field("abc").hex() == hash_hex("\x03\0\0\0\0\0\0\0abc"s));
  CHECK(Hasher().field(std::int64_t{-2}).hex() == hash_hex("\xfe\xff\xff\xff\xff\xff\xff\xff"s));
}

TEST_CASE("a 64-bit hash depends on its seed") { CHECK(hash64("abc", 1) != hash64("abc", 0)); }

TEST_CASE("a file's hash is that of its bytes, whatever its size") {
  const test::TemporaryFolder folder;
  for (const std::size_t size : {0UL, 1UL, 100000UL, (1UL << 20) + 1}) {
    const std::string text = quadratic_bytes(size);
    std::ofstream(folder / "bytes", std::ios::binary) << text;
    CHECK(hash_file(folder / "bytes") == hash_hex(text));
  }
}

TEST_CASE("hashing a file that cannot be read names the file") {
  const test::TemporaryFolder folder;
  try {
    static_cast<void>(hash_file(folder / "absent"));
    FAIL("an absent file was hashed");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(error.parts().where == (folder / "absent").string());
  }
}

TEST_CASE("hashing a folder is an error, not the hash of nothing") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS(hash_file(folder.path()), Error);
}
