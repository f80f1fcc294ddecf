#include "report_output.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <limits>
#include <thread>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/progress.h"
#include "cmkd/reports/page.h"
#include "cmkd/reports/plots.h"
#include "commands.h"

extern char** environ;

namespace cmkd::apps {

namespace {

constexpr std::chrono::milliseconds kLook{500};  // between two looks at the store

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

int watch_store(const std::filesystem::path& store, const std::function<void()>& write) {
  install_interrupt_handlers();
  std::string seen;
  while (!interrupt_requested()) {
    // Read before the report: what comes in while it is written is seen next time.
    const std::string now = state_of(store);
    if (now != seen) write();
    seen = now;
    std::this_thread::sleep_for(kLook);
  }
  return 0;
}

void open_on_screen(const std::filesystem::path& file) {
#ifdef __APPLE__
  std::string program = "open";
#else
  std::string program = "xdg-open";
#endif
  std::string name = std::filesystem::absolute(file).string();
  char* arguments[] = {program.data(), name.data(), nullptr};
  pid_t child = 0;
  int status = 0;
  const bool ran = posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ) == 0 &&
                   waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (ran) return;
  throw Error(ErrorKind::kEnvironment, {.what = fmt::format("'{}' could not show the page", program),
                                        .where = name,
                                        .fix = "open this file in a browser"});
}

}  // namespace cmkd::apps
