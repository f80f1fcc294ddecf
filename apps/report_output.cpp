#include "report_output.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <thread>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/progress.h"
#include "cmkd/reports/page.h"
#include "cmkd/reports/plots.h"
#include "commands.h"

namespace cmkd::apps {

namespace {

using Wait = std::chrono::milliseconds;
constexpr Wait kLook{500};      // between two looks at the store
constexpr Wait kOpening{5000};  // for the program that opens a browser

std::string html_report(const results::Store& store, const reports::Leaderboard& board, const ReportTarget& target) {
  reports::PageOptions options;
  if (target.file.empty()) {
    options.runs_in_page = std::numeric_limits<std::size_t>::max();
  } else {
    options.name = target.file.filename().string();
  }
  std::optional<Progress> progress;
  options.progress = [&](std::size_t done, std::size_t all) {
    if (!progress) progress.emplace("report", static_cast<std::int64_t>(all));
    progress->update(static_cast<std::int64_t>(done), "pages of details");
  };
  return reports::render_page(board, reports::Details(store), options,
                              [&](const std::string& name, const std::string& text) {
                                throw_if_interrupted();
                                write_file_atomically(target.file.parent_path() / name, text);
                              });
}

// Of the database and of what SQLite keeps beside it while somebody writes.
std::string state_of(const std::filesystem::path& store) {
  std::string state;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code none;
    const std::filesystem::path file = store.string() + suffix;
    const auto size = std::filesystem::file_size(file, none);
    if (none) continue;
    state += fmt::format("{} {} ", size, std::filesystem::last_write_time(file, none).time_since_epoch().count());
  }
  return state;
}

}  // namespace

void write_report(const results::Store& store, const reports::Leaderboard& board, reports::Format format,
                  const ReportTarget& target) {
  std::string pictures;
  if (!target.plots.empty()) {
    const std::vector<reports::PlotFile> plots = reports::plots_of(board);
    const std::filesystem::path from =
        target.file.empty() ? std::filesystem::current_path() : std::filesystem::absolute(target.file).parent_path();
    const std::filesystem::path folder = std::filesystem::absolute(target.plots);
    pictures = reports::markdown_pictures(plots, folder.lexically_relative(from).generic_string());
    for (const reports::PlotFile& plot : plots) write_file_atomically(target.plots / plot.name, plot.svg);
    fmt::print(stderr, "wrote {} pictures to {}\n", plots.size(), target.plots.string());
  }
  std::string text =
      format == reports::Format::kHtml ? html_report(store, board, target) : reports::render(board, format);
  if (format == reports::Format::kMarkdown) text += pictures;
  if (target.file.empty()) {
    print_out(text);
    return;
  }
  write_file_atomically(target.file, text);
  fmt::print(stderr, "wrote {}\n", target.file.string());
}

namespace {

// What a run that has just begun lacks, or a store that is being written; other mistakes are thrown.
std::string why_not_yet(const std::function<void()>& write) {
  try {
    write();
    return "";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData && error.kind() != ErrorKind::kNothingSelected) throw;
    return fmt::format("{} ({})", error.parts().what, error.parts().where);
  }
}

}  // namespace

int watch_store(const std::filesystem::path& store, const std::function<void()>& write) {
  install_interrupt_handlers();
  std::optional<std::string> seen;
  std::string said;
  // Written for a tenth of the time at most: the trainings that it watches need the processor, too.
  auto pause = std::chrono::duration_cast<Wait>(kLook);
  while (!interrupt_requested()) {
    // Read before the report: what comes in while it is written is seen next time.
    const std::string now = state_of(store);
    const auto start = std::chrono::steady_clock::now();
    if (now != seen) {
      const std::string why_not = why_not_yet(write);
      if (!why_not.empty() && why_not != said) fmt::print(stderr, "waiting: {}\n", why_not);
      said = why_not;
      pause = std::max(std::chrono::duration_cast<Wait>(kLook),
                       9 * std::chrono::duration_cast<Wait>(std::chrono::steady_clock::now() - start));
      if (why_not.empty()) seen = now;
    }
    for (Wait waited{0}; waited < pause && !interrupt_requested(); waited += kLook) std::this_thread::sleep_for(kLook);
  }
  return 0;
}

namespace {

// The program of a desktop that is not up may run as long as the browser: it is not waited for that long.
bool ends_well_or_runs(pid_t child) {
  int status = 0;
  for (Wait waited{0}; waited < kOpening; waited += kLook / 10) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended < 0) return false;
    std::this_thread::sleep_for(kLook / 10);
  }
  return true;
}

}  // namespace

void open_on_screen(const std::filesystem::path& file) {
#ifdef __APPLE__
  std::string program = "open";
#else
  std::string program = "xdg-open";
#endif
  std::string name = std::filesystem::absolute(file).string();
  char* arguments[] = {program.data(), name.data(), nullptr};
  pid_t child = 0;
  if (posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ) == 0 && ends_well_or_runs(child)) {
    return;
  }
  throw Error(ErrorKind::kEnvironment, {.what = fmt::format("'{}' could not show the page", program),
                                        .where = name,
                                        .fix = "open this file in a browser"});
}

}  // namespace cmkd::apps
