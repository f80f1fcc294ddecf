// Progress on stderr: a line that is redrawn on a terminal, a line now and then elsewhere. Never on stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cmkd {

// One activity with a known number of items. Thread-safe: no (one reporter, usually the main thread).
// On a terminal it redraws in place at most ten times a second; elsewhere it prints a plain line at most every
// `interval` and at the end, and never a carriage return. Quiet when `CMKD_QUIET` is set.
class Progress {
 public:
  Progress(std::string activity, std::int64_t total, std::chrono::milliseconds interval = std::chrono::seconds(5));
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total`; `detail` is a short text such as "epoch 3/10  val top-1 61.2 %".
  void update(std::int64_t done, std::string_view detail = "");
  // A line of its own above the progress ("kd seed 3: done, top-1 81.2 %").
  void note(std::string_view line);
  void finish(std::string_view summary = "");

 private:
  void draw();
  void clear();

  std::string activity_;
  std::string detail_;
  std::int64_t total_;
  std::int64_t done_ = 0;
  std::int64_t first_done_ = -1;  // of the first update: what an earlier session did says nothing about the time left
  std::chrono::milliseconds interval_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  bool terminal_;
  bool quiet_;
  bool visible_ = false;
  bool finished_ = false;
};

// "1 h 12 min", "48 s"
[[nodiscard]] std::string format_duration(double seconds);

}  // namespace cmkd
