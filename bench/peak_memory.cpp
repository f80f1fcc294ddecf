#include "peak_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace cmkd::bench {

namespace {

constexpr const char* kPeakWord = "peak_bytes ";
constexpr const char* kUnknownPeak = "unknown";

// A line of /proc/self/status in bytes (Linux): "VmRSS" is resident now, "VmHWM" its high-water mark; 0 without it.
double memory_now(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

// All that the program writes to its standard output; throws when it does not end well.
std::string output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  std::vector<std::string> copies = command;
  std::vector<char*> argv;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t got = 0; failure == 0 && (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  if (failure != 0 || ::waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error(fmt::format("a process of its own for '{}' did not end well", command.back()));
  return text;
}

}  // namespace

std::optional<double> peak_above_now(const std::function<void()>& work) {
#ifdef __GLIBC__
  ::malloc_trim(0);  // freed memory that is still resident would be taken again without being counted
#endif
  std::ofstream("/proc/self/clear_refs") << "5";  // lowers the mark to what is resident, where that is allowed
  const double mark = memory_now("VmHWM");
  const double before = memory_now("VmRSS");
  work();
  const double after = memory_now("VmHWM");
  if (before <= 0 || after <= mark) return std::nullopt;
  return after - before;
}

std::optional<double> peak_in_own_process(const std::string& name, int threads) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string text = output_of({program, fmt::format("--threads={}", threads), "--peak-of=" + name});
  const std::size_t at = text.find(kPeakWord);
  if (at == std::string::npos) throw std::runtime_error("no peak from the process for '" + name + "'");
  const std::string value = text.substr(at + std::string(kPeakWord).size());
  return value.starts_with(kUnknownPeak) ? std::nullopt : std::optional(std::strtod(value.c_str(), nullptr));
}

void print_peak(const std::optional<double>& peak) {
  fmt::print("{}{}\n", kPeakWord, peak ? fmt::format("{:.0f}", *peak) : kUnknownPeak);
}

}  // namespace cmkd::bench
