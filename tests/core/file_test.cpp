#include "catch.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "paths.h"

using namespace cmkd;
namespace fs = std::filesystem;

namespace {

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// Runs `body` in a child process, so that its limits and locks are not this one's; returns its result, or 99 when it
// throws and 100 + signal when a signal ended it.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      ::_exit(body());
    } catch (...) {
      ::_exit(99);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("a written file is read back byte for byte, with the folders that it needed") {
  const test::TemporaryFolder folder;
  const std::string bytes("a\0b\r\n\xff", 6);
  write_file_atomically(folder / "new/deep/file.bin", bytes);
  CHECK(read_file(folder / "new/deep/file.bin") == bytes);
  CHECK(entries(folder / "new/deep") == 1);
}

TEST_CASE("a file is replaced whole") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string(100000, 'x'));
  write_file_atomically(folder / "file", std::string_view("short"));
  CHECK(read_file(folder / "file") == "short");
  write_file_atomically(folder / "file", std::string_view());
  CHECK(read_file(folder / "file").empty());
}

TEST_CASE("a reader keeps the old bytes while the file is replaced") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string_view("old"));
  const MappedFile before(folder / "file");
  write_file_atomically(folder / "file", std::string_view("new"));
  CHECK(static_cast<char>(before.bytes()[0]) == 'o');
  CHECK(read_file(folder / "file") == "new");
}

TEST_CASE("a write that the disk cuts short leaves the old file and nothing else") {
  // RLIMIT_FSIZE stands for a full disk: write() stores what fits and then fails (EFBIG, once SIGXFSZ is ignored).
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string_view("old"));
  const int result = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    try {
      write_file_atomically(folder / "file", std::string(100000, 'x'));
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kEnvironment ? 42 : 2;
    }
    return 3;
  });
  CHECK(result == 42);
  CHECK(read_file(folder / "file") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a file that cannot be put into place leaves no temporary file") {
  const test::TemporaryFolder folder;
  fs::create_directories(folder / "taken/inside");  // a folder that is not empty cannot be replaced by a file
  CHECK_THROWS_AS(write_file_atomically(folder / "taken", std::string_view("x")), Error);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a folder that is a file is named in the error") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string_view("x"));
  CHECK_THROWS_AS(write_file_atomically(folder / "file/below", std::string_view("x")), Error);
}

TEST_CASE("a file that is absent is refused with its path and a remedy") {
  const test::TemporaryFolder folder;
  try {
    static_cast<void>(read_file(folder / "absent"));
    FAIL("an absent file was read");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(error.parts().where == (folder / "absent").string());
    CHECK(error.parts().fix == "check the path");
  }
  CHECK_THROWS_AS(MappedFile(folder / "absent"), Error);
  CHECK_THROWS_AS(read_file(folder.path()), Error);
}

TEST_CASE("a map shows the file's bytes, an empty file is an empty map, and moving keeps the bytes") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string_view("abc"));
  write_file_atomically(folder / "empty", std::string_view());
  MappedFile map(folder / "file");
  REQUIRE(map.bytes().size() == 3);
  CHECK(static_cast<char>(map.bytes()[2]) == 'c');
  MappedFile moved(std::move(map));
  CHECK(static_cast<char>(moved.bytes()[0]) == 'a');
  CHECK(MappedFile(folder / "empty").bytes().empty());
  moved = MappedFile(folder / "empty");
  CHECK(moved.bytes().empty());
}

TEST_CASE("committing a file moves it, and over an old one") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "part") << "new";
  std::ofstream(folder / "file") << "old";
  commit_file(folder / "part", folder / "file");
  CHECK(read_file(folder / "file") == "new");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a lock keeps another process out until it is released") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "locks/key.lock";
  const auto free_for_others = [&] { return in_child([&] { return FileLock::try_acquire(path) ? 1 : 0; }); };
  {
    const FileLock lock = FileLock::acquire(path);
    CHECK(free_for_others() == 0);
    CHECK_FALSE(FileLock::try_acquire(path).has_value());
  }
  CHECK(free_for_others() == 1);
}

TEST_CASE("a moved lock is still held, and released once") {
  const test::TemporaryFolder folder;
  std::optional<FileLock> lock = FileLock::try_acquire(folder / "lock");
  REQUIRE(lock);
  {
    const FileLock moved(std::move(*lock));
    lock.reset();
    CHECK_FALSE(FileLock::try_acquire(folder / "lock").has_value());
  }
  CHECK(FileLock::try_acquire(folder / "lock").has_value());
}

TEST_CASE("a process that is killed releases its lock, and who waits gets it") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "lock";
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t holder = ::fork();
  REQUIRE(holder >= 0);
  if (holder == 0) {
    // Kept until the process dies: a plain variable would be a dead store to clang-analyzer.
    [[maybe_unused]] static const FileLock lock = FileLock::acquire(path);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK_FALSE(FileLock::try_acquire(path).has_value());
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(holder, SIGKILL);
  });
  static_cast<void>(FileLock::acquire(path));  // returns only because the holder dies
  killer.join();
  CHECK(::waitpid(holder, nullptr, 0) == holder);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("space is demanded before it is used, with both figures named") {
  const test::TemporaryFolder folder;
  CHECK_NOTHROW(require_free_space(folder / "not/yet/there", 1, "a clip cache"));
  CHECK_NOTHROW(require_free_space("relative-folder-that-is-not-there", 1, "a clip cache"));
  try {
    require_free_space(folder / "not/yet/there", std::uint64_t{1} << 62, "a clip cache");
    FAIL("no disk has four exabytes");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kEnvironment);
    CHECK_THAT(error.parts().what, Catch::Matchers::StartsWith("not enough disk space for a clip cache: 4611.7 PB"));
  }
}

TEST_CASE("sizes are written in decimal units") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(999) == "999 B");
  CHECK(format_bytes(1000) == "1.0 KB");
  CHECK(format_bytes(1436000000) == "1.4 GB");
}
