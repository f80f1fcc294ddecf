// The leaderboards: one table for each task, dataset, direction and protocol.
#include <fmt/format.h>

#include <algorithm>

#include "build.h"
#include "html/sections.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr const char* kTime = "train_seconds";

bool has_ranks(const Table& table) {
  for (const Row& row : table.rows) {
    if (row.rank) return true;
  }
  return false;
}

bool has_clip_intervals(const Table& table) {
  return std::ranges::any_of(table.rows,
                             [](const Row& row) { return row.over_clips && row.over_clips->interval.has_value(); });
}

bool has_time(const Table& table) {
  for (const Row& row : table.rows) {
    if (row.cost.contains(kTime)) return true;
  }
  return false;
}

void write_board_head(Page& page, const Table& table, const PlotAxis& axis, const std::string& id) {
  const std::string metric = html_escaped(metric_heading(table.primary_metric));
  const auto head = [&](const char* attributes, const std::string& content) {
    page.line("<th role=\"columnheader\" scope=\"col\"{}>{}</th>", attributes, content);
  };
  page.line("<thead role=\"rowgroup\"><tr role=\"row\">");
  head("", "Method");
  head(" class=\"number\"", has_ranks(table) ? "Tier<br>rank, interval" : "Tier");
  head(" class=\"number\"", "Seeds");
  head(" class=\"number\"", metric + "<br>mean ± std,<br>95 % interval");
  head(" data-plain", "Single seeds" + axis_svg(axis, id + "a"));
  head(" class=\"number\"", "Against student,<br>points, 95 % interval");
  if (has_time(table)) head(" class=\"number\"", "Training, s<br>× student");
  head("", "Verified");
  page.line("</tr></thead>");
}

std::string mean_html(const Table& table, const Row& row) {
  if (!row.mean) return kNothing;
  std::string text = fmt::format("<span class=\"mean\">{}</span>", mean_text(table.primary_metric, row));
  const bool clips = row.over_clips && row.over_clips->interval;
  if (row.interval) {
    text +=
        fmt::format("<small>{}{}</small>", clips ? "seeds " : "", interval_text(table.primary_metric, row.interval));
  }
  if (clips)
    text += fmt::format("<small>clips {}</small>", interval_text(table.primary_metric, row.over_clips->interval));
  // Where no row has one, the table says why.
  if (!clips && row.over_clips && has_clip_intervals(table)) {
    text += fmt::format("<small class=\"note\">clips: {}</small>", html_escaped(row.over_clips->why_not));
  }
  return text;
}

std::string tier_html(const Row& row) {
  std::string text = row.tier ? fmt::format("{}", *row.tier) : kNothing;
  if (row.rank) {
    text += fmt::format("<small>rank {:.1f}<br>[{:.1f}, {:.1f}]</small>", row.rank->rank, row.rank->interval.low,
                        row.rank->interval.high);
  }
  return text;
}

std::string against_student_html(const Table& table, const Row& row) {
  std::string text = difference_html(table.primary_metric, row);
  if (row.over_clips && row.over_clips->to_student) {
    // No seed of it is a pair of the student's; the clips are the same.
    if (text == kNothing) {
      text = difference_text(table.primary_metric, *row.mean - *find_student(table, row)->mean) +
             "<small>of the means, unpaired</small>";
    }
    text += fmt::format("<small>clips {}</small>",
                        interval_text(table.primary_metric, row.over_clips->to_student, IntervalOf::kDifference));
  }
  return text;
}

std::string time_html(const Row& row) {
  const auto found = row.cost.find(kTime);
  if (found == row.cost.end()) return kNothing;
  std::string text = fmt::format("{:.1f}", found->second.mean);
  if (found->second.to_student) text += fmt::format("<small>{:.2f} ×</small>", *found->second.to_student);
  return text;
}

// More than one, so that there is a section on robustness.
bool has_levels(const Leaderboard& board, const std::string& task) {
  return std::ranges::count_if(board.tables,
                               [&](const Table& table) { return table.task == task && table.level.has_value(); }) > 1;
}

struct Board {
  const Table& table;
  std::string id;
  PlotAxis axis;
  bool time = false;
};

void write_board_row(Page& page, const Board& board, std::size_t position, bool begins_tier) {
  const Table& table = board.table;
  const Row& row = table.rows[position];
  const std::string axis_id = board.id + "a";
  const auto& paired = row.to_student ? row.to_student->comparison : std::nullopt;
  page.line("<tr role=\"row\" class=\"{}{}\">", row_class(row), begins_tier ? " begins" : "");
  page.line("<th role=\"rowheader\" scope=\"row\">{}</th>", name_html(row));
  page.cell("number", "Tier", row.tier ? fmt::format("{}", *row.tier) : "", tier_html(row));
  page.cell("number", "Seeds", fmt::format("{}", row.done), count_html(row));
  page.cell("number long", metric_heading(table.primary_metric) + ", mean ± std", sort_key(row.mean),
            mean_html(table, row));
  page.cell(
      "wide", "Single seeds", "",
      row_svg(board.axis, table, row, fmt::format("{}r{}", board.id, position), axis_id) + narrow_axis_svg(axis_id) +
          fmt::format("<small>{}</small>", html_escaped(seeds_text(table.primary_metric, row))) + missing_html(row));
  page.cell("number long", "Against student", sort_key(paired ? std::optional(paired->difference) : std::nullopt),
            against_student_html(table, row));
  if (board.time) {
    const auto found = row.cost.find(kTime);
    page.cell("number", "Training, s", found == row.cost.end() ? "" : sort_key(found->second.mean), time_html(row));
  }
  page.cell("", "Verified", html_escaped(row.verified), row.verified.empty() ? kNothing : html_escaped(row.verified));
  page.line("</tr>");
}

void write_board_table(Page& page, const Table& table, const std::string& id) {
  const Board board{table, id, plot_axis(table), has_time(table)};
  page.line("{}<table role=\"table\" class=\"cards sortable\">", scroll_region(table_title(table)));
  page.line(
      "<caption>Mean ± standard deviation over the seeds; [low, high] is a 95 % Student-t interval. Plot: a dot for "
      "each seed, a bar for the mean, a band for the interval of the mean (cut at the axis’ ends){}.</caption>",
      board.axis.student ? ", dashed the student’s mean" : "");
  write_board_head(page, table, board.axis, id);
  page.line("<tbody role=\"rowgroup\">");
  std::optional<int> tier;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Row& row = table.rows[i];
    const bool begins_tier = row.tier && row.tier != tier;
    if (row.tier) tier = row.tier;
    write_board_row(page, board, i, begins_tier);
  }
  page.line("</tbody></table></div>");
}

void write_group(Page& page, const Table& table, const MetricGroup& group) {
  page.line("<details><summary>{}</summary>", group.title);
  const std::string caption = "Means over the seeds. ↓: lower is better.";
  page.line("{}<table class=\"sortable\"><caption>{}</caption>", scroll_region(group.title + ", " + table_title(table)),
            caption);
  page.line("<thead><tr><th scope=\"col\">Method</th>");
  for (const std::string& name : group.metrics) {
    page.line("<th scope=\"col\" class=\"number\">{}</th>", html_escaped(metric_heading(within_group(name))));
  }
  page.line("</tr></thead><tbody>");
  for (const Row& row : table.rows) {
    page.line("<tr class=\"{}\"><th scope=\"row\">{}</th>", row_class(row), html_escaped(row.name));
    for (const std::string& name : group.metrics) {
      const auto found = row.secondary.find(name);
      const bool there = found != row.secondary.end();
      page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", there ? sort_key(found->second.mean) : "",
                there ? average_text(name, found->second, row) : kNothing);
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div></details>");
}

void write_transfers(Page& page, const Table& table) {
  for (const Row& row : table.rows) {
    if (!row.transfer_top1) continue;
    page.line("<p>{} {}</p>", isolated_html(row.name), transfer_text(*row.transfer_top1));
  }
}

// What changes from table to table stands open; the rules, which mostly repeat, are folded.
void write_rules(Page& page, const Table& table) {
  std::vector<Fact> open;
  std::vector<Fact> folded;
  for (const Fact& fact : facts(table)) {
    (fact.name == "Clips" || fact.name == "What n allows" || fact.name == "Test clips" ? open : folded).push_back(fact);
  }
  write_facts(page, open);
  page.line("<details class=\"rules\"><summary>Rules of this table</summary>");
  write_facts(page, folded);
  page.line("</details>");
}

void write_board(Page& page, const Table& table, std::size_t position) {
  const std::string id = board_id(position);
  page.line(
      "<section class=\"board\" id=\"{0}\" aria-labelledby=\"{0}h\" {1}><h3 id=\"{0}h\">{2}<small>{3}, protocol "
      "{4}</small></h3>",
      id, board_attributes(table), html_escaped(dataset_text(table)), html_escaped(direction_text(table.direction)),
      html_escaped(table.protocol));
  write_rules(page, table);
  write_board_table(page, table, id);
  write_cut_note(page, table.primary_metric, all_rows(table));
  write_transfers(page, table);
  for (const MetricGroup& group : metric_groups(table.secondary_metrics)) write_group(page, table, group);
  page.line("</section>");
}

}  // namespace

std::string board_id(std::size_t position) { return fmt::format("t{}", position); }

void write_boards(Page& page, const Leaderboard& board) {
  std::string before;
  for (std::size_t i = 0; i < board.tables.size(); ++i) {
    const Table& table = board.tables[i];
    if (i == 0 || table.task != before) {
      if (i > 0) page.line("</section>");
      before = table.task;
      page.line("<section id=\"board{0}\" aria-labelledby=\"board{0}h\"><h2 id=\"board{0}h\">{1}</h2>", i,
                html_escaped(capitalised(words(table.task))));
      if (has_levels(board, table.task)) {
        page.line("<p class=\"quiet\">A table for each level of a sweep; Robustness reads them together.</p>");
      }
    }
    // The tables of a sweep's levels are many, and read together in the section on robustness.
    if (table.level) page.line("<details><summary>{}: the whole table</summary>", html_escaped(short_title(table)));
    write_board(page, table, i);
    if (table.level) page.line("</details>");
  }
  if (!board.tables.empty()) page.line("</section>");
}

}  // namespace cmkd::reports
