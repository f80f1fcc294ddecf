// Where a report goes: to standard output or a file, with what lies beside it, and onto the reader's screen.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::apps {

struct ReportTarget {
  std::filesystem::path file;   // empty: standard output
  std::filesystem::path plots;  // folder for the single pictures; empty: none
};

// Writes the board, a Markdown report with links to its pictures. The HTML report has the details that the store holds;
// those of more than 500 runs go to a folder beside the file, and stand in the one page on standard output. Shows
// progress on stderr.
void write_report(const results::Store& store, const reports::Leaderboard& board, reports::Format format,
                  const ReportTarget& target);

// Calls `write` now, and again whenever the store's file has changed, until a signal comes. A store that is not there,
// is empty or is being written is waited for, which is said once on stderr. Returns the exit status.
int watch_store(const std::filesystem::path& store, const std::function<void()>& write);

// Shows a file with the program that the desktop has for it (xdg-open, which heeds $BROWSER). Does not wait for it for
// longer than seconds. Throws Error(kEnvironment) when there is none or it fails.
void open_on_screen(const std::filesystem::path& file);

}  // namespace cmkd::apps
