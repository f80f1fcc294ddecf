#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "metric_names.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr double kSeedPlotWidth = 280;
constexpr double kMargin = 14;
constexpr double kHeight = 30;
constexpr double kMiddle = kHeight / 2;
constexpr double kBand = 16;  // of the interval
constexpr double kAxisHeight = 22;

std::string svg_number(double value) { return fmt::format("{:.1f}", value); }

std::string seeds_description(const Table& table, const Row& row) {
  if (!row.mean) return "No seed has a result.";
  return fmt::format("Seeds: {}. Mean {}, 95 % Student-t interval {}. {}.", seeds_text(table.primary_metric, row),
                     metric_text(table.primary_metric, *row.mean), interval_text(table.primary_metric, row.interval),
                     metric_heading(table.primary_metric));
}

}  // namespace

double tick_step(double span, int parts) {
  const double raw = span / parts;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string tick_text(double value, double step) {
  const int digits = step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  const std::string text = fmt::format("{:.{}f}", value == 0 ? 0.0 : value, digits);
  return text.starts_with('-') ? "−" + text.substr(1) : text;
}

std::string svg_head(const SvgSize& size, const std::string& id, const std::string& title,
                     const std::string& description) {
  return fmt::format(
      "<svg class=\"{5}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" "
      "aria-labelledby=\"{2}t {2}d\"><title id=\"{2}t\">{3}</title><desc id=\"{2}d\">{4}</desc>",
      size.width, size.height, id, html_escaped(title), html_escaped(description), size.css);
}

void fit_axis(PlotAxis& axis, const std::string& metric, const std::vector<double>& shown) {
  if (shown.empty()) return;
  double low = std::ranges::min(shown);
  double high = std::ranges::max(shown);
  const MetricRange range = metric_style(metric).range;
  low = std::clamp(low, shown_value(metric, range.low), shown_value(metric, range.high));
  high = std::clamp(high, shown_value(metric, range.low), shown_value(metric, range.high));
  if (high - low < 1e-6) {
    low -= 0.5;
    high += 0.5;
  }
  axis.step = tick_step(high - low);
  axis.low = std::floor(low / axis.step + 1e-9) * axis.step;
  axis.high = std::ceil(high / axis.step - 1e-9) * axis.step;
}

double PlotAxis::x(double shown) const noexcept {
  const double share = std::clamp((shown - low) / (high - low), 0.0, 1.0);
  return kMargin + share * (kSeedPlotWidth - 2 * kMargin);
}

PlotAxis plot_axis(const Table& table) {
  std::vector<double> shown;
  PlotAxis axis;
  for (const Row& row : table.rows) {
    for (const SeedResult& seed : row.seeds) {
      if (seed.value) shown.push_back(shown_value(table.primary_metric, *seed.value));
    }
    // The interval of two seeds is 13 standard errors wide on each side: it would press all dots into one.
    if (row.interval && row.done > 2) {
      shown.push_back(shown_value(table.primary_metric, row.interval->low));
      shown.push_back(shown_value(table.primary_metric, row.interval->high));
    }
    if (row.method == "student" && is_ranked(row.role) && row.mean && !axis.student) {
      axis.student = shown_value(table.primary_metric, *row.mean);
    }
  }
  fit_axis(axis, table.primary_metric, shown);
  return axis;
}

std::string axis_svg(const PlotAxis& axis, const std::string& id) {
  std::string svg = svg_head({"plot", kSeedPlotWidth, kAxisHeight}, id, "Common axis",
                             fmt::format("The seeds of all rows of this table are drawn on one axis from {} to {}.",
                                         tick_text(axis.low, axis.step), tick_text(axis.high, axis.step)));
  std::string ticks;
  std::string grid;
  const auto parts = static_cast<int>(std::lround((axis.high - axis.low) / axis.step));
  for (int i = 0; i <= parts; ++i) {
    const double value = axis.low + i * axis.step;
    const std::string x = svg_number(axis.x(value));
    fmt::format_to(std::back_inserter(ticks),
                   "<line class=\"tick\" x1=\"{0}\" x2=\"{0}\" y1=\"17\" y2=\"22\"/>"
                   "<text class=\"label\" x=\"{0}\" y=\"12\">{1}</text>",
                   x, tick_text(value, axis.step));
    fmt::format_to(std::back_inserter(grid), "<line class=\"grid\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{1:.0f}\"/>", x,
                   kHeight);
  }
  if (axis.student) {
    fmt::format_to(std::back_inserter(grid), "<line class=\"guide\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{1:.0f}\"/>",
                   svg_number(axis.x(*axis.student)), kHeight);
  }
  return fmt::format("{0}<defs><g id=\"{1}g\">{2}</g></defs><g id=\"{1}k\">{3}</g></svg>", svg, id, grid, ticks);
}

std::string narrow_axis_svg(const std::string& axis_id) {
  return fmt::format(
      "<svg class=\"plot narrow\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "aria-hidden=\"true\"><use href=\"#{2}k\"/></svg>",
      kSeedPlotWidth, kAxisHeight, axis_id);
}

std::string row_svg(const PlotAxis& axis, const Table& table, const Row& row, const std::string& id,
                    const std::string& axis_id) {
  std::string svg = svg_head({"plot", kSeedPlotWidth, kHeight}, id, row.name, seeds_description(table, row));
  const auto out = std::back_inserter(svg);
  const auto place = [&](double value) { return axis.x(shown_value(table.primary_metric, value)); };
  fmt::format_to(out, "<use href=\"#{}g\"/>", axis_id);
  if (row.interval) {
    const Interval shown = shown_interval(table.primary_metric, *row.interval, IntervalOf::kMean).interval;
    const double low = place(shown.low);
    fmt::format_to(out, "<rect class=\"interval\" x=\"{}\" width=\"{}\" y=\"{:.0f}\" height=\"{:.0f}\" rx=\"2\"/>",
                   svg_number(low), svg_number(std::max(place(shown.high) - low, 1.0)), kMiddle - kBand / 2, kBand);
  }
  if (row.mean) {
    fmt::format_to(out, "<line class=\"mean\" x1=\"{0}\" x2=\"{0}\" y1=\"{1:.0f}\" y2=\"{2:.0f}\"/>",
                   svg_number(place(*row.mean)), kMiddle - kBand / 2 - 3, kMiddle + kBand / 2 + 3);
  }
  std::size_t index = 0;
  for (const SeedResult& seed : row.seeds) {
    // Three levels, so that equal values stay visible.
    const double y = kMiddle + (static_cast<double>(index++ % 3) - 1) * 5;
    if (!seed.value) continue;
    fmt::format_to(out, "<circle class=\"seed\" cx=\"{}\" cy=\"{:.0f}\" r=\"3\"><title>seed {}: {}</title></circle>",
                   svg_number(place(*seed.value)), y, seed.seed, metric_text(table.primary_metric, *seed.value));
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
