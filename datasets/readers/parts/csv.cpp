#include "cmkd/readers/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "plain_text.h"

namespace cmkd {

namespace {

// One pass over the text, a row at a time.
class CsvParser {
 public:
  CsvParser(std::string_view text, const std::filesystem::path& path, const CsvForm& form)
      : text_(text), path_(path), form_(form) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  // False at the end of the text.
  bool next(CsvRow& row) {
    skip_to_row();
    if (position_ >= text_.size()) return false;
    in_rows_ = true;
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
      skip_spaces();
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

  void skip_to_row() {
    while (position_ < text_.size()) {
      if (form_.comments && !in_rows_ && text_[position_] == '#') {
        while (position_ < text_.size() && text_[position_] != '\n') ++position_;
      } else if (!at_line_end()) {
        return;
      }
      if (position_ < text_.size()) skip_line_end();
    }
  }

  void skip_spaces() {
    if (!form_.spaces_after_commas) return;
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
  }

  void skip_line_end() {
    position_ += text_.substr(position_, 2) == "\r\n" ? 2 : 1;
    ++line_;
  }

  std::string plain() {
    const std::size_t start = position_;
    while (position_ < text_.size() && text_[position_] != ',' && !at_line_end()) {
      if (text_[position_++] == '"') fail("a quote stands within a field that does not begin with one", line_);
    }
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
    throw Error(ErrorKind::kData, {.what = what,
                                   .where = fmt::format("{}:{}", path_.string(), line),
                                   .fix = "put a field that holds a quote in quotes, and write the quote twice: \"\""});
  }

  std::string_view text_;
  const std::filesystem::path& path_;
  const CsvForm& form_;
  std::size_t position_ = 0;
  std::int64_t line_ = 1;
  bool in_rows_ = false;  // comments stand before the first row
};

}  // namespace

std::string CsvTable::where(const CsvRow& row) const { return fmt::format("{}:{}", path.string(), row.line); }

std::size_t CsvTable::column(const std::string& name) const {
  const auto found = std::ranges::find(header.fields, name);
  if (found == header.fields.end()) {
    throw Error(ErrorKind::kData, {fmt::format("the header has no column '{}'", name), where(header),
                                   join(header.fields), did_you_mean(name, header.fields)});
  }
  if (std::find(found + 1, header.fields.end(), name) != header.fields.end()) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("column '{}' stands twice in the header", name), .where = where(header)});
  }
  return static_cast<std::size_t>(found - header.fields.begin());
}

CsvTable parse_csv_rows(std::string_view text, const std::filesystem::path& path, const CsvForm& form) {
  CsvTable table;
  table.path = path;
  CsvParser parser(text, path, form);
  if (form.header && !parser.next(table.header)) {
    throw Error(ErrorKind::kData,
                {.what = "the table is empty", .where = path.string(), .allowed = "a header line and rows"});
  }
  const std::size_t fields = form.header ? table.header.fields.size() : form.fields;
  const std::string as = form.header ? "as the header" : form.row;
  CsvRow row;
  while (parser.next(row)) {
    if (row.fields.size() != fields) {
      throw Error(ErrorKind::kData,
                  {fmt::format("the row has {} fields", row.fields.size()), table.where(row),
                   fmt::format("{} fields, {}", fields, as), "put a field that holds a comma in quotes"});
    }
    table.rows.push_back(row);
  }
  if (!form.header && table.rows.empty()) {
    throw Error(ErrorKind::kData,
                {.what = "the table is empty", .where = path.string(), .allowed = "rows of " + form.row});
  }
  if (table.rows.empty()) {
    throw Error(ErrorKind::kData,
                {.what = "the table has no row below its header", .where = table.where(table.header)});
  }
  return table;
}

CsvTable read_csv_rows(const std::filesystem::path& path, const CsvForm& form) {
  return parse_csv_rows(read_plain_text(path), path, form);
}

CsvTable parse_csv(std::string_view text, const std::filesystem::path& path) { return parse_csv_rows(text, path, {}); }

CsvTable read_csv(const std::filesystem::path& path) { return parse_csv(read_plain_text(path), path); }

}  // namespace cmkd
