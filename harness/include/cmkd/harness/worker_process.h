// The parent's end of a worker process: spawn, send a job, read events.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace cmkd {

// Owns the child and its pipes. The child is killed (SIGKILL) and reaped on destruction. Not thread-safe.
class WorkerProcess {
 public:
  // Spawns (never forks after LibTorch is up) this very program with `arguments`.
  explicit WorkerProcess(const std::vector<std::string>& arguments);
  ~WorkerProcess();
  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&& other) noexcept;

  // False when the child is gone.
  bool send_line(const std::string& line);
  void close_input();
  [[nodiscard]] int event_descriptor() const noexcept { return output_; }
  [[nodiscard]] int error_descriptor() const noexcept { return errors_; }
  // Whole lines that have come; an empty list with `ended()` set afterwards at end of file.
  [[nodiscard]] std::vector<std::string> read_lines();
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // Hands what the child wrote to its standard error on to ours, and remembers the last of it. Does not wait.
  void pass_errors_on();
  // The last lines that it wrote there, in one: what a row says of a run whose worker went down.
  [[nodiscard]] std::string last_words() const;
  // Waits for the end; the wait status.
  [[nodiscard]] int wait();
  void signal(int number) const;

 private:
  pid_t process_ = -1;
  int input_ = -1;   // we write jobs here
  int output_ = -1;  // we read events here
  int errors_ = -1;  // its standard error
  bool ended_ = false;
  std::string buffer_;
  std::string said_;  // the end of its standard error
};

// "ended by signal 11 (Segmentation fault)", "ended with status 3"
[[nodiscard]] std::string describe_wait_status(int status);

}  // namespace cmkd
