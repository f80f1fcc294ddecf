// The datasets of a task and direction read together.
#include <fmt/format.h>

#include <algorithm>

#include "html/sections.h"
#include "svg/compare.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kListedPairs = 400;

std::string estimate_html(const std::string& metric, const Estimate& estimate) {
  return fmt::format("{}<small>{}</small>", metric_text(metric, estimate.value),
                     interval_text(metric, estimate.interval));
}

std::string plain_estimate(const Estimate& estimate) {
  return fmt::format("{:.2f}<small>[{:.2f}, {:.2f}]</small>", estimate.value, estimate.interval.low,
                     estimate.interval.high);
}

void write_figure(Page& page, const std::string& head, const std::string& svg, const std::string& caption) {
  if (svg.empty()) return;
  page.line("<figure><h4>{}</h4>{}{}</div><figcaption>{}</figcaption></figure>", head, scroll_region(head), svg,
            caption);
}

void write_method_table(Page& page, const Overview& overview) {
  const std::string& metric = overview.primary_metric;
  const bool gaps = std::ranges::any_of(overview.methods,
                                        [](const OverviewMethod& method) { return method.optimality_gap.has_value(); });
  page.line(
      "{}<table class=\"sortable\"><caption>{}. {}</caption><thead><tr>"
      "<th scope=\"col\">Method</th><th scope=\"col\" class=\"number\">Mean rank</th><th scope=\"col\" "
      "class=\"number\">Interquartile mean</th>"
      "<th scope=\"col\" class=\"number\">Mean</th><th scope=\"col\" "
      "class=\"number\">Median</th>{}</tr></thead><tbody>",
      scroll_region("Methods over all datasets"), html_escaped(metric_heading(metric)),
      html_escaped(what_aggregates_are()), gaps ? "<th scope=\"col\" class=\"number\">Optimality gap ↓</th>" : "");
  for (const OverviewMethod& method : overview.methods) {
    const auto cell = [&](double sort, const std::string& text) {
      page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", sort_key(sort), text);
    };
    page.line("<tr><th scope=\"row\">{}</th>", html_escaped(method.name));
    cell(method.mean_rank.value, plain_estimate(method.mean_rank));
    cell(method.interquartile_mean.value, estimate_html(metric, method.interquartile_mean));
    cell(method.mean, metric_text(metric, method.mean));
    cell(method.median, metric_text(metric, method.median));
    if (method.optimality_gap) {
      cell(method.optimality_gap->value, estimate_html(metric, *method.optimality_gap));
    } else if (gaps) {
      page.line("<td class=\"number\" data-sort=\"\">{}</td>", kNothing);
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div>");
}

std::string equivalence_html(const std::optional<Equivalence>& equivalence) {
  if (!equivalence) return kNothing;
  return fmt::format("{:.2f} / {:.2f} / {:.2f}", equivalence->first_better, equivalence->equivalent,
                     equivalence->second_better);
}

void write_overview_pairs(Page& page, const Overview& overview) {
  if (overview.pairs.empty()) return;
  page.line(
      "<details><summary>{} pair{} over all datasets</summary>{}<table class=\"sortable\"><caption>First − second, "
      "mean over the datasets; "
      "probability that a run of the first beats one of the second; Wilcoxon’s p as it is and after Holm over all "
      "pairs; "
      "Bayesian signed ranks: first better, practically equal (within a point), second better</caption><thead><tr>",
      overview.pairs.size(), overview.pairs.size() == 1 ? "" : "s", scroll_region("Pairs over all datasets"));
  page.line(
      "<th scope=\"col\">First</th><th scope=\"col\">Second</th><th scope=\"col\" class=\"number\">Difference, "
      "points</th><th scope=\"col\" class=\"number\">Probability</th>"
      "<th scope=\"col\" class=\"number\">p</th><th scope=\"col\" class=\"number\">p, Holm</th><th scope=\"col\" "
      "class=\"number\">Better / equal / worse</th></tr></thead><tbody>");
  for (std::size_t i = 0; i < overview.pairs.size() && i < kListedPairs; ++i) {
    const OverviewPair& pair = overview.pairs[i];
    page.line(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\" data-sort=\"{}\">{}</td><td class=\"number\" "
        "data-sort=\"{}\">{}</td>"
        "<td class=\"number\" data-sort=\"{}\">{}</td><td class=\"number\" data-sort=\"{}\">{}</td><td "
        "class=\"number\">{}</td></tr>",
        html_escaped(overview.methods[pair.first].name), html_escaped(overview.methods[pair.second].name),
        sort_key(pair.mean_difference), difference_text(overview.primary_metric, pair.mean_difference),
        sort_key(pair.probability_of_improvement.value), plain_estimate(pair.probability_of_improvement),
        pair.wilcoxon ? sort_key(pair.wilcoxon->p) : "", pair.wilcoxon ? p_value_text(pair.wilcoxon->p) : kNothing,
        sort_key(pair.holm_p), pair.holm_p ? p_value_text(*pair.holm_p) : kNothing, equivalence_html(pair.equivalence));
  }
  page.line("</tbody></table></div>");
  if (overview.pairs.size() > kListedPairs)
    page.line("<p class=\"quiet\">The first {}; the JSON report has all.</p>", kListedPairs);
  page.line("</details>");
}

void write_overview(Page& page, const Overview& overview, std::size_t position) {
  const std::string id = fmt::format("o{}", position);
  page.line(
      "<section class=\"board\" aria-labelledby=\"{0}h\" data-direction=\"{1}\"><h3 id=\"{0}h\">{2}<small>{3}, "
      "protocol {4}</small></h3>",
      id, html_escaped(overview.direction), html_escaped(capitalised(words(overview.task))),
      html_escaped(direction_text(overview.direction)), html_escaped(overview.protocol));
  write_facts(page, overview_facts(overview));
  const bool several =
      overview.datasets.size() > 1;  // of one, its own table says all; why there is no test stands above
  if (several && !overview.methods.empty()) {
    write_method_table(page, overview);
    const std::vector<RankMark> marks = rank_marks(overview);
    page.line("<div class=\"grid-of-boards\">");
    write_figure(page, "Mean ranks", ranks_svg(marks, id + "r"),
                 "Over the datasets, with the interval over resampled seeds. Overlapping intervals are no order.");
    if (overview.omnibus && marks.size() >= 2) {
      write_figure(
          page, "Critical differences", critical_difference_svg(marks, overview.cliques, id + "c"),
          "A bar joins methods of which no pair differs (Wilcoxon, Holm, 0.05)." +
              (overview.critical_distance ? fmt::format(" Nemenyi’s distance: {:.2f}.", *overview.critical_distance)
                                          : ""));
    }
    write_figure(
        page, "Performance profiles",
        profile_svg(profile_lines(overview), metric_heading(overview.primary_metric), id + "f"),
        fmt::format(
            "Share of the runs above each value; under the pointer the 95 % band.{}",
            overview.methods.size() > kProfiledMethods ? fmt::format(" The {} best by rank.", kProfiledMethods) : ""));
    page.line("</div>");
  }
  if (several) write_overview_pairs(page, overview);
  page.line("</section>");
}

}  // namespace

bool has_overviews(const Leaderboard& board) { return !board.overviews.empty(); }

void write_overviews(Page& page, const Leaderboard& board) {
  if (!has_overviews(board)) return;
  page.line("<section id=\"across\" aria-labelledby=\"acrossh\"><h2 id=\"acrossh\">Across datasets</h2>");
  for (std::size_t i = 0; i < board.overviews.size(); ++i) {
    write_overview(page, board.overviews[i], i);
  }
  page.line("</section>");
}

}  // namespace cmkd::reports
