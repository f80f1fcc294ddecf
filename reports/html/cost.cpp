// Accuracy against cost, and what was measured.
#include <fmt/format.h>

#include <algorithm>

#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

namespace {

void write_cost_table(Page& page, const Table& table, const std::vector<std::string>& names) {
  page.line("<details><summary>All that was measured</summary>{}<table class=\"sortable\">",
            scroll_region("Measured cost, " + table_title(table)));
  page.line("<caption>Means over the seeds, of the machine that ran them: not reproducible.</caption>");
  page.line("<thead><tr><th scope=\"col\">Method</th>");
  for (const std::string& name : names)
    page.line("<th scope=\"col\" class=\"number\">{}</th>", html_escaped(cost_heading(name)));
  page.line("</tr></thead><tbody>");
  for (const Row& row : table.rows) {
    page.line("<tr class=\"{}\"><th scope=\"row\">{}</th>", row_class(row), html_escaped(row.name));
    for (const std::string& name : names) {
      const auto found = row.cost.find(name);
      const bool there = found != row.cost.end();
      page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", there ? sort_key(found->second.mean) : "",
                there ? cost_text(name, found->second) : kNothing);
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div></details>");
}

void write_cost_of(Page& page, const Table& table, std::size_t position) {
  const std::vector<std::string> names = cost_names(table);
  if (names.empty()) return;
  page.line("<section class=\"board\" {}><h3>{}</h3>", board_attributes(table), html_escaped(short_title(table)));
  // Time decides for most; a table without it shows the first cost that it has.
  const std::string& shown = names.front();
  const std::string svg = cost_svg(table, shown, fmt::format("c{}", position));
  if (svg.empty()) {
    page.line("<p class=\"quiet\">No picture: fewer than two rows have both a result and a measured cost.</p>");
  } else {
    page.line("<figure>{}{}</div></figure>", scroll_region("Accuracy against cost, " + table_title(table)), svg);
  }
  write_cost_table(page, table, names);
  page.line("</section>");
}

}  // namespace

bool has_costs(const Leaderboard& board) {
  return std::ranges::any_of(board.tables, [](const Table& table) { return !cost_names(table).empty(); });
}

void write_costs(Page& page, const Leaderboard& board) {
  if (!has_costs(board)) return;
  page.line("<section id=\"cost\" aria-labelledby=\"costh\"><h2 id=\"costh\">Accuracy against cost</h2>");
  page.line(
      "<p class=\"quiet\">The line is the Pareto front: complete methods that no other beats in both. Diamonds are no "
      "methods: "
      "bounds and controls.</p><div class=\"grid-of-boards\">");
  for (std::size_t i = 0; i < board.tables.size(); ++i) write_cost_of(page, board.tables[i], i);
  page.line("</div></section>");
}

}  // namespace cmkd::reports
