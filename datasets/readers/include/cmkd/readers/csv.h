// Tables as people and spreadsheets write them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cmkd {

struct CsvRow {
  std::int64_t line = 0;  // of the row's first character, from 1
  std::vector<std::string> fields;
};

struct CsvTable {
  std::filesystem::path path;
  CsvRow header;
  std::vector<CsvRow> rows;

  // "data.csv:12"
  [[nodiscard]] std::string where(const CsvRow& row) const;
  // The position of a column. Throws Error(kData) when the header does not name it, or names it twice.
  [[nodiscard]] std::size_t column(const std::string& name) const;
};

// How published tables differ from RFC 4180.
struct CsvForm {
  bool header = true;                // false: the first row is a row, and CsvTable::header stays empty
  std::size_t fields = 0;            // of a row without a header
  std::string row;                   // what a row without a header reads, for the error: "id,start,label,split"
  bool spaces_after_commas = false;  // `a, "b"`: white space before a field is no part of it
  bool comments = false;             // lines before the first row that begin with '#' are none
};

// RFC 4180: fields in quotes may hold commas, line ends and doubled quotes; LF or CRLF; a byte order mark is skipped,
// and so are empty lines. Throws Error(kData) with file and line for an open quote, text after a closing quote, a quote
// within an unquoted field, a table without rows, and a row whose number of fields is not the header's; a file also
// where it is no plain text (UTF-8).
[[nodiscard]] CsvTable parse_csv(std::string_view text, const std::filesystem::path& path);
[[nodiscard]] CsvTable read_csv(const std::filesystem::path& path);
// The same of another form; a row without a header must have `fields` fields.
[[nodiscard]] CsvTable parse_csv_rows(std::string_view text, const std::filesystem::path& path, const CsvForm& form);
[[nodiscard]] CsvTable read_csv_rows(const std::filesystem::path& path, const CsvForm& form);

}  // namespace cmkd
