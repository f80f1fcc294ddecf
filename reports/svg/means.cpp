// A table as one picture: each row's seeds, mean and interval.
#include <fmt/format.h>

#include <algorithm>

#include "svg/chart.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr double kMeanLine = 22;
constexpr std::size_t kMeanName = 28;
constexpr std::size_t kMeanRows = 60;

}  // namespace

std::string means_svg(const Table& table, const std::string& id) {
  const std::string& metric = table.primary_metric;
  std::vector<const Row*> rows;
  std::vector<double> values;
  double names = 0;
  for (const Row& row : table.rows) {
    if (!row.mean || rows.size() == kMeanRows) continue;
    rows.push_back(&row);
    names = std::max(names, text_width(shortened(row.name, kMeanName)));
    for (const SeedResult& seed : row.seeds) {
      if (seed.value) values.push_back(shown_value(metric, *seed.value));
    }
    // That of two seeds is 13 standard errors wide on each side.
    if (row.interval && row.done > 2) {
      const Interval shown = shown_interval(metric, *row.interval, IntervalOf::kMean).interval;
      values.insert(values.end(), {shown_value(metric, shown.low), shown_value(metric, shown.high)});
    }
  }
  if (rows.empty()) return "";
  Chart chart;
  chart.width = 680;
  chart.left = std::min(240.0, names + 16);
  chart.top = 6;
  chart.bottom = 44;
  chart.height = chart.top + chart.bottom + kMeanLine * static_cast<double>(rows.size());
  chart.x = linear_axis(metric_heading(metric), values);
  std::string svg = open_chart(
      chart, {id, fmt::format("{}, {}", short_title(table), metric_heading(metric)),
              "Of each row a dot for each seed, a line for the mean, a band for the mean's 95 % Student-t interval."});
  for (const double tick : chart.x.ticks) {
    svg += svg_line("grid", chart.px(tick), chart.top, chart.px(tick), chart.height - chart.bottom);
  }
  double y = chart.top + kMeanLine / 2;
  for (const Row* row : rows) {
    const auto place = [&](double value) { return chart.px(shown_value(metric, value)); };
    svg += svg_text("name side", chart.left - 10, y + 4, shortened(row->name, kMeanName));
    svg += fmt::format("<g class=\"{}\">", is_ranked(row->role) && !row->partial() ? "line0" : "quiet-mark");
    if (row->interval) {
      svg += fmt::format("<rect class=\"interval\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"12\" rx=\"2\"/>",
                         coordinate(place(row->interval->low)), coordinate(y - 6),
                         coordinate(std::max(1.0, place(row->interval->high) - place(row->interval->low))));
    }
    svg += svg_line("mean", place(*row->mean), y - 8, place(*row->mean), y + 8);
    for (const SeedResult& seed : row->seeds) {
      if (!seed.value) continue;
      svg += fmt::format("<circle class=\"seed\" cx=\"{}\" cy=\"{}\" r=\"3\"/>", coordinate(place(*seed.value)),
                         coordinate(y));
    }
    svg += "</g>";
    y += kMeanLine;
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
