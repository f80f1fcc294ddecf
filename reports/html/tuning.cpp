#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

void write_tuning(Page& page, const Tuning& tuning) {
  page.line("<section id=\"tuning\" aria-labelledby=\"tuningh\"><h2 id=\"tuningh\">Tuning</h2><ul>");
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

}  // namespace cmkd::reports
