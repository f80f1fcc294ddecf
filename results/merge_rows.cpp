#include "merge_rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace cmkd::results {

std::int64_t copy_rows(Database& from, const std::string& select, std::initializer_list<std::string> parameters,
                       Database& into, const std::string& insert) {
  Statement source(from, select);
  int position = 0;
  for (const std::string& parameter : parameters) {
    const int code = sqlite3_bind_text(source.handle(), ++position, parameter.data(),
                                       static_cast<int>(parameter.size()), SQLITE_TRANSIENT);
    if (code != SQLITE_OK) from.fail(code);
  }
  Statement target(into, insert);
  std::int64_t copied = 0;
  while (source.step()) {
    sqlite3_reset(target.handle());
    for (int column = 0; column < sqlite3_column_count(source.handle()); ++column) {
      const int code = sqlite3_bind_value(target.handle(), column + 1, sqlite3_column_value(source.handle(), column));
      if (code != SQLITE_OK) into.fail(code);
    }
    target.run();
    ++copied;
  }
  return copied;
}

std::string select_where(const std::string& table, const std::string& columns, const std::string& column) {
  return fmt::format("SELECT {} FROM {} WHERE {} = ?", columns, table, column);
}

std::string insert_sql(const std::string& table, const std::string& columns, bool or_ignore) {
  std::string places = "?";
  for (std::ptrdiff_t i = std::ranges::count(columns, ','); i > 0; --i) places += ", ?";
  return fmt::format("INSERT {}INTO {} ({}) VALUES ({})", or_ignore ? "OR IGNORE " : "", table, columns, places);
}

}  // namespace cmkd::results
