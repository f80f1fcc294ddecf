#include "cmkd/harness/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error(ErrorKind::kEnvironment,
                {.what = fmt::format("cannot make a pipe: {}", std::strerror(errno)), .fix = "close some programs"});
  }
  return ends;
}

}  // namespace

WorkerProcess::WorkerProcess(const std::vector<std::string>& arguments) {
  const std::array<int, 2> jobs = make_pipe();
  const std::array<int, 2> events = make_pipe();
  const std::array<int, 2> errors = make_pipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, jobs[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, events[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  std::vector<char*> argv;
  std::string program = "cmkd";
  argv.push_back(program.data());
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int code = ::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(jobs[0]);
  ::close(events[1]);
  ::close(errors[1]);
  input_ = jobs[1];
  output_ = events[0];
  errors_ = errors[0];
  ::fcntl(errors_, F_SETFL, O_NONBLOCK);
  if (code != 0) {
    process_ = -1;
    for (int* end : {&input_, &output_, &errors_}) ::close(std::exchange(*end, -1));
    throw Error(ErrorKind::kEnvironment,
                {.what = fmt::format("cannot start a worker: {}", std::strerror(code)), .fix = "free some memory"});
  }
}

WorkerProcess::~WorkerProcess() {
  if (input_ >= 0) ::close(input_);
  if (output_ >= 0) ::close(output_);
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    (void)wait();
  }
  if (errors_ < 0) return;
  pass_errors_on();
  ::close(errors_);
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      errors_(std::exchange(other.errors_, -1)),
      ended_(other.ended_),
      buffer_(std::move(other.buffer_)),
      said_(std::move(other.said_)) {}

WorkerProcess& WorkerProcess::operator=(WorkerProcess&& other) noexcept {
  std::swap(process_, other.process_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(errors_, other.errors_);
  std::swap(ended_, other.ended_);
  std::swap(buffer_, other.buffer_);
  std::swap(said_, other.said_);
  return *this;
}

bool WorkerProcess::send_line(const std::string& line) {
  const std::string text = line + "\n";
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::write(input_, text.data() + sent, text.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

void WorkerProcess::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

std::vector<std::string> WorkerProcess::read_lines() {
  std::array<char, 4096> chunk{};
  const ssize_t count = ::read(output_, chunk.data(), chunk.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (count <= 0) {
    ended_ = true;
    return {};
  }
  buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', start)) {
    lines.push_back(buffer_.substr(start, end - start));
    start = end + 1;
  }
  buffer_.erase(0, start);
  return lines;
}

void WorkerProcess::pass_errors_on() {
  constexpr std::size_t kRemembered = 4000;
  std::array<char, 4096> chunk{};
  for (ssize_t count = 0; (count = ::read(errors_, chunk.data(), chunk.size())) > 0;) {
    const auto size = static_cast<std::size_t>(count);
    std::fwrite(chunk.data(), 1, size, stderr);
    said_.append(chunk.data(), size);
    if (said_.size() > kRemembered) said_.erase(0, said_.size() - kRemembered);
  }
}

std::string WorkerProcess::last_words() const {
  constexpr std::size_t kLines = 8;
  std::vector<std::string> lines;
  std::istringstream text(said_);
  for (std::string line; std::getline(text, line);) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string::npos) lines.push_back(line.substr(first));
  }
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return join(lines, " | ");
}

int WorkerProcess::wait() {
  int status = 0;
  if (process_ > 0) {
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
  }
  return status;
}

void WorkerProcess::signal(int number) const {
  if (process_ > 0) ::kill(process_, number);
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace cmkd
