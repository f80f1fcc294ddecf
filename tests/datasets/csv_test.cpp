#include "cmkd/readers/csv.h"

#include "catch.h"
#include "error_text.h"

namespace cmkd {
namespace {

using test::error_of;
using test::mentions;

TEST_CASE("a table without a header is rows of a given number of fields") {
  const CsvForm form{.header = false, .fields = 3, .row = "id,start,label"};
  const CsvTable table = parse_csv_rows("\xEF\xBB\xBF-a,1,\"x, y\"\r\n\r\nb,2,z", "t.csv", form);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.header.fields.empty());
  CHECK(table.rows[0].fields == std::vector<std::string>{"-a", "1", "x, y"});
  CHECK(table.where(table.rows[1]) == "t.csv:3");
  CHECK(mentions(error_of([&] { (void)parse_csv_rows("a,1,x\nb,2\n", "t.csv", form); }),
                 {"2 fields", "t.csv:2", "3 fields, id,start,label"}));
  CHECK(mentions(error_of([&] { (void)parse_csv_rows("\n", "t.csv", form); }), {"empty", "t.csv"}));
}

TEST_CASE("comment lines and spaces after commas are skipped where the form has them, and lines still count") {
  const CsvForm form{.header = false, .fields = 2, .row = "id, labels", .spaces_after_commas = true, .comments = true};
  const CsvTable table = parse_csv_rows("# a, \"b\n#\n# c\r\nx, \"/m/1,/m/2\"\ny,\t/m/3", "t.csv", form);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0].line == 4);
  CHECK(table.rows[0].fields == std::vector<std::string>{"x", "/m/1,/m/2"});
  CHECK(table.rows[1].fields == std::vector<std::string>{"y", "/m/3"});
  // Below the first row a '#' is a letter, too: no row is left out in silence.
  CHECK(parse_csv_rows("# c\nx, 1\n#y, 2\n", "t.csv", form).rows.at(1).fields[0] == "#y");
  // Without it, a space is a part of the field, and '#' is a letter.
  CHECK(parse_csv("#a,b\nx, y\n", "t.csv").rows[0].fields[1] == " y");
  CHECK(parse_csv("#a,b\nx, y\n", "t.csv").header.fields[0] == "#a");
}

TEST_CASE("a quote within an unquoted field, and a header without rows, are errors with their line") {
  CHECK(mentions(error_of([] { (void)parse_csv("a,b\n1,x\"y\n", "t.csv"); }), {"a quote stands within", "t.csv:2"}));
  CHECK(mentions(error_of([] { (void)parse_csv("a,b\n1,2\"\n", "t.csv"); }), {"a quote stands within", "t.csv:2"}));
  CHECK(mentions(error_of([] { (void)parse_csv("\na,b\n", "t.csv"); }), {"no row below its header", "t.csv:2"}));
}

TEST_CASE("a column that is missing or stands twice is an error with the header's line") {
  const CsvTable table = parse_csv("\nlabel,start,start\na,1,2\n", "t.csv");
  CHECK(table.column("label") == 0);
  CHECK(mentions(error_of([&] { (void)table.column("labels"); }),
                 {"no column 'labels'", "t.csv:2", "did you mean 'label'"}));
  CHECK(mentions(error_of([&] { (void)table.column("start"); }), {"stands twice", "t.csv:2"}));
}

}  // namespace
}  // namespace cmkd
