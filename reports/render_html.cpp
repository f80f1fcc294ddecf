// One HTML file that loads nothing: readable without scripts, sortable and filterable with them.
#include <fmt/format.h>

#include <set>

#include "build.h"
#include "html_page.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

void write_main_head(Page& page, const Table& table, const PlotAxis& axis, const std::string& id) {
  const std::string metric = html_escaped(metric_heading(table.primary_metric));
  page.line("<thead role=\"rowgroup\"><tr role=\"row\">");
  page.line("<th role=\"columnheader\" scope=\"col\">Method</th>");
  page.line("<th role=\"columnheader\" scope=\"col\" class=\"number\">Tier</th>");
  page.line("<th role=\"columnheader\" scope=\"col\" class=\"number\">Seeds</th>");
  page.line("<th role=\"columnheader\" scope=\"col\" class=\"number\">{}<br>mean ± std</th>", metric);
  page.line("<th role=\"columnheader\" scope=\"col\" class=\"number\">95 % interval<br>of the mean</th>");
  page.line("<th role=\"columnheader\" scope=\"col\" data-plain>Single seeds{}</th>", axis_svg(axis, id + "a"));
  page.line("<th role=\"columnheader\" scope=\"col\" class=\"number\">Against student,<br>points, 95 % interval</th>");
  page.line("<th role=\"columnheader\" scope=\"col\">Verified</th>");
  page.line("</tr></thead>");
}

void write_main_row(Page& page, const Table& table, const Row& row, const PlotAxis& axis, const std::string& id,
                    const std::string& axis_id, bool begins_tier) {
  const auto& paired = row.to_student ? row.to_student->comparison : std::nullopt;
  page.line("<tr role=\"row\" class=\"{}{}\">", row_class(row), begins_tier ? " begins" : "");
  page.line("<th role=\"rowheader\" scope=\"row\">{}</th>", name_html(row));
  page.cell("number", "Tier", row.tier ? fmt::format("{}", *row.tier) : "",
            row.tier ? fmt::format("{}", *row.tier) : kNothing);
  page.cell("number", "Seeds", fmt::format("{}", row.done), count_html(row));
  page.cell("number", metric_heading(table.primary_metric) + ", mean ± std", sort_key(row.mean),
            mean_text(table.primary_metric, row));
  page.cell("number", "95 % interval of the mean", interval_sort_key(table.primary_metric, row.interval),
            interval_text(table.primary_metric, row.interval));
  page.cell("wide", "Single seeds", "",
            row_svg(axis, table, row, id, axis_id) + narrow_axis_svg(axis_id) +
                fmt::format("<small>{}</small>", html_escaped(seeds_text(table.primary_metric, row))));
  page.cell("number", "Against student", sort_key(paired ? std::optional(paired->difference) : std::nullopt),
            difference_html(table.primary_metric, row));
  page.line("<td role=\"cell\" data-label=\"Verified\">{}</td>", html_escaped(row.verified));
  page.line("</tr>");
}

void write_main_table_html(Page& page, const Table& table, const std::string& id) {
  const PlotAxis axis = plot_axis(table);
  page.line("{}<table role=\"table\" class=\"cards sortable\">", scroll_region(table_title(table)));
  page.line(
      "<caption>Mean ± standard deviation over the seeds; [low, high] is a 95 % Student-t interval. Plot: a dot for "
      "each seed, a bar for the mean, a band for the interval of the mean (cut at the axis' ends){}.</caption>",
      axis.student ? ", dashed the student's mean" : "");
  write_main_head(page, table, axis, id);
  page.line("<tbody role=\"rowgroup\">");
  std::optional<int> tier;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Row& row = table.rows[i];
    const bool begins_tier = row.tier && row.tier != tier;
    if (row.tier) tier = row.tier;
    write_main_row(page, table, row, axis, fmt::format("{}r{}", id, i), id + "a", begins_tier);
  }
  page.line("</tbody></table></div>");
}

// A table of means: one column for each name.
template <typename Heading, typename Values, typename Text>
void write_means(Page& page, const Table& table, const std::string& caption, const std::vector<std::string>& names,
                 Heading heading, Values values, Text text) {
  if (names.empty()) return;
  page.line("{}<table class=\"sortable\"><caption>{}</caption>", scroll_region(caption), html_escaped(caption));
  page.line("<thead><tr><th scope=\"col\">Method</th>");
  for (const std::string& name : names) {
    page.line("<th scope=\"col\" class=\"number\">{}</th>", html_escaped(heading(name)));
  }
  page.line("</tr></thead><tbody>");
  for (const Row& row : table.rows) {
    page.line("<tr class=\"{}\"><th scope=\"row\">{}</th>", row_class(row), html_escaped(row.name));
    for (const std::string& name : names) {
      const auto found = values(row).find(name);
      const bool there = found != values(row).end();
      page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", there ? sort_key(found->second.mean) : "",
                there ? text(name, found->second, row) : kNothing);
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div>");
}

void write_facts_html(Page& page, const Table& table) {
  page.line("<dl>");
  for (const Fact& fact : facts(table)) {
    page.line("<div><dt>{}</dt><dd>{}</dd></div>", fact.name, html_escaped(fact.text));
  }
  page.line("</dl>");
}

void write_transfer_html(Page& page, const Table& table) {
  for (const Row& row : table.rows) {
    if (!row.transfer_top1) continue;
    page.line("<p>{} {}</p>", html_escaped(row.name), transfer_text(*row.transfer_top1));
  }
}

void write_details(Page& page, const Table& table) {
  page.line("<details><summary>To repeat a row</summary>{}<table>", scroll_region("To repeat a row"));
  page.line(
      "<caption>Each command runs all seeds of its row</caption><thead><tr><th scope=\"col\">Method</th>"
      "<th scope=\"col\">Command</th></tr></thead><tbody>");
  for (const Row& row : table.rows) {
    page.line("<tr><th scope=\"row\">{}</th><td><code>{}</code></td></tr>", html_escaped(row.name),
              html_escaped(row.rerun_command));
  }
  page.line("</tbody></table></div></details>");
  for (const ExclusionList& list : table.exclusions) {
    if (list.clips.empty()) continue;
    page.line("<details><summary>{} clip{} left out of {}</summary>{}<table>", list.clips.size(),
              list.clips.size() == 1 ? "" : "s", html_escaped(list.dataset),
              scroll_region("Clips left out of " + list.dataset));
    page.line(
        "<caption>Clips that no method saw, and why</caption><thead><tr><th scope=\"col\">Clip</th>"
        "<th scope=\"col\">Split</th><th scope=\"col\">Reason</th></tr></thead><tbody>");
    for (const auto& clip : list.clips) {
      page.line("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>", html_escaped(clip.clip_id),
                html_escaped(clip.split), html_escaped(clip.reason));
    }
    page.line("</tbody></table></div></details>");
  }
}

void write_table(Page& page, const Table& table, std::size_t position) {
  const std::string id = fmt::format("t{}", position);
  page.line("<section aria-labelledby=\"{}h\"><h2 id=\"{}h\">{}</h2>", id, id, html_escaped(table_title(table)));
  write_facts_html(page, table);
  write_main_table_html(page, table, id);
  write_cut_note(page, table.primary_metric, all_rows(table));
  write_transfer_html(page, table);
  write_missing_seeds(page, all_rows(table));
  for (const MetricGroup& group : metric_groups(table.secondary_metrics)) {
    page.line("<h3>{}</h3>", group.title);
    write_means(
        page, table, "Means over the seeds. ↓: lower is better.", group.metrics,
        [](const std::string& name) { return metric_heading(within_group(name)); },
        [](const Row& row) -> const std::map<std::string, Average>& { return row.secondary; }, average_text);
  }
  const std::vector<std::string> costs = cost_names(table);
  if (!costs.empty()) page.line("<h3>Measured cost</h3>");
  write_means(
      page, table, "Means over the seeds, of the machine that ran them: not reproducible.", costs, cost_heading,
      [](const Row& row) -> const std::map<std::string, Average>& { return row.cost; },
      [](const std::string& name, const Average& average, const Row&) { return cost_text(name, average); });
  write_details(page, table);
  page.line("</section>");
}

// The tables of its levels are folded under it.
void write_sweep_section(Page& page, const Leaderboard& board, const Sweep& sweep) {
  const std::string id = fmt::format("s{}", sweep.tables.front());
  page.line("<section aria-labelledby=\"{}h\">", id);
  write_sweep(page, sweep, id);
  for (const std::size_t position : sweep.tables) {
    const Table& table = board.tables[position];
    page.line("<details><summary>{}: the whole table</summary>", html_escaped(table.condition));
    write_table(page, table, position);
    page.line("</details>");
  }
  page.line("</section>");
}

void write_tuning_html(Page& page, const Tuning& tuning) {
  page.line("<section aria-labelledby=\"tuning\"><h2 id=\"tuning\">Tuning</h2><ul>");
  for (const std::string& line : tuning_facts(tuning)) page.line("<li>{}</li>", html_escaped(line));
  page.line("</ul>{}<table>", scroll_region("Tuning"));
  page.line(
      "<caption>Winner of each method, and the expected best of its first k trials</caption><thead><tr>"
      "<th scope=\"col\">Method</th><th scope=\"col\">Winner</th><th scope=\"col\">Validation</th>");
  const std::vector<std::int64_t> shown = shown_budgets(tuning.trials);
  for (const std::int64_t k : shown) page.line("<th scope=\"col\">best of {}</th>", k);
  page.line("<th scope=\"col\">Values of the winner</th></tr></thead><tbody>");
  for (const TunedMethod& method : tuning.methods) {
    page.line("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>", html_escaped(method.name), winner_text(method),
              winner_value(tuning, method));
    for (const std::int64_t k : shown) page.line("<td>{}</td>", best_of_text(tuning, method, k));
    page.line("<td>{}</td></tr>", html_escaped(method.winning_values));
  }
  page.line("</tbody></table></div></section>");
}

void write_provenance_html(Page& page, const Provenance& provenance) {
  const std::vector<std::string> lines = provenance_lines(provenance);
  if (lines.empty()) return;
  page.line("<section{}>", provenance.is_mixed() ? " class=\"warning\" role=\"note\"" : " class=\"made\"");
  for (const std::string& line : lines) page.line("<p>{}</p>", html_escaped(line));
  page.line("</section>");
}

void write_page_head(Page& page, const std::string& title) {
  page.line("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
  page.line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
  // The page asks for nothing, and could not if it did.
  page.line(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'\">");
  page.line("<title>{}</title>\n<style>", title);
  page.raw(style_sheet());
  page.line("</style>\n</head>\n<body>\n<header><h1>{}</h1>", title);
  page.line(
      "<div class=\"tools\" hidden><label>Filter <input id=\"filter\" type=\"search\" autocomplete=\"off\"></label>"
      "<output id=\"found\" for=\"filter\" class=\"quiet\"></output><button id=\"theme\" type=\"button\" "
      "aria-label=\"Switch between light and dark\"></button></div></header>\n<main>");
}

}  // namespace

std::string render_html(const Leaderboard& board) {
  Page page;
  write_page_head(page, board.title.empty() ? "Leaderboard without rows" : html_escaped(board.title));
  write_provenance_html(page, board.provenance);
  std::set<std::size_t> in_sweeps;
  for (const Sweep& sweep : sweeps_of(board)) {
    write_sweep_section(page, board, sweep);
    in_sweeps.insert(sweep.tables.begin(), sweep.tables.end());
  }
  for (std::size_t i = 0; i < board.tables.size(); ++i) {
    if (!in_sweeps.contains(i)) write_table(page, board.tables[i], i);
  }
  if (board.tuning) write_tuning_html(page, *board.tuning);
  page.line("<section><h2>How to read this</h2><ul>");
  for (const std::string& line : how_to_read()) page.line("<li>{}</li>", html_escaped(line));
  page.line("</ul></section>\n</main>\n<script>");
  page.raw(script());
  page.line("</script>\n</body>\n</html>");
  return page.take();
}

}  // namespace cmkd::reports
