#include "cmkd/datasets/csv.h"

#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"

namespace cmkd {

namespace {

// One pass over the text, a row at a time.
class CsvParser {
 public:
  CsvParser(std::string_view text, const std::filesystem::path& path) : text_(text), path_(path) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  // False at the end of the text.
  bool next(CsvRow& row) {
    while (position_ < text_.size() && at_line_end()) skip_line_end();
    if (position_ >= text_.size()) return false;
    row.line = line_;
    row.fields.clear();
    while (true) {
      row.fields.push_back(text_[position_] == '"' ? quoted(row.line) : plain());
      if (position_ >= text_.size()) return true;
      if (at_line_end()) {
        skip_line_end();
        return true;
      }
      ++position_;  // the comma
      if (position_ >= text_.size() || at_line_end()) {
        row.fields.emplace_back();
        if (position_ < text_.size()) skip_line_end();
        return true;
      }
    }
  }

 private:
  [[nodiscard]] bool at_line_end() const {
    return text_[position_] == '\n' || text_.substr(position_, 2) == "\r\n" ||
           (text_[position_] == '\r' && position_ + 1 == text_.size());
  }

  void skip_line_end() {
    position_ += text_.substr(position_, 2) == "\r\n" ? 2 : 1;
    ++line_;
  }

  std::string plain() {
    const std::size_t start = position_;
    while (position_ < text_.size() && text_[position_] != ',' && !at_line_end()) ++position_;
    return std::string(text_.substr(start, position_ - start));
  }

  std::string quoted(std::int64_t row_line) {
    std::string field;
    for (++position_; position_ < text_.size(); ++position_) {
      const char character = text_[position_];
      if (character == '\n') ++line_;
      if (character != '"') {
        field += character;
      } else if (text_.substr(position_, 2) == "\"\"") {
        field += '"';
        ++position_;
      } else {
        ++position_;
        if (position_ < text_.size() && text_[position_] != ',' && !at_line_end()) {
          fail("text follows a closing quote", line_);
        }
        return field;
      }
    }
    fail("a quoted field is never closed", row_line);
  }

  [[noreturn]] void fail(const std::string& what, std::int64_t line) const {
    throw Error(ErrorKind::kData, {what, fmt::format("{}:{}", path_.string(), line), "",
                                   "write a quote within a quoted field twice: \"\""});
  }

  std::string_view text_;
  const std::filesystem::path& path_;
  std::size_t position_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::string CsvTable::where(const CsvRow& row) const { return fmt::format("{}:{}", path.string(), row.line); }

CsvTable parse_csv(std::string_view text, const std::filesystem::path& path) {
  CsvTable table;
  table.path = path;
  CsvParser parser(text, path);
  if (!parser.next(table.header))
    throw Error(ErrorKind::kData, {"the table is empty", path.string(), "a header line and rows", ""});
  CsvRow row;
  while (parser.next(row)) {
    if (row.fields.size() != table.header.fields.size()) {
      throw Error(ErrorKind::kData, {fmt::format("the row has {} fields", row.fields.size()), table.where(row),
                                     fmt::format("{} fields, as the header", table.header.fields.size()),
                                     "put a field that holds a comma in quotes"});
    }
    table.rows.push_back(row);
  }
  return table;
}

CsvTable read_csv(const std::filesystem::path& path) { return parse_csv(read_file(path), path); }

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char character : text) {
    quoted += character;
    if (character == '"') quoted += '"';
  }
  return quoted + '"';
}

}  // namespace cmkd
