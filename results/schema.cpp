#include "schema.h"

#include <fmt/format.h>

#include "cmkd/core/file.h"
#include "cmkd/results/older_store.h"

namespace cmkd::results {

namespace fs = std::filesystem;

namespace {

// The version of the store, 0 when the database is empty. Throws kData when it is not ours or newer.
std::int64_t identify(Database& database, const Schema& schema) {
  const std::int64_t application = database.query_integer("PRAGMA application_id");
  const std::int64_t version = database.query_integer("PRAGMA user_version");
  const std::string where = database.path().string();
  if (application != kApplicationId) {
    const bool empty = database.query_integer("SELECT count(*) FROM sqlite_master") == 0;
    if (application == 0 && version == 0 && empty) return 0;
    throw Error(ErrorKind::kData, {.what = "the file is an SQLite database of another program, not a result store",
                                   .where = where,
                                   .fix = "name another file with --store, or move this one away"});
  }
  if (version > schema.version) {
    throw Error(ErrorKind::kData,
                {fmt::format("the result store has version {}, made by a newer cmkd", version), where,
                 fmt::format("versions up to {}", schema.version), "use the newer cmkd, or name another file"});
  }
  return version;
}

void set_journal_mode(Database& database) {
  const std::string_view wanted =
      journal_mode_for(sqlite3_libversion_number(), on_network_file_system(database.path()));
  const std::string now = database.query_text("PRAGMA journal_mode");
  if (now != wanted) {
    const std::string got = database.query_text(fmt::format("PRAGMA journal_mode = {}", wanted));
    if (got != wanted) {
      throw Error(ErrorKind::kEnvironment,
                  {.what = fmt::format("the result store's journal mode stays '{}' instead of '{}'", got, wanted),
                   .where = database.path().string(),
                   .fix = "end the other programs that have the store open"});
    }
  }
  database.execute("PRAGMA synchronous = FULL");
}

fs::path unused_backup_path(const fs::path& store, std::int64_t version) {
  const std::string name = fmt::format("{}.version-{}.backup", store.string(), version);
  fs::path path = name;
  for (int copy = 2; fs::exists(path); ++copy) path = fmt::format("{}.{}", name, copy);
  return path;
}

// Copies the committed state by a connection of its own, while the caller holds the write lock.
void back_up(const fs::path& store, std::int64_t version) {
  const fs::path target = unused_backup_path(store, version);
  const fs::path partial = target.string() + ".partial";
  fs::remove(partial);
  try {
    Database source(store, Database::Access::kReadOnly, std::chrono::seconds(30));
    Database copy(partial, Database::Access::kCreate, std::chrono::seconds(30));
    sqlite3_backup* backup = sqlite3_backup_init(copy.handle(), "main", source.handle(), "main");
    if (backup == nullptr) copy.fail(sqlite3_extended_errcode(copy.handle()));
    sqlite3_backup_step(backup, -1);
    if (const int code = sqlite3_backup_finish(backup); code != SQLITE_OK) copy.fail(code);
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
  commit_file(partial, target);
}

void migrate(Database& database, const Schema& schema) {
  // A table can only be rebuilt with foreign keys off, and they can only be switched outside a transaction.
  struct ForeignKeysOff {
    explicit ForeignKeysOff(Database& owner) : database(owner) { database.execute("PRAGMA foreign_keys = OFF"); }
    ~ForeignKeysOff() { sqlite3_exec(database.handle(), "PRAGMA foreign_keys = ON", nullptr, nullptr, nullptr); }
    Database& database;
  };
  const ForeignKeysOff foreign_keys_off(database);
  Transaction transaction(database);
  std::int64_t version = identify(database, schema);
  if (version == schema.version) return;  // another process was first
  back_up(database.path(), version);
  for (const Migration& migration : schema.migrations) {
    if (migration.to_version != version + 1) continue;
    database.execute(migration.sql);
    version = migration.to_version;
    database.execute(fmt::format("PRAGMA user_version = {}", version));
  }
  if (version != schema.version) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("no migration from version {} of the store", version),
                                       .where = database.path().string(),
                                       .fix = "please report this"});
  }
  if (Statement broken(database, "PRAGMA foreign_key_check"); broken.step()) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("table '{}' of the result store refers to rows that are not there, and "
                                     "so it cannot be brought to version {}",
                                     broken.text(0), schema.version),
                 .where = database.path().string(),
                 .fix = "restore an older copy; nothing was changed"});
  }
  transaction.commit();
}

}  // namespace

const Schema& current_schema() {
  // A view may name what a later version adds: views are dropped first and made last, by the newest version alone.
  const std::string drop_views =
      "DROP VIEW IF EXISTS leaderboard; DROP VIEW IF EXISTS runs; DROP VIEW IF EXISTS failures;"
      "DROP VIEW IF EXISTS exclusions; DROP VIEW IF EXISTS history;";
  static const Schema schema{5,
                             kSchemaSql,
                             {{2, drop_views + "ALTER TABLE suite_link ADD COLUMN fold TEXT NOT NULL DEFAULT '';"
                                               "ALTER TABLE suite_link ADD COLUMN condition TEXT NOT NULL DEFAULT '';"
                                               "ALTER TABLE suite_link ADD COLUMN level REAL;"},
                              {3, drop_views + "ALTER TABLE training ADD COLUMN shared_code TEXT NOT NULL DEFAULT '';"
                                               "ALTER TABLE evaluation ADD COLUMN shared_code TEXT NOT NULL DEFAULT '';"
                                               "ALTER TABLE suite ADD COLUMN file TEXT NOT NULL DEFAULT '';"},
                              {4, drop_views + std::string(kMigration4Sql)},
                              {5, drop_views + std::string(kMigration5Sql) + std::string(kViewsSql)}}};
  return schema;
}

void prepare_for_writing(Database& database, const Schema& schema) {
  const std::int64_t version = identify(database, schema);
  set_journal_mode(database);
  if (version == 0) {
    Transaction transaction(database);
    if (identify(database, schema) == 0) database.execute(schema.create_sql);
    transaction.commit();
  } else if (version < schema.version) {
    migrate(database, schema);
  }
}

void require_readable(Database& database, const Schema& schema) {
  const std::int64_t version = identify(database, schema);
  if (version == schema.version) return;
  const std::string where = database.path().string();
  if (version == 0) {
    throw Error(ErrorKind::kData,
                {.what = "the result store is empty", .where = where, .fix = "fill it first: cmkd run SUITE"});
  }
  throw OlderStore(
      {fmt::format("the result store has the older version {}", version), where,
       fmt::format("version {}", schema.version),
       fmt::format("`cmkd merge {}` brings it up to date, and leaves a copy of it as it is; `cmkd run` does, too",
                   where)});
}

}  // namespace cmkd::results
