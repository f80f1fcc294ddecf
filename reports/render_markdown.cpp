// GitHub-flavoured Markdown.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "build.h"
#include "text.h"

namespace cmkd::reports {

namespace {

// Names, reasons and paths are data: nothing in them may become markup, a link, a cell or a line.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : clean_text(text)) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|~$#").find(c) != std::string_view::npos) result += '\\';
      result += c;
    }
  }
  return result;
}

class Document {
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

std::string difference_cell(const Table& table, const Row& row) {
  if (!row.to_student) return kNothing;
  const StudentDifference& difference = *row.to_student;
  std::string text = kNothing;
  if (difference.comparison) {
    const PairedComparison& paired = *difference.comparison;
    text = difference_text(table.primary_metric, paired.difference);
    if (paired.interval) text.append(" ").append(difference_interval_text(table.primary_metric, paired.interval));
    text += fmt::format(" ({})", escaped(difference_facts(paired)));
  }
  if (!difference.why_not.empty()) text += fmt::format("; left out: {}", escaped(difference.why_not));
  return text;
}

std::string mean_cell(const Table& table, const Row& row) {
  if (!row.mean) return kNothing;
  if (!row.deviation) return metric_text(table.primary_metric, *row.mean);
  return fmt::format("{} ± {}", metric_text(table.primary_metric, *row.mean),
                     metric_text(table.primary_metric, *row.deviation));
}

std::string count_cell(const Row& row) {
  return fmt::format("{} of {}{}", row.done, row.wanted,
                     row.partial() ? fmt::format(" ({})", completeness_word(row)) : "");
}

void write_main_table(Document& out, const Table& table) {
  out.head({"Method", "Role", "Verified", "Tier", "n", metric_heading(table.primary_metric) + " (mean ± std)",
            "95 % interval", "Seeds", "Against student (95 % interval)"},
           3);
  for (const Row& row : table.rows) {
    out.row({escaped(row.name), escaped(role_text(row)), escaped(row.verified),
             row.tier ? fmt::format("{}", *row.tier) : kNothing, count_cell(row), mean_cell(table, row),
             interval_text(table.primary_metric, row.interval), escaped(seeds_text(table.primary_metric, row)),
             difference_cell(table, row)});
  }
  out.blank();
}

void write_secondary(Document& out, const Table& table) {
  if (table.secondary_metrics.empty()) return;
  out.line("### Other metrics (means over the seeds; ↓: lower is better)");
  out.blank();
  std::vector<std::string> head{"Method"};
  for (const std::string& name : table.secondary_metrics) head.push_back(escaped(metric_heading(name)));
  out.head(head, 1);
  for (const Row& row : table.rows) {
    std::vector<std::string> cells{escaped(row.name)};
    for (const std::string& name : table.secondary_metrics) {
      const auto found = row.secondary.find(name);
      cells.push_back(found == row.secondary.end() ? kNothing : average_text(name, found->second, row));
    }
    out.row(cells);
  }
  out.blank();
}

void write_transfer(Document& out, const Table& table) {
  for (const Row& row : table.rows) {
    if (!row.transfer_top1) continue;
    out.line("{} {}", escaped(row.name), transfer_text(*row.transfer_top1));
    out.blank();
  }
}

void write_missing(Document& out, const Table& table) {
  if (std::ranges::none_of(table.rows, &Row::partial)) return;
  out.line("### Missing");
  out.blank();
  for (const Row& row : table.rows) {
    for (const MissingSeeds& group : missing_seeds(row)) {
      out.line("- {}, {}: {}", escaped(row.name), group.seeds, escaped(group.reason));
    }
  }
  out.blank();
}

void write_cost(Document& out, const Table& table) {
  const std::vector<std::string> names = cost_names(table);
  if (names.empty()) return;
  out.line("### Measured cost (means over the seeds; of the machine that ran it, not reproducible)");
  out.blank();
  std::vector<std::string> head{"Method"};
  for (const std::string& name : names) head.push_back(escaped(cost_heading(name)));
  out.head(head, 1);
  for (const Row& row : table.rows) {
    std::vector<std::string> cells{escaped(row.name)};
    for (const std::string& name : names) {
      const auto found = row.cost.find(name);
      cells.push_back(found == row.cost.end() ? kNothing : cost_text(name, found->second));
    }
    out.row(cells);
  }
  out.blank();
}

void write_commands(Document& out, const Table& table) {
  out.line("### To repeat a row");
  out.blank();
  for (const Row& row : table.rows) out.line("    {}", clean_text(row.rerun_command));
  out.blank();
}

void write_exclusions(Document& out, const Table& table) {
  if (std::ranges::all_of(table.exclusions, [](const ExclusionList& list) { return list.clips.empty(); })) return;
  out.line("### Clips left out");
  out.blank();
  out.head({"Dataset", "Split", "Clip", "Reason"}, 4);
  for (const ExclusionList& list : table.exclusions) {
    for (const auto& clip : list.clips) {
      out.row({escaped(list.dataset), escaped(clip.split), escaped(clip.clip_id), escaped(clip.reason)});
    }
  }
  out.blank();
}

void write_tuning(Document& out, const Tuning& tuning) {
  out.line("## Tuning");
  out.blank();
  for (const std::string& line : tuning_facts(tuning)) out.line("- {}", escaped(line));
  out.blank();
  std::vector<std::string> head{"Method", "Winner", "Validation", "Values of the winner"};
  const std::vector<std::int64_t> shown = shown_budgets(tuning.trials);
  for (const std::int64_t k : shown) head.push_back(fmt::format("best of {}", k));
  out.head(head, 1);
  for (const TunedMethod& method : tuning.methods) {
    std::vector<std::string> cells{escaped(method.name), winner_text(method), winner_value(tuning, method),
                                   escaped(method.winning_values)};
    for (const std::int64_t k : shown) cells.push_back(best_of_text(tuning, method, k));
    out.row(cells);
  }
  out.blank();
}

void write_facts(Document& out, const Table& table) {
  for (const Fact& fact : facts(table)) out.line("- **{}:** {}", fact.name, escaped(fact.text));
  out.blank();
}

}  // namespace

std::string render_markdown(const Leaderboard& board) {
  Document out;
  out.line("# {}", board.title.empty() ? "Leaderboard without rows" : escaped(board.title));
  out.blank();
  for (const Table& table : board.tables) {
    out.line("## {}", escaped(table_title(table)));
    out.blank();
    write_facts(out, table);
    write_main_table(out, table);
    write_transfer(out, table);
    write_missing(out, table);
    write_secondary(out, table);
    write_cost(out, table);
    write_commands(out, table);
    write_exclusions(out, table);
  }
  if (board.tuning) write_tuning(out, *board.tuning);
  out.line("## How to read this");
  out.blank();
  for (const std::string& line : how_to_read()) out.line("- {}", escaped(line));
  return out.take();
}

}  // namespace cmkd::reports
