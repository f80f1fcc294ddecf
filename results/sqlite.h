// Owners of SQLite's handles; private to results/. Each throws `cmkd::Error` in the words of `Store`'s header.
//
// Not thread-safe. A Statement and a Transaction must not outlive their Database.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cmkd/core/error.h"

namespace cmkd::results {

// SQLite's own result code travels along, for the few places that can act on it. `code` is the extended one.
class SqliteError : public Error {
 public:
  SqliteError(int code, const std::string& message, const std::filesystem::path& path);
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

class Database {
 public:
  enum class Access { kReadOnly, kReadWrite, kCreate };
  Database(const std::filesystem::path& path, Access access, std::chrono::milliseconds busy_timeout);

  // Statements without parameters or results.
  void execute(std::string_view sql);
  [[nodiscard]] std::int64_t query_integer(std::string_view sql);
  [[nodiscard]] std::string query_text(std::string_view sql);

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[noreturn]] void fail(int code) const;  // with the connection's last message

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement. Parameters are bound in order by `bind(a, b, …)`; columns are read by position from 0.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  // All parameters, from the first. Text and bytes are copied.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    reset();
    int position = 0;
    (bind_one(++position, values), ...);
    return *this;
  }
  [[nodiscard]] bool step();  // whether there is a row
  void run();                 // a statement without rows, to its end

  [[nodiscard]] sqlite3_stmt* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;                       // NULL is a quiet NaN: SQLite cannot store one
  [[nodiscard]] std::string text(int column) const;                  // NULL is ""
  [[nodiscard]] std::span<const std::byte> bytes(int column) const;  // valid until the next step

 private:
  void reset();
  void bind_one(int position, std::int64_t value);
  void bind_one(int position, double value);
  void bind_one(int position, std::string_view value);
  void bind_one(int position, const std::string& value) { bind_one(position, std::string_view(value)); }
  void bind_one(int position, const char* value) { bind_one(position, std::string_view(value)); }
  void bind_one(int position, std::span<const std::byte> value);
  void bind_one(int position, std::nullptr_t);
  template <typename Value>
  void bind_one(int position, const std::optional<Value>& value) {
    value ? bind_one(position, *value) : bind_one(position, nullptr);
  }

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// BEGIN IMMEDIATE … COMMIT: takes the write lock at once, so that nothing read inside can be outdated by another
// writer. Rolled back on destruction unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

// One consistent state for several SELECTs.
class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database);
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Database& database_;
};

// "delete" (rollback journal) or "wal". SQLite 3.7.0 to 3.51.2, less 3.44.6 and 3.50.7, can corrupt a WAL database when
// two connections write and checkpoint at once; and WAL needs shared memory, which a network file system does not give.
[[nodiscard]] std::string_view journal_mode_for(int sqlite_version_number, bool network_file_system);
// Whether a type of statfs(2) is NFS, SMB, CIFS, FUSE, 9P, AFS, Ceph, Lustre or the like.
[[nodiscard]] bool is_network_file_system(std::int64_t statfs_type);
[[nodiscard]] bool on_network_file_system(const std::filesystem::path& path);

}  // namespace cmkd::results
