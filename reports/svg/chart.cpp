#include "svg/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

// Of the larger end: what moves by less is drawn as a level line, not as a slope of rounding.
constexpr double kLeastSpan = 1e-3;
constexpr double kWideRatio = 12;  // from here on an axis of positive values is logarithmic

std::string power_text(double value) {
  if (value >= 1e6) return fmt::format("{:g} M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:g} k", value / 1e3);
  return fmt::format("{:g}", value);
}

}  // namespace

double ChartAxis::share(double value) const noexcept {
  const auto place = [&](double at) { return logarithmic ? std::log(at) : at; };
  if (logarithmic && value <= 0) return 0;
  return std::clamp((place(value) - place(low)) / (place(high) - place(low)), 0.0, 1.0);
}

ChartAxis linear_axis(const std::string& title, const std::vector<double>& values, const AxisBounds& bounds,
                      int parts) {
  ChartAxis axis{title, 0, 1, {}, {}, false};
  if (!values.empty()) {
    axis.low = std::ranges::min(values);
    axis.high = std::ranges::max(values);
  }
  if (bounds.low) axis.low = std::max(axis.low, *bounds.low);
  if (bounds.high) axis.high = std::min(axis.high, *bounds.high);
  if (axis.high - axis.low <= kLeastSpan * std::max(std::abs(axis.low), std::abs(axis.high))) {
    const double around = std::abs(axis.high) * 0.05;
    axis.low -= around;
    axis.high += axis.high == 0 ? 1 : around;  // what is 0 throughout may be a share: nothing below
  }
  const double step = tick_step(axis.high - axis.low, parts);
  axis.low = std::floor(axis.low / step + 1e-9) * step;
  axis.high = std::ceil(axis.high / step - 1e-9) * step;
  const auto count = static_cast<int>(std::lround((axis.high - axis.low) / step));
  for (int i = 0; i <= count; ++i) {
    axis.ticks.push_back(axis.low + i * step);
    const double tick = std::abs(axis.ticks.back()) < step / 2 ? 0 : axis.ticks.back();
    axis.labels.push_back(std::abs(tick) >= 1e4 ? power_text(tick)
                          : step < 1e-3         ? fmt::format("{:.3g}", tick)
                                                : tick_text(tick, step));
  }
  return axis;
}

ChartAxis wide_axis(const std::string& title, const std::vector<double>& values) {
  const bool positive = !values.empty() && std::ranges::min(values) > 0;
  if (!positive || std::ranges::max(values) / std::ranges::min(values) < kWideRatio) return linear_axis(title, values);
  ChartAxis axis{title, std::ranges::min(values) / 1.15, std::ranges::max(values) * 1.15, {}, {}, true};
  const bool few = axis.high / axis.low < 200;
  const auto first = static_cast<int>(std::floor(std::log10(axis.low)));
  const auto last = static_cast<int>(std::floor(std::log10(axis.high)));
  for (int exponent = first; exponent <= last; ++exponent) {
    const double power = std::pow(10.0, exponent);
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = power * factor;
      if (tick < axis.low || tick > axis.high || (factor != 1.0 && !few)) continue;
      axis.ticks.push_back(tick);
      axis.labels.push_back(power_text(tick));
    }
  }
  return axis;
}

std::string coordinate(double value) { return fmt::format("{:.1f}", value == 0 ? 0.0 : value); }

std::string svg_line(std::string_view css, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", css, coordinate(x1),
                     coordinate(y1), coordinate(x2), coordinate(y2));
}

std::string svg_text(std::string_view css, double x, double y, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", css, coordinate(x), coordinate(y),
                     html_escaped(text));
}

std::string open_chart(const Chart& chart, const ChartNames& names) {
  std::string svg = svg_head({"chart", chart.width, chart.height}, names.id, names.title, names.description);
  const double floor = chart.height - chart.bottom;
  for (std::size_t i = 0; i < chart.y.ticks.size(); ++i) {
    const double y = chart.py(chart.y.ticks[i]);
    svg += svg_line("grid", chart.left, y, chart.width - chart.right, y);
    svg += svg_text("label value", chart.left - 8, y + 4, chart.y.labels[i]);
  }
  for (std::size_t i = 0; i < chart.x.ticks.size(); ++i) {
    const double x = chart.px(chart.x.ticks[i]);
    svg += svg_line("tick", x, floor, x, floor + 5);
    svg += svg_text("label", x, floor + 19, chart.x.labels[i]);
  }
  svg += svg_line("axis", chart.left, floor, chart.width - chart.right, floor);
  if (!chart.y.title.empty()) svg += svg_text("label title", 0, 13, chart.y.title);
  if (!chart.x.title.empty()) {
    svg += svg_text("label", (chart.left + chart.width - chart.right) / 2, floor + 38, chart.x.title);
  }
  return svg;
}

double text_width(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80) continue;  // inside a character of UTF-8
    if (static_cast<unsigned char>(c) >= 0xE0) {
      width += 12.5;  // wide scripts
    } else if (std::string_view("mwMW<>&%@#~^=+_\"").find(c) != std::string_view::npos) {
      width += 10.5;
    } else {
      width += std::string_view("iljtfr.,:;'|()[] ").find(c) == std::string_view::npos ? 7.2 : 4.2;
    }
  }
  return width;
}

std::string shortened(const std::string& text, std::size_t characters) {
  std::string clean = clean_text(text);
  std::size_t count = 0;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    if ((static_cast<unsigned char>(clean[i]) & 0xC0U) == 0x80) continue;
    if (count++ == characters) return clean.substr(0, i) + "…";
  }
  return clean;
}

const char* mark_path(std::size_t shape) {
  static constexpr std::array<const char*, 8> kMarks{"M-4,0a4,4 0 1 0 8,0a4,4 0 1 0 -8,0z",
                                                     "M-3.6,-3.6h7.2v7.2h-7.2z",
                                                     "M0,-4.8L4.5,3.4H-4.5z",
                                                     "M0,-5L5,0L0,5L-5,0z",
                                                     "M0,4.8L4.5,-3.4H-4.5z",
                                                     "M-1.5,-4.7h3v3.2h3.2v3h-3.2v3.2h-3v-3.2h-3.2v-3h3.2z",
                                                     "M0,-4.9L4.7,-1.5L2.9,4H-2.9L-4.7,-1.5z",
                                                     "M-4.3,-4.3H4.3L-4.3,4.3H4.3z"};
  return kMarks[shape % kMarks.size()];
}

std::string standalone_svg(const std::string& svg) {
  const std::string_view tag = "<svg ";
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" {}\n",
      std::string(svg.substr(tag.size()))
          .insert(svg.find('>') + 1 - tag.size(), fmt::format("<style><![CDATA[{}]]></style>", chart_style())));
}

}  // namespace cmkd::reports
