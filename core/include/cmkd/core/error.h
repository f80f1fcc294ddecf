// The one way in which this project says that something is wrong.
//
// A user's mistake or a broken input throws `Error` with four parts: what is wrong (with the offending value), where
// (file, line, row), what would be allowed, and how to mend it. An expected failure (a clip that cannot be decoded) is
// a return value, never an exception. An `assert` is for a bug only.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cmkd {

// What went wrong, by who has to act. The exit status of `cmkd` follows from it (see docs/commands.md).
enum class ErrorKind {
  kUsage,            // wrong command line, suite file or setting: exit status 4
  kData,             // a file, annotation, cache or database that is missing, broken or foreign: exit status 1
  kEnvironment,      // disk full, no permission, library missing: exit status 1
  kNothingSelected,  // a filter selects nothing: exit status 5
  kInterrupted,      // SIGINT or SIGTERM: exit status 2
  kInternal,         // a bug in this project: exit status 3
};

struct ErrorParts {
  std::string what;          // required: "unknown method 'kdd'"
  std::string where = {};    // "suites/quick.toml:12", "" when there is no place
  std::string allowed = {};  // "student, teacher, kd, …", "" when not applicable
  std::string fix = {};      // "did you mean 'kd'?", "run 'cmkd ingest …'", "" when unknown
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, ErrorParts parts);

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const ErrorParts& parts() const noexcept { return parts_; }
  // "what", then a line each, "  where: …", "  allowed: …", "  fix: …", for the parts that are there; the lines of a
  // part of several stand below its name, four spaces in. `what()` returns the same text.
  [[nodiscard]] static std::string format(const ErrorParts& parts);

 private:
  ErrorKind kind_;
  ErrorParts parts_;
};

[[nodiscard]] int exit_status(ErrorKind kind) noexcept;

// The candidate nearest to `name` by edit distance, or "" when none is near enough to be a likely typo.
[[nodiscard]] std::string closest_match(std::string_view name, const std::vector<std::string>& candidates);

// "did you mean 'x'?" or "" when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

// "a, b, c"
[[nodiscard]] std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

// `spaces` in front of each line; lines end in '\n' but for the last.
[[nodiscard]] std::string indented(std::string_view lines, std::size_t spaces);

}  // namespace cmkd
