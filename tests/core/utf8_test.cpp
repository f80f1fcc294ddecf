#include "cmkd/core/utf8.h"

#include <string>

#include "catch.h"

namespace cmkd {
namespace {

TEST_CASE("a character of UTF-8 is read by RFC 3629") {
  const auto reads = [](const std::string& text, std::uint32_t code, std::size_t bytes) {
    const Utf8Character character = decode_utf8(text);
    return character.code == code && character.bytes == bytes;
  };
  CHECK(reads("a", 0x61, 1));
  CHECK(reads(std::string(1, '\0'), 0, 1));
  CHECK(reads("\xC3\xB6x", 0xF6, 2));
  CHECK(reads("\xE2\x80\xA8", 0x2028, 3));
  CHECK(reads("\xF4\x8F\xBF\xBF", 0x10FFFF, 4));
  // Cut off, a continuation alone, longer than need be, a surrogate, beyond the last.
  for (const char* broken : {"\xC3", "\xE2\x80", "\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF",
                             "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    CHECK(decode_utf8(broken).bytes == 0);
  }
}

TEST_CASE("what changes the text beside it is told from what is only seen") {
  for (const std::uint32_t code : {0U, 0x1BU, 0x7FU, 0x80U, 0x9BU, 0x2028U, 0x202EU, 0x2066U, 0x2069U}) {
    CHECK(steers_text(code));
  }
  for (const std::uint32_t code : {0x20U, 0x7EU, 0xA0U, 0xF6U, 0x2027U, 0x202FU, 0x2065U, 0x206AU}) {
    CHECK_FALSE(steers_text(code));
  }
}

}  // namespace
}  // namespace cmkd
