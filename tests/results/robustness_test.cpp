// Kills, locks, quotas, permissions, damage, strangers: one clear error each, and nothing half written.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <thread>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"
#include "schema.h"
#include "sqlite.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

// Runs `work` in a child process, whose exit status is what `work` returns (99: it threw). No store is open in the
// parent when it is called.
pid_t spawn(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  int status = 99;
  try {
    status = work();
  } catch (...) {
    status = 99;
  }
  ::_exit(status);
}

int exit_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// More rows than SQLite's page cache holds, so that half of them are in the file before the commit.
TrainingRecord large_training(std::int64_t seed, std::int64_t epochs = 60'000) {
  TrainingRecord training = example::training("large", seed);
  training.epochs.clear();
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    training.epochs.push_back({epoch, "main", "term", "kd", 1.0 / static_cast<double>(epoch + 1)});
  }
  return training;
}

Error open_error(const fs::path& path, OpenMode mode = OpenMode::kReadWriteCreate) {
  try {
    (void)Store::open(path, mode, {std::chrono::milliseconds(50), 0});
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("no error was thrown");
}

}  // namespace

TEST_CASE("a process killed in the middle of a commit leaves the old state, also for readers") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  const fs::path journal = path.string() + "-journal";
  const TrainingRecord old = example::training("kd", 0);
  {
    Store store = Store::open(path, OpenMode::kReadWriteCreate);
    store.put_dataset(example::dataset());
    store.commit_run(old, {example::evaluation(old, 0.5)});
  }
  const auto size_before = fs::file_size(path);
  int seen_by_writer = 0;
  int seen_by_reader = 0;
  for (int attempt = 0; attempt < 6; ++attempt) {
    const TrainingRecord large = large_training(attempt, 300'000);
    const pid_t child = spawn([&] {
      Store store = Store::open(path, OpenMode::kReadWriteCreate);
      store.commit_run(large, {});
      return 0;
    });
    // Wait until pages of the unfinished transaction are in the file itself, then a little longer each time.
    for (int wait = 0; wait < 20'000 && fs::file_size(path) <= size_before; ++wait) ::usleep(100);
    ::usleep(static_cast<useconds_t>(attempt) * 3000);
    ::kill(child, SIGKILL);
    if (exit_of(child) != -SIGKILL) continue;  // it was faster
    // Odd attempts: the first to come is a reader, which cannot itself undo what the writer left.
    const bool reader = attempt % 2 == 1;
    if (fs::exists(journal) && fs::file_size(path) > size_before) ++(reader ? seen_by_reader : seen_by_writer);
    const Store store = Store::open(path, reader ? OpenMode::kReadOnly : OpenMode::kReadWriteCreate);
    CHECK(store.check().empty());
    CHECK(store.status(old.key) == RunStatus::kDone);
    if (!store.has_training(large.key)) {
      CHECK(store.epoch_values(large.key).empty());
    } else {
      CHECK(store.epoch_values(large.key).size() == large.epochs.size());
      break;  // killed after its commit: the file stays large from here on
    }
  }
  // Where SQLite uses WAL, a killed commit never reaches the file itself.
  if (Store::open(path, OpenMode::kReadOnly).journal_mode() == "delete") {
    CHECK(seen_by_writer > 0);
    CHECK(seen_by_reader > 0);
  }
}

TEST_CASE("two processes that write at once both get everything in") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  constexpr int kRuns = 25;
  pid_t children[2];
  for (int worker = 0; worker < 2; ++worker) {
    children[worker] = spawn([&] {
      Store store = Store::open(path, OpenMode::kReadWriteCreate);  // both may create it
      store.put_dataset(example::dataset());
      for (int seed = 0; seed < kRuns; ++seed) {
        const TrainingRecord own = example::training("worker" + std::to_string(worker), seed);
        store.commit_run(own, {example::evaluation(own, 0.5)});
        const TrainingRecord common = example::training("common", seed);
        store.commit_run(common, {example::evaluation(common, 0.25)});
      }
      return 0;
    });
  }
  CHECK(exit_of(children[0]) == 0);
  CHECK(exit_of(children[1]) == 0);
  const Store store = Store::open(path, OpenMode::kReadOnly);
  CHECK(store.trainings().size() == 3UL * kRuns);
  CHECK(store.check().empty());
}

TEST_CASE("a store that stays locked is a clear error, and writes nothing") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  Store store = Store::open(path, OpenMode::kReadWriteCreate, {std::chrono::milliseconds(50), 0});
  Database other(path, Database::Access::kReadWrite, std::chrono::milliseconds(50));
  {
    const Transaction held(other);
    try {
      store.put_dataset(example::dataset());
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kEnvironment);
      CHECK(error.parts().what == "the result store is locked by another process");
      CHECK(error.parts().where == path.string());
    }
  }
  CHECK(store.datasets().empty());
  CHECK_NOTHROW(store.put_dataset(example::dataset()));
}

TEST_CASE("a full disk is a clear error, and the old state stays") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  const TrainingRecord old = example::training("kd", 0);
  {
    Store store = Store::open(path, OpenMode::kReadWriteCreate);
    store.put_dataset(example::dataset());
    store.commit_run(old, {});
  }
  {
    const std::int64_t pages = static_cast<std::int64_t>(fs::file_size(path) / 4096);
    Store store = Store::open(path, OpenMode::kReadWriteCreate, {std::chrono::seconds(1), pages + 20});
    try {
      store.commit_run(large_training(0), {});
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kEnvironment);
      CHECK(example::contains(error.parts().what, "full"));
    }
    CHECK(store.trainings().size() == 1);
    const TrainingRecord small = example::training("kd", 1);
    CHECK_NOTHROW(store.commit_run(small, {}));
  }
  CHECK(Store::open(path, OpenMode::kReadOnly).check().empty());
}

TEST_CASE("files that are no store are refused and left as they are") {
  const TemporaryFolder folder;
  SECTION("text, short and long") {
    for (const std::string& text : {std::string("hello"), std::string(10'000, 'x')}) {
      write_file_atomically(folder / "notes.txt", text);
      for (const OpenMode mode : {OpenMode::kReadWriteCreate, OpenMode::kReadOnly}) {
        const Error error = open_error(folder / "notes.txt", mode);
        CHECK(error.kind() == ErrorKind::kData);
        CHECK(example::contains(error.parts().what, "not a result store"));
      }
      CHECK(read_file(folder / "notes.txt") == text);
    }
  }
  SECTION("another program's database") {
    {
      Database other(folder / "other.db", Database::Access::kCreate, std::chrono::seconds(1));
      other.execute("CREATE TABLE photo (id INTEGER)");
    }
    const std::string before = read_file(folder / "other.db");
    CHECK(open_error(folder / "other.db").kind() == ErrorKind::kData);
    CHECK(example::contains(open_error(folder / "other.db", OpenMode::kReadOnly).parts().what, "another program"));
    CHECK(read_file(folder / "other.db") == before);
  }
  SECTION("a store of a newer cmkd") {
    (void)Store::open(folder / "new.db", OpenMode::kReadWriteCreate);
    Database(folder / "new.db", Database::Access::kReadWrite, std::chrono::seconds(1))
        .execute("PRAGMA user_version = 7");
    const Error error = open_error(folder / "new.db");
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(example::contains(error.parts().what, "version 7"));
  }
  SECTION("missing, empty, and a folder") {
    CHECK(open_error(folder / "none.db", OpenMode::kReadOnly).kind() == ErrorKind::kData);
    CHECK_FALSE(fs::exists(folder / "none.db"));
    std::ofstream(folder / "empty.db").close();
    CHECK(open_error(folder / "empty.db", OpenMode::kReadOnly).kind() == ErrorKind::kData);
    CHECK(open_error(folder.path()).kind() == ErrorKind::kData);
  }
}

TEST_CASE("a damaged store is reported as such") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  const TrainingRecord large = large_training(0);
  {
    Store store = Store::open(path, OpenMode::kReadWriteCreate);
    store.put_dataset(example::dataset());
    store.commit_run(large, {});
  }
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const std::string noise(4096UL * 300, '\x5a');
    file.seekp(4096L * 100).write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }
  const Store store = Store::open(path, OpenMode::kReadOnly);
  try {
    (void)store.epoch_values(large.key);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(example::contains(error.parts().what, "damaged"));
  }
  CHECK_FALSE(store.check().empty());
}

TEST_CASE("a store that may not be written says so when it is opened, and can be read") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  (void)Store::open(path, OpenMode::kReadWriteCreate);
  fs::permissions(folder.path(), static_cast<fs::perms>(0755));
  fs::permissions(path, static_cast<fs::perms>(0444));
  // Root may write anything: be nobody, in a process that ends.
  const pid_t child = spawn([&] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
    const Error error = open_error(path);
    if (error.kind() != ErrorKind::kEnvironment) return 2;
    if (error.parts().what.find("cannot be written") == std::string::npos) return 3;
    return Store::open(path, OpenMode::kReadOnly).trainings().empty() ? 0 : 4;
  });
  CHECK(exit_of(child) == 0);
}

TEST_CASE("the journal mode follows SQLite's version and the file system") {
  CHECK(journal_mode_for(3'040'001, false) == "delete");
  CHECK(journal_mode_for(3'044'006, false) == "wal");
  CHECK(journal_mode_for(3'044'005, false) == "delete");
  CHECK(journal_mode_for(3'050'007, false) == "wal");
  CHECK(journal_mode_for(3'051'002, false) == "delete");
  CHECK(journal_mode_for(3'051'003, false) == "wal");
  CHECK(journal_mode_for(3'051'003, true) == "delete");
  CHECK(is_network_file_system(0x6969));
  CHECK(is_network_file_system(static_cast<std::int32_t>(0xff534d42)));  // sign-extended, as f_type may be
  CHECK_FALSE(is_network_file_system(0xef53));                           // ext4
  const TemporaryFolder folder;
  const Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  CHECK(store.journal_mode() == journal_mode_for(sqlite3_libversion_number(), on_network_file_system(store.path())));
}

TEST_CASE("a store with other tables than ours is damaged data, not a fault of the program") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  (void)Store::open(path, OpenMode::kReadWriteCreate);
  {
    Database database(path, Database::Access::kReadWrite, std::chrono::seconds(1));
    database.execute(
        "DROP VIEW leaderboard; DROP VIEW runs; DROP VIEW failures; DROP VIEW exclusions; DROP VIEW history;"
        "ALTER TABLE training RENAME COLUMN reason TO why");
  }
  const Store store = Store::open(path, OpenMode::kReadOnly);
  try {
    (void)store.leaderboard_rows("quick");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(example::contains(error.parts().what, "not written by cmkd"));
  }
}
