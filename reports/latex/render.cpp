// Tables for a paper: \input them. They need booktabs.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>

#include "cmkd/reports/leaderboard.h"
#include "latex/latex.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kWidestTable = 6;  // metrics side by side

using RowValue = std::function<std::optional<double>(const Row&)>;

// The values that are best and second as they are shown: what a reader cannot tell apart shares its mark.
struct Marks {
  std::string best;
  std::string second;
};

Marks marks_of(const Table& table, const std::string& metric, const RowValue& value) {
  std::vector<double> values;
  for (const Row& row : table.rows) {
    if (!is_ranked(row.role) || row.partial()) continue;
    if (const auto one = value(row)) values.push_back(*one);
  }
  if (metric_style(metric).higher_is_better) {
    std::ranges::sort(values, std::ranges::greater());
  } else {
    std::ranges::sort(values);
  }
  Marks marks;
  for (const double one : values) {
    const std::string text = metric_text(metric, one);
    if (marks.best.empty()) marks.best = text;
    if (text == marks.best) continue;
    marks.second = text;
    break;
  }
  return marks;
}

// With one complete method there is no best of several.
bool marks_allowed(const Table& table) {
  return std::ranges::count_if(table.rows, [](const Row& row) { return is_ranked(row.role) && !row.partial(); }) > 1;
}

std::string marked(const std::string& text, const Row& row, const Marks& marks, const std::string& shown) {
  if (!is_ranked(row.role) || row.partial()) return text;
  if (shown == marks.best) return fmt::format("\\textbf{{{}}}", text);
  return shown == marks.second ? fmt::format("\\underline{{{}}}", text) : text;
}

std::string row_name(const Row& row) {
  const std::string role = role_text(row).empty() ? "" : fmt::format(" \\emph{{({})}}", latex_escaped(role_text(row)));
  return (row.role == RowRole::kControl ? "\\quad " : "") + latex_escaped(row.name) + role;
}

std::string seeds_cell(const Row& row) {
  return row.partial() ? fmt::format("{} of {}", row.done, row.wanted) : fmt::format("{}", row.done);
}

std::string student_cell(const std::string& metric, const Row& row) {
  const auto& paired = row.to_student ? row.to_student->comparison : std::nullopt;
  if (!paired) return latex_escaped(kNothing);
  std::string text = difference_text(metric, paired->difference);
  if (paired->interval) text += " " + interval_text(metric, paired->interval, IntervalOf::kDifference);
  return latex_escaped(text);
}

class LatexDocument {
 public:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  void begin_table(const std::string& columns, const std::string& caption, const std::string& label) {
    line("\n\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\\label{{tab:{}}}", caption, label);
    line("\\begin{{tabular}}{{{}}}\n\\toprule", columns);
  }
  void end_table() { line("\\bottomrule\n\\end{{tabular}}\n\\end{{table}}"); }
  // A line between bounds, complete methods and the rest.
  void rule_between(const Row* before, const Row& row) {
    if (before == nullptr || row.role == RowRole::kControl) return;
    const auto kind = [](const Row& one) { return is_ranked(one.role) ? (one.partial() ? 2 : 1) : 0; };
    if (before->role != RowRole::kControl ? kind(*before) != kind(row) : kind(row) != 1) line("\\midrule");
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void write_latex_main(LatexDocument& out, const Table& table, std::size_t position) {
  const std::string& metric = table.primary_metric;
  const RowValue value = [](const Row& row) { return row.mean; };
  const Marks marks = marks_allowed(table) ? marks_of(table, metric, value) : Marks{};
  const bool cut = std::ranges::any_of(table.rows, [&](const Row& row) { return shows_cut_interval(metric, row); });
  out.begin_table("lrrrrr",
                  fmt::format("{}: {}. Mean $\\pm$ standard deviation over $n$ seeds and 95\\,\\% Student-$t$ interval "
                              "of the mean; difference to the student "
                              "seed by seed with its 95\\,\\% interval. Bold: best mean of the complete methods, "
                              "underlined: second; equal as shown share "
                              "the mark. {}{}",
                              latex_escaped(capitalised(short_title(table))), latex_escaped(metric_heading(metric)),
                              latex_escaped(table.what_n_allows), cut ? " " + latex_escaped(cut_note()) : ""),
                  fmt::format("cmkd-{}", position));
  out.line("Method & Tier & $n$ & {} & 95\\,\\% interval & $\\Delta$ student \\\\\n\\midrule",
           latex_escaped(metric_heading(metric)));
  const Row* before = nullptr;
  for (const Row& row : table.rows) {
    out.rule_between(before, row);
    before = &row;
    const std::string shown = row.mean ? metric_text(metric, *row.mean) : "";
    out.line("{} & {} & {} & {} & {} & {} \\\\", row_name(row), row.tier ? fmt::format("{}", *row.tier) : "--",
             seeds_cell(row), marked(latex_escaped(mean_text(metric, row)), row, marks, shown),
             latex_escaped(interval_text(metric, row.interval)), student_cell(metric, row));
  }
  out.end_table();
}

void write_latex_group(LatexDocument& out, const Table& table, const std::string& title,
                       const std::vector<std::string>& names, const std::string& label) {
  std::vector<std::string> heads;
  std::vector<Marks> marks;
  for (const std::string& name : names) {
    heads.push_back(latex_escaped(metric_heading(within_group(name))));
    const RowValue value = [&](const Row& row) {
      const auto found = row.secondary.find(name);
      return found == row.secondary.end() ? std::nullopt : std::optional(found->second.mean);
    };
    marks.push_back(marks_allowed(table) ? marks_of(table, name, value) : Marks{});
  }
  out.begin_table("l" + std::string(names.size(), 'r'),
                  fmt::format("{}: {}, means over the seeds ($\\downarrow$: lower is better).",
                              latex_escaped(capitalised(short_title(table))), latex_escaped(title)),
                  label);
  out.line("Method & {} \\\\\n\\midrule", fmt::join(heads, " & "));
  const Row* before = nullptr;
  for (const Row& row : table.rows) {
    out.rule_between(before, row);
    before = &row;
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto found = row.secondary.find(names[i]);
      cells.push_back(found == row.secondary.end() ? "--"
                                                   : marked(latex_escaped(average_text(names[i], found->second, row)),
                                                            row, marks[i], metric_text(names[i], found->second.mean)));
    }
    out.line("{} & {} \\\\", row_name(row), fmt::join(cells, " & "));
  }
  out.end_table();
}

}  // namespace

std::string render_latex(const Leaderboard& board) {
  LatexDocument out;
  out.line("% Made by cmkd report --format latex. In the preamble: \\usepackage{{booktabs}}");
  out.line(
      "% Names in scripts that pdfTeX has no letters for show their code points there, and themselves in XeTeX and "
      "LuaTeX.");
  out.line("\\providecommand{{\\cmkdname}}[2]{{\\ifdefined\\Umathcode #1\\else[#2]\\fi}}");
  for (std::size_t position = 0; position < board.tables.size(); ++position) {
    const Table& table = board.tables[position];
    write_latex_main(out, table, position);
    std::size_t number = 0;
    for (const MetricGroup& group : metric_groups(table.secondary_metrics)) {
      for (std::size_t first = 0; first < group.metrics.size(); first += kWidestTable) {
        const auto begin = group.metrics.begin() + static_cast<std::ptrdiff_t>(first);
        const auto end = first + kWidestTable < group.metrics.size() ? begin + kWidestTable : group.metrics.end();
        write_latex_group(out, table, group.title, {begin, end}, fmt::format("cmkd-{}-{}", position, number++));
      }
    }
  }
  return out.take();
}

}  // namespace cmkd::reports
