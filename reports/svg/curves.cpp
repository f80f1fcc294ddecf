#include "svg/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "svg/chart.h"
#include "svg/svg.h"

namespace cmkd::reports {

namespace {

constexpr double kPanelWidth = 224;
constexpr double kPanelHeight = 128;

// Four significant digits, whatever the size.
std::string value_text(double value) {
  const std::string text = fmt::format("{:.4g}", value == 0 ? 0.0 : value);
  return text.starts_with('-') ? "−" + text.substr(1) : text;
}

std::string panel_description(std::span<const Curve> curves) {
  std::vector<std::string> parts;
  for (const Curve& curve : curves) {
    const std::string fold = curve.fold.empty() ? "" : " fold " + curve.fold;
    parts.push_back(curve.points.empty()
                        ? fmt::format("seed {}{}: no number", curve.seed, fold)
                        : fmt::format("seed {}{}: from {} to {}", curve.seed, fold,
                                      value_text(curve.points.front().value), value_text(curve.points.back().value)));
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text + ".";
}

std::string curve_line(const Chart& chart, const Curve& curve, std::size_t colour) {
  if (curve.points.empty()) return "";
  const auto title = fmt::format("<title>seed {}{}</title>", curve.seed,
                                 curve.fold.empty() ? "" : html_escaped(", fold " + curve.fold));
  std::string corners;
  for (const CurvePoint& point : curve.points) {
    if (!corners.empty()) corners += ' ';
    corners +=
        fmt::format("{},{}", coordinate(chart.px(static_cast<double>(point.epoch))), coordinate(chart.py(point.value)));
  }
  if (curve.points.size() == 1) {
    return fmt::format("<circle class=\"dot line{}\" cx=\"{}\" cy=\"{}\" r=\"3\">{}</circle>", colour,
                       coordinate(chart.px(static_cast<double>(curve.points[0].epoch))),
                       coordinate(chart.py(curve.points[0].value)), title);
  }
  return fmt::format("<polyline class=\"curve line{}\" points=\"{}\">{}</polyline>", colour, corners, title);
}

}  // namespace

std::string curve_name(const Curve& curve) {
  return curve.phase.empty() || curve.phase == "main" ? curve.name : fmt::format("{} ({})", curve.name, curve.phase);
}

std::string curves_svg(std::span<const Curve> curves, const std::string& id, const std::string& row) {
  std::vector<double> values;
  std::vector<double> epochs;
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      values.push_back(point.value);
      epochs.push_back(static_cast<double>(point.epoch));
    }
  }
  Chart chart;
  chart.width = kPanelWidth;
  chart.height = kPanelHeight;
  chart.left = 50;
  chart.right = 8;
  chart.top = 24;
  chart.bottom = 22;
  const std::string name = shortened(curve_name(curves.front()), 30);
  chart.y = linear_axis(name, values, {}, 3);
  if (!epochs.empty()) {
    const auto [first, last] = std::ranges::minmax(epochs);
    chart.x = {"", first, std::max(last, first + 1), {first}, {fmt::format("{:.0f}", first)}, false};
    if (last > first) {
      chart.x.ticks.push_back(last);
      chart.x.labels.push_back(fmt::format("{:.0f}", last));
    }
  }
  std::string svg = open_chart(
      chart, {id, fmt::format("{} of {} by epoch", curve_name(curves.front()), row), panel_description(curves)});
  // The colour tells the seed: the same in all panels of a row that have the same seeds.
  std::set<std::int64_t> seeds;
  for (const Curve& curve : curves) seeds.insert(curve.seed);
  for (const Curve& curve : curves) {
    const auto colour = static_cast<std::size_t>(std::distance(seeds.begin(), seeds.find(curve.seed))) % 8;
    svg += curve_line(chart, curve, colour);
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
