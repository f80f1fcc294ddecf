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
};

// RFC 4180: fields in quotes may hold commas, line ends and doubled quotes; LF or CRLF; a byte order mark is skipped,
// and so are empty lines. Throws Error(kData) with file and line for an open quote, text after a closing quote, and a
// row whose number of fields is not the header's.
[[nodiscard]] CsvTable parse_csv(std::string_view text, const std::filesystem::path& path);
[[nodiscard]] CsvTable read_csv(const std::filesystem::path& path);

// A field in quotes when it needs them.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace cmkd
