#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

namespace {

void write_plot(Page& page, const Sweep& sweep, const std::string& id) {
  const std::string svg = sweep_svg(sweep, id + "p");
  if (svg.empty()) return;
  page.line("<figure>{}{}</div>", scroll_region("Plot of the sweep"), svg);
  page.line(
      "<figcaption>Means over the seeds, a line for each row; grey and dashed what is not a method. Under the pointer: "
      "the line's 95 % interval, cut at the frame.</figcaption></figure>");
}

void write_sweep_head_html(Page& page, const Sweep& sweep) {
  page.line("<thead><tr><th scope=\"col\">Method</th>");
  for (std::size_t i = 0; i < sweep.levels.size(); ++i) {
    page.line("<th scope=\"col\" class=\"number\">{}{}</th>", i == 0 ? html_escaped(sweep.setting) + "<br>" : "",
              level_text(sweep.levels[i]));
  }
  for (const char* name : {"Area<br>mean ± std", "95 % interval<br>of the area", "Seeds",
                           "Area against student,<br>points, 95 % interval"}) {
    page.line("<th scope=\"col\" class=\"number\">{}</th>", name);
  }
  page.line("</tr></thead>");
}

void number_cell(Page& page, const std::optional<double>& sort, const std::string& content) {
  page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", sort_key(sort), content);
}

void write_row(Page& page, const Sweep& sweep, const SweepRow& row) {
  const std::string& metric = sweep.primary_metric;
  const auto& paired = row.area.to_student ? row.area.to_student->comparison : std::nullopt;
  page.line("<tr class=\"{}\"><th scope=\"row\">{}</th>", row_class(row.area), name_html(row.area));
  for (std::size_t i = 0; i < sweep.levels.size(); ++i) {
    number_cell(page, row.points[i].mean, point_text(sweep, row, i));
  }
  number_cell(page, row.area.mean, mean_text(metric, row.area));
  page.line("<td class=\"number\" data-sort=\"{}\">{}</td>", interval_sort_key(metric, row.area.interval),
            interval_text(metric, row.area.interval));
  number_cell(page, static_cast<double>(row.area.done), count_html(row.area));
  number_cell(page, paired ? std::optional(paired->difference) : std::nullopt, difference_html(metric, row.area));
  page.line("</tr>");
}

void write_sweep_rows_html(Page& page, const Sweep& sweep) {
  page.line(
      "{}<table class=\"sortable\"><caption>{} at each {}, mean ± std over the seeds, and the area under it"
      "</caption>",
      scroll_region("Table of the sweep"), html_escaped(metric_heading(sweep.primary_metric)),
      html_escaped(sweep.setting));
  write_sweep_head_html(page, sweep);
  page.line("<tbody>");
  for (const SweepRow& row : sweep.rows) write_row(page, sweep, row);
  page.line("</tbody></table></div>");
}

void write_evidence_html(Page& page, const Sweep& sweep) {
  if (sweep.evidence.empty()) return;
  page.line("<h4>Did it notice the damage?</h4><p>{}</p>", html_escaped(what_evidence_means()));
  page.line("{}<table class=\"sortable narrow\"><caption>Mean ± std over the seeds</caption>",
            scroll_region("Evidence of the damage"));
  page.line("<thead><tr><th scope=\"col\">{}</th>", html_escaped(sweep.setting));
  for (const SweepEvidence& one : sweep.evidence) {
    page.line("<th scope=\"col\" class=\"number\">{}<br>{}</th>", html_escaped(one.name),
              html_escaped(metric_heading(one.metric)));
  }
  page.line("</tr></thead><tbody>");
  for (std::size_t i = 0; i < sweep.levels.size(); ++i) {
    page.line("<tr><th scope=\"row\">{}</th>", level_text(sweep.levels[i]));
    for (const SweepEvidence& one : sweep.evidence) {
      number_cell(page, one.points[i] ? std::optional(one.points[i]->mean) : std::nullopt, evidence_text(one, i));
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div>");
}

void write_sweep(Page& page, const Sweep& sweep, const std::string& id) {
  page.line(
      "<section class=\"board\" aria-labelledby=\"{0}h\" data-dataset=\"{1}\" data-direction=\"{2}\"><h3 "
      "id=\"{0}h\">{3}</h3>",
      id, html_escaped(sweep.dataset), html_escaped(sweep.direction), html_escaped(sweep_title(sweep)));
  write_facts(page, sweep_facts(sweep));
  write_plot(page, sweep, id);
  write_sweep_rows_html(page, sweep);
  std::vector<const Row*> areas;
  for (const SweepRow& row : sweep.rows) areas.push_back(&row.area);
  write_cut_note(page, sweep.primary_metric, areas);
  write_missing_seeds(page, areas);
  write_evidence_html(page, sweep);
  page.line("</section>");
}

}  // namespace

void write_sweeps(Page& page, const std::vector<Sweep>& sweeps) {
  if (sweeps.empty()) return;
  page.line("<section id=\"sweeps\" aria-labelledby=\"sweepsh\"><h2 id=\"sweepsh\">Robustness</h2>");
  for (const Sweep& sweep : sweeps) write_sweep(page, sweep, fmt::format("s{}", sweep.tables.front()));
  page.line("</section>");
}

}  // namespace cmkd::reports
