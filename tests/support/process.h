// Runs a program as a user would: arguments in, exit status and both outputs out.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace cmkd::test {

struct ProcessResult {
  int status = 0;  // exit status; 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

// Runs in `folder`. With `kill_after`, the process gets SIGKILL then, if it is still there.
[[nodiscard]] ProcessResult run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                                        std::chrono::milliseconds kill_after = std::chrono::milliseconds::max());

}  // namespace cmkd::test
