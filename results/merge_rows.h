// Rows of one store copied into another, as they are. Private to results/.
#pragma once

#include <initializer_list>
#include <string>

#include "sqlite.h"

namespace cmkd::results {

// Every row that `select` gives, into `insert`, which has as many parameters as `select` has columns. Returns how many.
std::int64_t copy_rows(Database& from, const std::string& select, std::initializer_list<std::string> parameters,
                       Database& into, const std::string& insert);

[[nodiscard]] std::string select_where(const std::string& table, const std::string& columns, const std::string& column);
// "INSERT OR IGNORE INTO t (a, b) VALUES (?, ?)" of t and "a, b".
[[nodiscard]] std::string insert_sql(const std::string& table, const std::string& columns, bool or_ignore = false);

}  // namespace cmkd::results
