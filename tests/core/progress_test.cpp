#include "catch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/progress.h"
#include "paths.h"

using namespace cmkd;

namespace {

struct Outcome {
  int status = 0;  // exit status, or 100 + signal
  std::string error_output;
};

// Runs `body` in a child whose stderr is a file: no terminal, as under a batch scheduler.
Outcome with_captured_stderr(const std::function<int()>& body) {
  const test::TemporaryFolder folder;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int file = ::open((folder / "stderr").c_str(), O_WRONLY | O_CREAT, 0644);
    ::dup2(file, STDERR_FILENO);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status), read_file(folder / "stderr")};
}

}  // namespace

TEST_CASE("progress without a terminal is plain lines and no carriage return") {
  const Outcome outcome = with_captured_stderr([] {
    Progress progress("training", 10, std::chrono::milliseconds(0));
    progress.update(3, "val top-1 61.2 %");
    progress.note("kd seed 3: done");
    progress.finish("10 runs done");
    progress.finish("10 runs done");  // only the first one counts
    return 0;
  });
  CHECK(outcome.error_output.find('\r') == std::string::npos);
  CHECK(outcome.error_output.find('\x1b') == std::string::npos);
  CHECK_THAT(outcome.error_output, Catch::Matchers::StartsWith("training: 3/10"));
  CHECK_THAT(outcome.error_output, Catch::Matchers::EndsWith("  val top-1 61.2 %\nkd seed 3: done\n10 runs done\n"));
}

TEST_CASE("progress without a terminal keeps to its interval") {
  const Outcome outcome = with_captured_stderr([] {
    Progress progress("training", 1000, std::chrono::hours(1));
    for (int i = 0; i < 1000; ++i) progress.update(i);
    return 0;
  });
  CHECK(outcome.error_output.empty());
}

TEST_CASE("progress is silent when CMKD_QUIET is set") {
  const Outcome outcome = with_captured_stderr([] {
    ::setenv("CMKD_QUIET", "1", 1);
    Progress progress("training", 10, std::chrono::milliseconds(0));
    progress.update(3);
    progress.note("note");
    progress.finish("done");
    return 0;
  });
  CHECK(outcome.error_output.empty());
}

TEST_CASE("durations are written in the units that a person would use") {
  CHECK(format_duration(0) == "0 s");
  CHECK(format_duration(59.4) == "59 s");
  CHECK(format_duration(59.6) == "1 min 00 s");
  CHECK(format_duration(61) == "1 min 01 s");
  CHECK(format_duration(3600 + 12 * 60 + 5) == "1 h 12 min");
}

TEST_CASE("the first signal asks for an end at the next safe point") {
  const Outcome outcome = with_captured_stderr([] {
    install_interrupt_handlers();
    if (interrupt_requested()) return 1;
    ::raise(SIGINT);
    if (!interrupt_requested()) return 2;
    try {
      throw_if_interrupted();
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInterrupted ? 42 : 3;
    }
    return 4;
  });
  CHECK(outcome.status == 42);
}

TEST_CASE("SIGTERM asks for an end too, and a second signal ends the process with status 2") {
  const Outcome outcome = with_captured_stderr([] {
    install_interrupt_handlers();
    ::raise(SIGTERM);
    if (!interrupt_requested()) return 1;
    ::raise(SIGINT);
    return 3;
  });
  CHECK(outcome.status == 2);
}
