#include "markdown.h"
#include "text.h"

namespace cmkd::reports {

namespace {

void write_sweep_facts_markdown(MarkdownDocument& out, const Sweep& sweep) {
  for (const Fact& fact : sweep_facts(sweep)) out.line("- **{}:** {}", fact.name, markdown_escaped(fact.text));
  out.blank();
}

void write_sweep_rows_markdown(MarkdownDocument& out, const Sweep& sweep) {
  const std::string& metric = sweep.primary_metric;
  std::vector<std::string> head{"Method", "Role"};
  for (const double level : sweep.levels) head.push_back(level_text(level));
  for (const char* name : {"area (mean ± std)", "95 % interval", "n", "area against student (95 % interval)"}) {
    head.emplace_back(name);
  }
  out.head(head, 2);
  for (const SweepRow& row : sweep.rows) {
    std::vector<std::string> cells{markdown_escaped(row.area.name), markdown_escaped(role_text(row.area))};
    for (std::size_t i = 0; i < sweep.levels.size(); ++i) cells.push_back(point_text(sweep, row, i));
    cells.push_back(mean_text(metric, row.area));
    cells.push_back(interval_text(metric, row.area.interval));
    cells.push_back(fmt::format("{} of {}", row.area.done, row.area.wanted));
    cells.push_back(markdown_difference(metric, row.area));
    out.row(cells);
  }
  out.blank();
}

void write_evidence_markdown(MarkdownDocument& out, const Sweep& sweep) {
  if (sweep.evidence.empty()) return;
  out.line("### Did it notice the damage?");
  out.blank();
  out.line("{}", markdown_escaped(what_evidence_means()));
  out.blank();
  std::vector<std::string> head{markdown_escaped(sweep.setting)};
  for (const SweepEvidence& one : sweep.evidence) {
    head.push_back(markdown_escaped(fmt::format("{}: {}", one.name, metric_heading(one.metric))));
  }
  out.head(head, 0);
  for (std::size_t i = 0; i < sweep.levels.size(); ++i) {
    std::vector<std::string> cells{level_text(sweep.levels[i])};
    for (const SweepEvidence& one : sweep.evidence) cells.push_back(evidence_text(one, i));
    out.row(cells);
  }
  out.blank();
}

}  // namespace

void write_sweep(MarkdownDocument& out, const Sweep& sweep) {
  out.line("## {}", markdown_escaped(sweep_title(sweep)));
  out.blank();
  write_sweep_facts_markdown(out, sweep);
  write_sweep_rows_markdown(out, sweep);
  std::vector<const Row*> areas;
  for (const SweepRow& row : sweep.rows) areas.push_back(&row.area);
  write_cut_note(out, sweep.primary_metric, areas);
  write_missing_seeds(out, areas);
  write_evidence_markdown(out, sweep);
}

}  // namespace cmkd::reports
