#include "cmkd/core/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace cmkd {

using Clock = std::chrono::steady_clock;

Progress::Progress(std::string activity, std::int64_t total, std::chrono::milliseconds interval)
    : activity_(std::move(activity)),
      total_(total),
      interval_(interval),
      start_(Clock::now()),
      drawn_(start_),
      terminal_(::isatty(STDERR_FILENO) == 1),
      quiet_(std::getenv("CMKD_QUIET") != nullptr) {}

Progress::~Progress() { clear(); }

void Progress::update(std::int64_t done, std::string_view detail) {
  if (first_done_ < 0) first_done_ = done;
  done_ = done;
  detail_ = detail;
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : interval_;
  if (Clock::now() - drawn_ >= pause) draw();
}

void Progress::note(std::string_view line) {
  if (quiet_) return;
  clear();
  fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
}

void Progress::finish(std::string_view summary) {
  if (finished_) return;
  finished_ = true;
  clear();
  if (quiet_) return;
  if (!summary.empty()) fmt::print(stderr, "{}\n", summary);
  std::fflush(stderr);
}

void Progress::clear() {
  if (visible_) fmt::print(stderr, "\r\x1b[K");
  visible_ = false;
}

void Progress::draw() {
  if (quiet_) return;
  drawn_ = Clock::now();
  const double elapsed = std::chrono::duration<double>(drawn_ - start_).count();
  std::string line = fmt::format("{}: {}/{}", activity_, done_, total_);
  if (done_ > first_done_ && done_ < total_) {
    const double left = elapsed / static_cast<double>(done_ - first_done_) * static_cast<double>(total_ - done_);
    line += fmt::format(", about {} left", format_duration(left));
  }
  if (!detail_.empty()) line += "  " + detail_;
  if (terminal_) {
    clear();
    fmt::print(stderr, "{}", line);
    visible_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

std::string format_duration(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(seconds));
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{} min {:02} s", total / 60, total % 60);
  return fmt::format("{} h {:02} min", total / 3600, total % 3600 / 60);
}

}  // namespace cmkd
