#include "sqlite.h"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <limits>

namespace cmkd::results {

namespace fs = std::filesystem;

namespace {

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::kData;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOLFS:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
      return ErrorKind::kEnvironment;
    default:
      return ErrorKind::kInternal;
  }
}

ErrorParts parts_of(int code, const std::string& message, const fs::path& path) {
  const std::string where = path.string();
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {"the result store is locked by another process", where, "",
              "wait for the other command to end (`fuser` names it), then repeat this one; nothing was written"};
    case SQLITE_NOTADB:
      return {"the file is not a result store: it is not an SQLite database", where, "",
              "name another file with --store, or move this one away"};
    // Our statements are fixed: one that is refused as such meets tables that are not ours.
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
      return {fmt::format("the result store is damaged, or was not written by cmkd ({})", message), where, "",
              "restore a copy of it, or save what can be read: sqlite3 FILE .recover | sqlite3 NEW"};
    case SQLITE_FULL:
      return {fmt::format("the disk or the store's quota is full ({})", message), where, "",
              "free some disk space and repeat the command; nothing was written"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {fmt::format("the result store cannot be written ({})", message), where, "",
              "check the permissions of the file and of its folder; nothing was written"};
    case SQLITE_CANTOPEN:
      return {fmt::format("the result store cannot be opened ({})", message), where, "",
              "check the path and the permissions of the file and of its folder"};
    case SQLITE_IOERR:
      return {fmt::format("the result store cannot be read or written ({})", message), where, "",
              "check the disk and its free space; nothing was written"};
    case SQLITE_NOMEM:
      return {"the result store ran out of memory", where, "", "close other programs and repeat the command"};
    default:
      return {fmt::format("the result store refused a statement ({}, code {})", message, code), where, "",
              "this is a bug of cmkd: please report it with this message"};
  }
}

struct Reason {
  int code;
  std::string message;
};

// SQLite says "out of memory", too, of a damaged file that claims to hold more than any memory.
Reason reason_of(int code, const std::string& message) {
  if ((code & 0xff) != SQLITE_NOMEM) return {code, message};
  constexpr sqlite3_uint64 kEnough = 64U << 20U;
  void* probe = sqlite3_malloc64(kEnough);
  sqlite3_free(probe);
  if (probe == nullptr) return {code, message};
  return {SQLITE_CORRUPT, "it claims to hold more than memory can take"};
}

Error error_of(int code, const std::string& message, const fs::path& path) {
  const Reason reason = reason_of(code, message);
  return {kind_of(reason.code), parts_of(reason.code, reason.message, path)};
}

}  // namespace

SqliteError::SqliteError(int code, const std::string& message, const fs::path& path)
    : Error(error_of(code, message, path)), code_(code) {}

Database::Database(const fs::path& path, Access access, std::chrono::milliseconds busy_timeout) : path_(path) {
  int flags = SQLITE_OPEN_EXRESCODE;
  if (access == Access::kReadOnly) flags |= SQLITE_OPEN_READONLY;
  if (access != Access::kReadOnly) flags |= SQLITE_OPEN_READWRITE;
  if (access == Access::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code);
  sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
  execute("PRAGMA foreign_keys = ON");
}

void Database::fail(int code) const {
  const char* message = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  throw SqliteError(code, message, path_);
}

void Database::execute(std::string_view sql) {
  const std::string terminated(sql);
  const int code = sqlite3_exec(handle_.get(), terminated.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::query_integer(std::string_view sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::query_text(std::string_view sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.text(0) : std::string();
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) database.fail(code);
}

void Statement::reset() {
  sqlite3_reset(handle_.get());  // repeats the last step's error, which was thrown then
  sqlite3_clear_bindings(handle_.get());
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::bind_one(int position, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_.get(), position, value); code != SQLITE_OK) database_.fail(code);
}

void Statement::bind_one(int position, double value) {
  if (const int code = sqlite3_bind_double(handle_.get(), position, value); code != SQLITE_OK) database_.fail(code);
}

void Statement::bind_one(int position, std::string_view value) {
  // An empty view may have no address, and SQLite would then bind NULL.
  const char* data = value.empty() ? "" : value.data();
  const int code = sqlite3_bind_text64(handle_.get(), position, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind_one(int position, std::span<const std::byte> value) {
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  const int code = sqlite3_bind_blob64(handle_.get(), position, data, value.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind_one(int position, std::nullptr_t) {
  if (const int code = sqlite3_bind_null(handle_.get(), position); code != SQLITE_OK) database_.fail(code);
}

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

double Statement::real(int column) const {
  if (is_null(column)) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(handle_.get(), column);
}

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(handle_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::span<const std::byte> Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

Transaction::Transaction(Database& database) : database_(database) { database.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  // SQLite has already rolled back by itself after some errors (disk full); then there is nothing to end.
  if (open_ && sqlite3_get_autocommit(database_.handle()) == 0) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

ReadTransaction::ReadTransaction(Database& database) : database_(database) { database.execute("BEGIN"); }

ReadTransaction::~ReadTransaction() {
  if (sqlite3_get_autocommit(database_.handle()) == 0) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

std::string_view journal_mode_for(int sqlite_version_number, bool network_file_system) {
  const bool patched = sqlite_version_number == 3'044'006 || sqlite_version_number == 3'050'007;
  const bool affected = sqlite_version_number <= 3'051'002 && !patched;
  return affected || network_file_system ? "delete" : "wal";
}

bool is_network_file_system(std::int64_t statfs_type) {
  // The magic numbers of statfs(2); as unsigned 32-bit, since some do not fit a signed word of 32 bits.
  constexpr std::array<std::uint32_t, 11> kNetwork = {
      0x6969,      // NFS
      0x517b,      // SMB
      0xfe534d42,  // SMB2
      0xff534d42,  // CIFS
      0x65735546,  // FUSE (sshfs and others)
      0x01021997,  // 9P
      0x5346414f,  // AFS
      0x00c36400,  // Ceph
      0x0bd00bd0,  // Lustre
      0x73757245,  // Coda
      0x47504653,  // GPFS
  };
  return std::find(kNetwork.begin(), kNetwork.end(), static_cast<std::uint32_t>(statfs_type)) != kNetwork.end();
}

bool on_network_file_system(const fs::path& path) {
  struct statfs status {};
  const fs::path folder = fs::absolute(path).parent_path();
  // Unknown is treated as network: the rollback journal is right on both.
  if (::statfs(folder.c_str(), &status) != 0) return true;
  return is_network_file_system(static_cast<std::int64_t>(status.f_type));
}

}  // namespace cmkd::results
