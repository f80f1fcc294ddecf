// GitHub-flavoured Markdown.
#include <fmt/format.h>

#include <algorithm>

#include "build.h"
#include "markdown.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

std::string markdown_escaped(std::string_view text) {
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

std::string markdown_difference(const std::string& metric, const Row& row) {
  if (!row.to_student) return kNothing;
  const StudentDifference& difference = *row.to_student;
  std::string text = kNothing;
  if (difference.comparison) {
    const PairedComparison& paired = *difference.comparison;
    text = difference_text(metric, paired.difference);
    if (paired.interval) text.append(" ").append(interval_text(metric, paired.interval, IntervalOf::kDifference));
    text += fmt::format(" ({})", markdown_escaped(difference_facts(paired)));
  }
  if (!difference.why_not.empty()) text += fmt::format("; left out: {}", markdown_escaped(difference.why_not));
  return text;
}

void write_missing_seeds(MarkdownDocument& out, const std::vector<const Row*>& rows) {
  if (std::ranges::none_of(rows, &Row::partial)) return;
  out.line("### Missing");
  out.blank();
  for (const Row* row : rows) {
    for (const MissingSeeds& group : missing_seeds(*row)) {
      out.line("- {}, {}: {}", markdown_escaped(row->name), group.seeds, markdown_escaped(group.reason));
    }
  }
  out.blank();
}

void write_cut_note(MarkdownDocument& out, const std::string& metric, const std::vector<const Row*>& rows) {
  if (std::ranges::none_of(rows, [&](const Row* row) { return shows_cut_interval(metric, *row); })) return;
  out.line("{}", markdown_escaped(cut_note()));
  out.blank();
}

namespace {

std::string count_cell(const Row& row) {
  return fmt::format("{} of {}{}", row.done, row.wanted,
                     row.partial() ? fmt::format(" ({})", completeness_word(row)) : "");
}

void write_main_table_markdown(MarkdownDocument& out, const Table& table) {
  const bool ranks = std::ranges::any_of(table.rows, [](const Row& row) { return row.rank.has_value(); });
  const bool clips = std::ranges::any_of(
      table.rows, [](const Row& row) { return row.over_clips && row.over_clips->interval.has_value(); });
  std::vector<std::string> head{"Method", "Role", "Verified", "Tier"};
  if (ranks) head.emplace_back("Rank (95 %, seeds)");
  head.insert(head.end(),
              {"n", metric_heading(table.primary_metric) + " (mean ± std)", clips ? "95 %, seeds" : "95 % interval"});
  if (clips) head.emplace_back("95 %, test clips");
  head.insert(head.end(), {"Seeds", "Against student (95 % interval)"});
  out.head(head, 3);
  for (const Row& row : table.rows) {
    std::vector<std::string> cells{markdown_escaped(row.name), markdown_escaped(role_text(row)),
                                   markdown_escaped(row.verified), row.tier ? fmt::format("{}", *row.tier) : kNothing};
    if (ranks) cells.push_back(row.rank ? rank_text(row.rank->rank, row.rank->interval) : kNothing);
    cells.insert(cells.end(), {count_cell(row), mean_text(table.primary_metric, row),
                               interval_text(table.primary_metric, row.interval)});
    if (clips) cells.push_back(clips_interval_text(table.primary_metric, row));
    cells.push_back(markdown_escaped(seeds_text(table.primary_metric, row)));
    cells.push_back(markdown_difference(table.primary_metric, row));
    out.row(cells);
  }
  out.blank();
}

void write_secondary(MarkdownDocument& out, const Table& table) {
  for (const MetricGroup& group : metric_groups(table.secondary_metrics)) {
    out.line("### {} (means over the seeds; ↓: lower is better)", group.title);
    out.blank();
    std::vector<std::string> head{"Method"};
    for (const std::string& name : group.metrics) head.push_back(markdown_escaped(metric_heading(within_group(name))));
    out.head(head, 1);
    for (const Row& row : table.rows) {
      std::vector<std::string> cells{markdown_escaped(row.name)};
      for (const std::string& name : group.metrics) {
        const auto found = row.secondary.find(name);
        cells.push_back(found == row.secondary.end() ? kNothing : average_text(name, found->second, row));
      }
      out.row(cells);
    }
    out.blank();
  }
}

void write_transfer_markdown(MarkdownDocument& out, const Table& table) {
  for (const Row& row : table.rows) {
    if (!row.transfer_top1) continue;
    out.line("{} {}", markdown_escaped(row.name), transfer_text(*row.transfer_top1));
    out.blank();
  }
}

void write_cost(MarkdownDocument& out, const Table& table) {
  const std::vector<std::string> names = cost_names(table);
  if (names.empty()) return;
  out.line("### Measured cost (means over the seeds; of the machine that ran it, not reproducible)");
  out.blank();
  std::vector<std::string> head{"Method"};
  for (const std::string& name : names) head.push_back(markdown_escaped(cost_heading(name)));
  out.head(head, 1);
  for (const Row& row : table.rows) {
    std::vector<std::string> cells{markdown_escaped(row.name)};
    for (const std::string& name : names) {
      const auto found = row.cost.find(name);
      cells.push_back(found == row.cost.end() ? kNothing : cost_text(name, found->second));
    }
    out.row(cells);
  }
  out.blank();
}

void write_commands(MarkdownDocument& out, const Table& table) {
  out.line("### To repeat a row");
  out.blank();
  for (const Row& row : table.rows) out.line("    {}", clean_text(row.rerun_command));
  out.blank();
}

void write_exclusions(MarkdownDocument& out, const Table& table) {
  if (std::ranges::all_of(table.exclusions, [](const ExclusionList& list) { return list.clips.empty(); })) return;
  out.line("### Clips left out");
  out.blank();
  out.head({"Dataset", "Split", "Clip", "Reason"}, 4);
  for (const ExclusionList& list : table.exclusions) {
    for (const auto& clip : list.clips) {
      out.row({markdown_escaped(list.dataset), markdown_escaped(clip.split), markdown_escaped(clip.clip_id),
               markdown_escaped(clip.reason)});
    }
  }
  out.blank();
}

void write_tuning_markdown(MarkdownDocument& out, const Tuning& tuning) {
  out.line("## Tuning");
  out.blank();
  for (const std::string& line : tuning_facts(tuning)) out.line("- {}", markdown_escaped(line));
  out.blank();
  std::vector<std::string> head{"Method", "Winner", "Validation", "Values of the winner"};
  const std::vector<std::int64_t> shown = shown_budgets(tuning.trials);
  for (const std::int64_t k : shown) head.push_back(fmt::format("best of {}", k));
  out.head(head, 1);
  for (const TunedMethod& method : tuning.methods) {
    std::vector<std::string> cells{markdown_escaped(method.name), winner_text(method), winner_value(tuning, method),
                                   markdown_escaped(method.winning_values)};
    for (const std::int64_t k : shown) cells.push_back(best_of_text(tuning, method, k));
    out.row(cells);
  }
  out.blank();
}

// Alike: a line of its own. Mixed: a quotation, which stands out in every renderer of Markdown.
void write_provenance_markdown(MarkdownDocument& out, const Provenance& provenance) {
  const std::vector<std::string> lines = provenance_lines(provenance);
  for (const std::string& line : lines) {
    out.line("{}{}", provenance.is_mixed() ? "> " : "", markdown_escaped(line));
    if (provenance.is_mixed() && &line != &lines.back()) out.line(">");
  }
  if (!lines.empty()) out.blank();
}

void write_facts_markdown(MarkdownDocument& out, const Table& table) {
  for (const Fact& fact : facts(table)) out.line("- **{}:** {}", fact.name, markdown_escaped(fact.text));
  out.blank();
}

}  // namespace

std::string render_markdown(const Leaderboard& board) {
  MarkdownDocument out;
  out.line("# {}", board.title.empty() ? "Leaderboard without rows" : markdown_escaped(board.title));
  out.blank();
  write_provenance_markdown(out, board.provenance);
  for (const Sweep& sweep : sweeps_of(board)) write_sweep(out, sweep);
  for (const Overview& overview : board.overviews) write_overview(out, overview);
  for (const Table& table : board.tables) {
    out.line("## {}", markdown_escaped(table_title(table)));
    out.blank();
    write_facts_markdown(out, table);
    write_main_table_markdown(out, table);
    write_cut_note(out, table.primary_metric, all_rows(table));
    write_pairs(out, table);
    write_transfer_markdown(out, table);
    write_missing_seeds(out, all_rows(table));
    write_secondary(out, table);
    write_cost(out, table);
    write_commands(out, table);
    write_exclusions(out, table);
  }
  if (board.tuning) write_tuning_markdown(out, *board.tuning);
  out.line("## How to read this");
  out.blank();
  for (const std::string& line : how_to_read()) out.line("- {}", markdown_escaped(line));
  return out.take();
}

}  // namespace cmkd::reports
