// Which version a store has, and how it comes to the present one. Private to results/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sqlite.h"

namespace cmkd::results {

extern const std::string_view kSchemaSql;  // schema.sql and views.sql, embedded by CMake
extern const std::string_view kViewsSql;   // views.sql alone
extern const std::string_view kMigration4Sql;
extern const std::string_view kMigration5Sql;

inline constexpr std::int64_t kApplicationId = 0x636d6b64;  // "cmkd", as in schema.sql

// From version `to_version` - 1 to `to_version`. Foreign keys are off while it runs, and checked before the commit.
struct Migration {
  std::int64_t to_version = 0;
  std::string sql;
};

struct Schema {
  std::int64_t version = 0;
  std::string_view create_sql;
  std::vector<Migration> migrations;  // ascending
};

[[nodiscard]] const Schema& current_schema();

// Creates or migrates, in one transaction; a backup "<store>.version-N.backup" is made before a migration. Throws kData
// for a database of another program or of a newer version, before anything is written. Sets the journal mode.
void prepare_for_writing(Database& database, const Schema& schema);

// Throws kData unless the database is a store of exactly this version.
void require_readable(Database& database, const Schema& schema);

}  // namespace cmkd::results
