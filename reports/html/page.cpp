#include "html/page.h"

#include <algorithm>

#include "build.h"
#include "text.h"

namespace cmkd::reports {

std::string sort_key(const std::optional<double>& value) { return value ? fmt::format("{:.6f}", *value) : ""; }

// Scrolls sideways where it must, by keyboard too. A group, no region: a page has hundreds, and regions are landmarks.
std::string scroll_region(const std::string& name) {
  return fmt::format("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{}\">", html_escaped(name));
}

const char* row_class(const Row& row) {
  if (row.role == RowRole::kControl) return "control";
  if (!is_ranked(row.role)) return "bound";
  return row.partial() ? "partial" : "ranked";
}

std::string difference_html(const std::string& metric, const Row& row) {
  if (!row.to_student) return kNothing;
  std::string text = kNothing;
  if (const auto& paired = row.to_student->comparison) {
    text = difference_text(metric, paired->difference);
    if (paired->interval) {
      text += fmt::format(" <span class=\"whole\">{}</span>",
                          interval_text(metric, paired->interval, IntervalOf::kDifference));
    }
    text += fmt::format("<small>{}</small>", html_escaped(difference_facts(*paired)));
  }
  if (!row.to_student->why_not.empty()) {
    text += fmt::format("<small class=\"note\">left out: {}</small>", html_escaped(row.to_student->why_not));
  }
  return text;
}

std::string isolated_html(const std::string& name) { return "<bdi>" + html_escaped(name) + "</bdi>"; }

// U+2068 and U+2069: first strong isolate, and its end.
std::string isolated_attribute(const std::string& name) { return "&#x2068;" + html_escaped(name) + "&#x2069;"; }

std::string name_html(const Row& row) {
  std::string text = html_escaped(row.name);
  if (!role_text(row).empty()) text += fmt::format("<small>{}</small>", html_escaped(role_text(row)));
  if (!row.student_model.empty()) text += fmt::format("<small>{}</small>", html_escaped(row.student_model));
  return text;
}

std::string count_html(const Row& row) {
  std::string text = fmt::format("{} of {}", row.done, row.wanted);
  if (row.partial()) text += fmt::format("<small class=\"missing\">{}</small>", completeness_word(row));
  return text;
}

std::string interval_sort_key(const std::string& metric, const std::optional<Interval>& interval) {
  return interval ? sort_key(shown_interval(metric, *interval, IntervalOf::kMean).interval.low) : "";
}

std::string missing_html(const Row& row) {
  std::string text;
  for (const MissingSeeds& group : missing_seeds(row)) {
    text += fmt::format("<small class=\"missing\">{}: {}</small>", group.seeds, html_escaped(group.reason));
  }
  return text;
}

void write_facts(Page& page, const std::vector<Fact>& facts) {
  page.line("<dl>");
  for (const Fact& fact : facts) {
    page.line("<div><dt>{}</dt><dd>{}</dd></div>", html_escaped(fact.name), html_escaped(fact.text));
  }
  page.line("</dl>");
}

std::string board_attributes(const Table& table) {
  return fmt::format("data-dataset=\"{}\" data-direction=\"{}\"", html_escaped(table.dataset),
                     html_escaped(table.direction));
}

void write_cut_note(Page& page, const std::string& metric, const std::vector<const Row*>& rows) {
  if (std::ranges::none_of(rows, [&](const Row* row) { return shows_cut_interval(metric, *row); })) return;
  page.line("<p class=\"quiet\">{}</p>", html_escaped(cut_note()));
}

void write_missing_seeds(Page& page, const std::vector<const Row*>& rows) {
  if (std::ranges::none_of(rows, &Row::partial)) return;
  page.line("<h4>Missing</h4><ul>");
  for (const Row* row : rows) {
    for (const MissingSeeds& group : missing_seeds(*row)) {
      page.line("<li>{}, {}: <span class=\"missing\">{}</span></li>", isolated_html(row->name), group.seeds,
                html_escaped(group.reason));
    }
  }
  page.line("</ul>");
}

}  // namespace cmkd::reports
