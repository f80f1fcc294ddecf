// Pairs of methods, and the data sets read together.
#include <algorithm>

#include "markdown.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

// A page that is read, not searched: beyond ten methods the pairs are left to the other formats.
constexpr std::size_t kMostPairsInMarkdown = 45;

// Under a heading that says p: "0.0625", "< 0.0001".
std::string p_cell(const std::optional<double>& p) { return p ? markdown_escaped(p_value_text(*p)) : kNothing; }

std::string pair_difference(const std::string& metric, const RowPair& pair) {
  std::string text = kNothing;
  if (pair.seeds) {
    text = difference_text(metric, pair.seeds->difference);
    if (pair.seeds->interval) {
      text.append(" ").append(interval_text(metric, pair.seeds->interval, IntervalOf::kDifference));
    }
  }
  if (!pair.why_not.empty()) text += "; left out: " + markdown_escaped(pair.why_not);
  return text;
}

std::vector<std::string> pair_cells(const std::string& metric, const RowPair& pair) {
  const bool tested = pair.seeds && pair.seeds->n >= 2;
  return {markdown_escaped(pair.better),
          markdown_escaped(pair.other),
          pair_difference(metric, pair),
          interval_text(metric, pair.over_clips, IntervalOf::kDifference),
          pair.seeds ? fmt::format("{}", pair.seeds->n) : "0",
          p_cell(tested ? std::optional(pair.seeds->sign_flip_p) : std::nullopt),
          p_cell(pair.holm_p),
          share_text(pair.probability_of_improvement, pair.probability_interval),
          pair.seeds ? effect_text(pair.seeds->cohen_dz) : kNothing,
          pair.seeds ? effect_text(pair.seeds->cliff_delta) : kNothing,
          equivalence_text(pair.equivalence)};
}

void write_overview_methods(MarkdownDocument& out, const Overview& overview) {
  out.head({"Method", "Mean rank", "IQM", "Mean", "Median", "Optimality gap"}, 1);
  for (const OverviewMethod& method : overview.methods) {
    const std::string& metric = overview.primary_metric;
    out.row({markdown_escaped(method.name), rank_text(method.mean_rank.value, method.mean_rank.interval),
             estimate_text(metric, method.interquartile_mean), metric_text(metric, method.mean),
             metric_text(metric, method.median),
             method.optimality_gap ? estimate_text(metric, *method.optimality_gap) : kNothing});
  }
  out.blank();
  out.line("{}", markdown_escaped(what_aggregates_are()));
  out.blank();
}

void write_overview_pairs(MarkdownDocument& out, const Overview& overview) {
  if (overview.datasets.size() < 2 || overview.pairs.empty() || overview.pairs.size() > kMostPairsInMarkdown) return;
  out.head(
      {"First", "Second", "Mean difference", "P(first > second)", "Wilcoxon p", "p (Holm)", "first / equal / second"},
      2);
  for (const OverviewPair& pair : overview.pairs) {
    out.row({markdown_escaped(overview.methods[pair.first].name), markdown_escaped(overview.methods[pair.second].name),
             difference_text(overview.primary_metric, pair.mean_difference),
             share_text(pair.probability_of_improvement.value, pair.probability_of_improvement.interval),
             p_cell(pair.wilcoxon ? std::optional(pair.wilcoxon->p) : std::nullopt), p_cell(pair.holm_p),
             equivalence_text(pair.equivalence)});
  }
  out.blank();
}

}  // namespace

void write_pairs(MarkdownDocument& out, const Table& table) {
  if (table.pairs.empty()) return;
  out.line("### Pairs of methods");
  out.blank();
  if (table.pairs.size() > kMostPairsInMarkdown) {
    out.line("{} pairs: they stand in the HTML and JSON reports.", table.pairs.size());
    out.blank();
    return;
  }
  out.head({"Higher", "Lower", "Difference (95 %, seeds)", "95 %, test clips", "n", "p", "p (Holm)", "P(higher wins)",
            "d_z", "Cliff's δ", "higher / equal / lower"},
           2);
  for (const RowPair& pair : table.pairs) out.row(pair_cells(table.primary_metric, pair));
  out.blank();
}

void write_overview(MarkdownDocument& out, const Overview& overview) {
  out.line("## {}", markdown_escaped(overview_title(overview)));
  out.blank();
  for (const Fact& fact : overview_facts(overview)) out.line("- **{}:** {}", fact.name, markdown_escaped(fact.text));
  out.blank();
  if (overview.methods.empty()) return;
  write_overview_methods(out, overview);
  write_overview_pairs(out, overview);
}

}  // namespace cmkd::reports
