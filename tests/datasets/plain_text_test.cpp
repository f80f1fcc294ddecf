#include "../../datasets/readers/parts/plain_text.h"

#include "catch.h"
#include "cmkd/core/file.h"
#include "cmkd/readers/csv.h"
#include "error_text.h"
#include "paths.h"

namespace cmkd {
namespace {

using test::error_of;
using test::mentions;
using namespace std::string_literals;

std::string fault(const std::string& text) {
  return error_of([&] { require_plain_text(text, "list.txt"); });
}

TEST_CASE("text in any script, with a byte order mark, tabs and either line end, is plain text") {
  CHECK(fault("") == "no error");
  CHECK(fault("\xEF\xBB\xBF"
              "a\tb\r\nc\r") == "no error");
  // é, 中, 😀: two, three and four bytes.
  CHECK(fault("\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80\n") == "no error");
}

TEST_CASE("bytes that are no UTF-8 are named with their line") {
  CHECK(mentions(fault("a\nb\xFF\n"), {"0xFF is not UTF-8", "list.txt:2"}));
  CHECK(mentions(fault("a\n\n\xE9t\xE9\n"), {"0xE9 is not UTF-8", "list.txt:3"}));  // Latin-1
  CHECK(mentions(fault("\xC3"), {"0xC3 is not UTF-8"}));                            // cut off
  CHECK(mentions(fault("\xC0\x80"), {"0xC0 is not UTF-8"}));                        // a zero in two bytes
  CHECK(mentions(fault("\xE0\x80\x80"), {"0xE0 is not UTF-8"}));                    // a zero in three
  CHECK(mentions(fault("\xED\xA0\x80"), {"0xED is not UTF-8"}));                    // a surrogate
  CHECK(mentions(fault("\xF4\x90\x80\x80"), {"0xF4 is not UTF-8"}));                // above U+10FFFF
}

TEST_CASE("UTF-16, control characters, old line ends and characters without width are no plain text") {
  CHECK(mentions(fault("\xFF\xFE"
                       "a\0\n\0"s),
                 {"UTF-16", "list.txt:1", "save the file as UTF-8"}));
  CHECK(mentions(fault("a\nb\0c\n"s), {"zero byte", "list.txt:2"}));
  CHECK(mentions(fault("a\nb\ac\n"), {"control character U+0007", "list.txt:2"}));
  CHECK(mentions(fault("a\rb\r"), {"carriage return", "list.txt:1"}));
  CHECK(mentions(fault("a\n\xE2\x80\x8B"
                       "b\n"),
                 {"without width, U+200B", "list.txt:2"}));
  CHECK(mentions(fault("a\n\xEF\xBB\xBF"
                       "b\n"),
                 {"U+FEFF", "list.txt:2"}));
}

TEST_CASE("tables are read as plain text") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "t.csv", "a,b\n1,2\n3,\xFF\n");
  CHECK(mentions(error_of([&] { (void)read_csv(folder / "t.csv"); }), {"not UTF-8", "t.csv:3"}));
}

}  // namespace
}  // namespace cmkd
