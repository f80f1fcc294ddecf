// Every complete method of a table against every other.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "html/sections.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kMatrixMethods = 30;  // of more, those that stand highest
constexpr std::size_t kPairsInPage = 400;
constexpr double kPairLevel = 0.05;

struct PairCell {
  const RowPair* pair = nullptr;
  double sign = 1;  // −1: read from the other side

  [[nodiscard]] double difference() const { return sign * pair->seeds->difference; }
  [[nodiscard]] double probability() const {
    return sign > 0 ? pair->probability_of_improvement : 1 - pair->probability_of_improvement;
  }
};

using PairMap = std::map<std::pair<std::string, std::string>, PairCell>;

PairMap cells_of(const Table& table) {
  PairMap cells;
  for (const RowPair& pair : table.pairs) {
    if (!pair.seeds) continue;
    cells[{pair.better, pair.other}] = {&pair, 1};
    cells[{pair.other, pair.better}] = {&pair, -1};
  }
  return cells;
}

std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const Row& row : table.rows) {
    const bool paired = std::ranges::any_of(
        table.pairs, [&](const RowPair& pair) { return pair.better == row.name || pair.other == row.name; });
    if (paired && names.size() < kMatrixMethods) names.push_back(row.name);
  }
  return names;
}

// One seed that is higher than another says nothing of how often it is.
bool says_how_sure(const RowPair& pair) { return pair.seeds->n >= 2; }

std::string pair_words(const std::string& metric, const RowPair& pair) {
  std::string text = fmt::format("{} − {}: {}", isolated_attribute(pair.better), isolated_attribute(pair.other),
                                 difference_text(metric, pair.seeds->difference));
  if (pair.seeds->interval) text += " " + interval_text(metric, pair.seeds->interval, IntervalOf::kDifference);
  text += html_escaped(fmt::format(", {}", difference_facts(*pair.seeds)));
  if (pair.holm_p) text += html_escaped(fmt::format(", after Holm {}", p_value_text(*pair.holm_p)));
  if (says_how_sure(pair)) text += fmt::format(", probability of improvement {:.2f}", pair.probability_of_improvement);
  return text;
}

void write_pair_cell(Page& page, const std::string& metric, const PairCell& cell) {
  const double lean = says_how_sure(*cell.pair) ? 2 * cell.probability() - 1 : 0;
  const bool differs = cell.pair->holm_p && *cell.pair->holm_p < kPairLevel;
  page.line("<td class=\"{}{}\" style=\"--share:{:.2f}\" title=\"{}\">{}</td>", lean >= 0 ? "wins" : "loses",
            differs ? " differs" : "", std::abs(lean), pair_words(metric, *cell.pair),
            difference_text(metric, cell.difference()));
}

void write_pair_matrix(Page& page, const Table& table) {
  const std::vector<std::string> names = names_of(table);
  const PairMap cells = cells_of(table);
  page.line(
      "{}<table class=\"matrix pairs\"><caption>Row minus column, {}. The deeper the shade, the surer a seed of the "
      "one beats a seed of the "
      "other (one seed of each: no shade); underlined where p &lt; 0.05 after Holm.{}</caption><thead><tr><td></td>",
      scroll_region("Pairs, " + table_title(table)), html_escaped(metric_heading(table.primary_metric)),
      names.size() == kMatrixMethods ? fmt::format(" The {} that stand highest.", kMatrixMethods) : "");
  for (const std::string& name : names) page.line("<th scope=\"col\"><span>{}</span></th>", html_escaped(name));
  page.line("</tr></thead><tbody>");
  for (const std::string& row : names) {
    page.line("<tr><th scope=\"row\">{}</th>", html_escaped(row));
    for (const std::string& column : names) {
      const auto found = cells.find({row, column});
      if (found != cells.end()) {
        write_pair_cell(page, table.primary_metric, found->second);
      } else {
        page.line("<td class=\"none\">{}</td>", row == column ? "" : kNothing);
      }
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div>");
}

void write_pair_list(Page& page, const Table& table) {
  const std::string& metric = table.primary_metric;
  page.line(
      "<details><summary>{} pair{} in numbers</summary>{}<table class=\"sortable\"><caption>First − second over the "
      "seeds that both have; exact sign-flip p, "
      "as it is and after Holm over these pairs; probability that a seed of the first beats one of the "
      "second</caption><thead><tr>",
      table.pairs.size(), table.pairs.size() == 1 ? "" : "s", scroll_region("Pairs in numbers, " + table_title(table)));
  page.line(
      "<th scope=\"col\">First</th><th scope=\"col\">Second</th><th scope=\"col\" "
      "class=\"number\">Difference,<br>points</th><th scope=\"col\" class=\"number\">95 % interval,<br>over seeds</th>"
      "<th scope=\"col\" class=\"number\">over<br>test clips</th><th scope=\"col\" class=\"number\">n</th><th "
      "scope=\"col\" class=\"number\">p</th><th scope=\"col\" class=\"number\">p, Holm</th>"
      "<th scope=\"col\" class=\"number\">Probability of<br>improvement</th></tr></thead><tbody>");
  for (std::size_t i = 0; i < table.pairs.size() && i < kPairsInPage; ++i) {
    const RowPair& pair = table.pairs[i];
    page.line("<tr><th scope=\"row\">{}</th><td>{}</td>", html_escaped(pair.better), html_escaped(pair.other));
    if (!pair.seeds) {
      page.line("<td colspan=\"7\" class=\"missing\">{}</td></tr>", html_escaped(pair.why_not));
      continue;
    }
    const auto cell = [&](const std::string& sort, const std::string& text) {
      page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", sort, text);
    };
    cell(sort_key(pair.seeds->difference), difference_text(metric, pair.seeds->difference));
    cell(pair.seeds->interval ? sort_key(pair.seeds->interval->low) : "",
         interval_text(metric, pair.seeds->interval, IntervalOf::kDifference));
    cell(pair.over_clips ? sort_key(pair.over_clips->low) : "",
         interval_text(metric, pair.over_clips, IntervalOf::kDifference));
    cell(fmt::format("{}", pair.seeds->n), fmt::format("{}", pair.seeds->n));
    cell(sort_key(pair.seeds->sign_flip_p),
         pair.seeds->n < 2 ? std::string(kNothing) : p_value_text(pair.seeds->sign_flip_p));
    cell(sort_key(pair.holm_p), pair.holm_p ? p_value_text(*pair.holm_p) : kNothing);
    const bool sure = says_how_sure(pair);
    cell(sure ? sort_key(pair.probability_of_improvement) : "",
         sure ? fmt::format("{:.2f}<small>[{:.2f}, {:.2f}]</small>", pair.probability_of_improvement,
                            pair.probability_interval.low, pair.probability_interval.high)
              : std::string(kNothing));
    page.line("</tr>");
  }
  page.line("</tbody></table></div>");
  if (table.pairs.size() > kPairsInPage)
    page.line("<p class=\"quiet\">The first {}; the JSON report has all.</p>", kPairsInPage);
  page.line("</details>");
}

}  // namespace

bool has_pairs(const Leaderboard& board) {
  return std::ranges::any_of(board.tables, [](const Table& table) { return !table.pairs.empty(); });
}

void write_pairs(Page& page, const Leaderboard& board) {
  if (!has_pairs(board)) return;
  page.line("<section id=\"pairs\" aria-labelledby=\"pairsh\"><h2 id=\"pairsh\">Pair by pair</h2><div class=\"flow\">");
  for (const Table& table : board.tables) {
    if (table.pairs.empty()) continue;
    page.line("<section class=\"board\" {}><h3>{}</h3>", board_attributes(table), html_escaped(short_title(table)));
    write_pair_matrix(page, table);
    write_pair_list(page, table);
    page.line("</section>");
  }
  page.line("</div></section>");
}

}  // namespace cmkd::reports
