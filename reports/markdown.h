// The parts of the Markdown report.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/sweep.h"

namespace cmkd::reports {

// Names, reasons and paths are data: nothing in them may become markup, a link, a cell or a line.
[[nodiscard]] std::string markdown_escaped(std::string_view text);
[[nodiscard]] std::string markdown_difference(const std::string& metric, const Row& row);  // to the student

class MarkdownDocument {
 public:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  void blank() { text_ += '\n'; }
  void head(const std::vector<std::string>& cells, std::size_t text_columns) {
    row(cells);
    std::vector<std::string> rule;
    for (std::size_t i = 0; i < cells.size(); ++i) rule.emplace_back(i < text_columns ? "---" : "---:");
    row(rule);
  }
  void row(const std::vector<std::string>& cells) { line("| {} |", fmt::join(cells, " | ")); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// The list of seeds without a value, under a head of the third order; nothing when all are there.
void write_missing_seeds(MarkdownDocument& out, const std::vector<const Row*>& rows);
// What the mark at the end of an interval means, where a row of the table above has one.
void write_cut_note(MarkdownDocument& out, const std::string& metric, const std::vector<const Row*>& rows);

// --- markdown_pairs.cpp ---

void write_pairs(MarkdownDocument& out, const Table& table);
void write_overview(MarkdownDocument& out, const Overview& overview);

// --- markdown_sweep.cpp ---

void write_sweep(MarkdownDocument& out, const Sweep& sweep);

}  // namespace cmkd::reports
