#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "svg/chart.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr double kSweepPlotWidth = 880;
constexpr double kLeft = 46;
constexpr double kRight = 650;  // names stand beyond it
constexpr double kTop = 28;
constexpr double kBelow = 44;         // of the axis
constexpr double kLeastHeight = 300;  // of the frame
constexpr double kNameGap = 15;       // between the base lines of two names
constexpr double kNameX = kRight + 26;
constexpr std::size_t kNameLength = 30;
constexpr std::size_t kLineColours = 8;
constexpr double kLevelGap = 34;  // between two labels of levels

struct Frame {
  const Sweep& sweep;
  PlotAxis axis;
  double height = kLeastHeight;

  [[nodiscard]] double bottom() const { return kTop + height; }
  [[nodiscard]] double x(std::size_t level) const {
    const double low = sweep.levels.front();
    return kLeft + (sweep.levels[level] - low) / (sweep.levels.back() - low) * (kRight - kLeft);
  }
  // Of a value as stored; cut at the frame.
  [[nodiscard]] double y(double value) const {
    const double share = (shown_value(sweep.primary_metric, value) - axis.low) / (axis.high - axis.low);
    return bottom() - std::clamp(share, 0.0, 1.0) * height;
  }
};

struct Series {
  const SweepRow* row = nullptr;
  std::size_t shape = 0;
  std::string css;
  std::size_t last = 0;  // level of the last mean
  double name_y = 0;
};

// Methods have colours; what is not ranked is grey, as in the tables.
std::vector<Series> series_of(const Sweep& sweep) {
  std::vector<Series> all;
  std::size_t methods = 0;
  for (const SweepRow& row : sweep.rows) {
    const auto last = std::find_if(row.points.rbegin(), row.points.rend(),
                                   [](const SweepPoint& point) { return point.mean.has_value(); });
    if (last == row.points.rend()) continue;
    Series one{&row, all.size(), "other", 0, 0};
    if (is_ranked(row.area.role)) one.css = fmt::format("line{}", methods++ % kLineColours);
    one.last = static_cast<std::size_t>(row.points.rend() - last) - 1;
    all.push_back(one);
  }
  return all;
}

Frame frame_of(const Sweep& sweep, const std::vector<Series>& all) {
  Frame frame{sweep, {}, std::max(kLeastHeight, kNameGap * static_cast<double>(all.size()))};
  std::vector<double> shown;
  for (const Series& series : all) {
    for (const SweepPoint& point : series.row->points) {
      if (point.mean) shown.push_back(shown_value(sweep.primary_metric, *point.mean));
    }
  }
  fit_axis(frame.axis, sweep.primary_metric, shown);
  return frame;
}

// Each name at the end of its line, or as near below or above it as the others leave room.
void place_names(const Frame& frame, std::vector<Series>& all) {
  std::vector<Series*> order;
  for (Series& series : all) {
    series.name_y = frame.y(*series.row->points[series.last].mean);
    order.push_back(&series);
  }
  std::ranges::stable_sort(order, {}, &Series::name_y);
  for (std::size_t i = 1; i < order.size(); ++i) {
    order[i]->name_y = std::max(order[i]->name_y, order[i - 1]->name_y + kNameGap);
  }
  double room = frame.bottom();
  for (std::size_t i = order.size(); i-- > 0;) {
    order[i]->name_y = std::min(order[i]->name_y, room);
    room = order[i]->name_y - kNameGap;
  }
}

// --- The parts of the picture ---

void draw_value_axis(std::string& svg, const Frame& frame) {
  const auto out = std::back_inserter(svg);
  const auto parts = static_cast<int>(std::lround((frame.axis.high - frame.axis.low) / frame.axis.step));
  for (int i = 0; i <= parts; ++i) {
    const double y = frame.bottom() - frame.height * i / parts;
    fmt::format_to(out, "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", coordinate(kLeft),
                   coordinate(kRight), coordinate(y), coordinate(y));
    fmt::format_to(out, "<text class=\"label value\" x=\"{}\" y=\"{}\">{}</text>", coordinate(kLeft - 8),
                   coordinate(y + 4), tick_text(frame.axis.low + i * frame.axis.step, frame.axis.step));
  }
  fmt::format_to(out, "<text class=\"label title\" x=\"0\" y=\"12\">{}</text>",
                 html_escaped(metric_heading(frame.sweep.primary_metric)));
}

void draw_level_axis(std::string& svg, const Frame& frame) {
  const auto out = std::back_inserter(svg);
  double labelled = -kLevelGap;
  for (std::size_t i = 0; i < frame.sweep.levels.size(); ++i) {
    const double x = frame.x(i);
    fmt::format_to(out, "<line class=\"tick\" x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\"/>", coordinate(x),
                   coordinate(frame.bottom()), coordinate(frame.bottom() + 5));
    if (x - labelled < kLevelGap) continue;
    labelled = x;
    fmt::format_to(out, "<text class=\"label\" x=\"{}\" y=\"{}\">{}</text>", coordinate(x),
                   coordinate(frame.bottom() + 18), level_text(frame.sweep.levels[i]));
  }
  fmt::format_to(out, "<text class=\"label\" x=\"{}\" y=\"{}\">{}</text>", coordinate((kLeft + kRight) / 2),
                 coordinate(frame.bottom() + 36), html_escaped(frame.sweep.setting));
}

// The levels next to each other of which `there` holds, as [begin, end).
template <typename There>
std::vector<std::pair<std::size_t, std::size_t>> runs(const std::vector<SweepPoint>& points, There there) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!there(points[i])) continue;
    if (found.empty() || found.back().second != i) found.emplace_back(i, i);
    found.back().second = i + 1;
  }
  return found;
}

void draw_band(std::string& svg, const Frame& frame, const Series& series) {
  const auto& points = series.row->points;
  for (const auto& [begin, end] : runs(points, [](const SweepPoint& point) { return point.interval.has_value(); })) {
    std::string corners;
    for (std::size_t i = begin; i < end; ++i) {
      corners += fmt::format("{},{} ", coordinate(frame.x(i)), coordinate(frame.y(points[i].interval->high)));
    }
    for (std::size_t i = end; i-- > begin;) {
      corners += fmt::format("{},{} ", coordinate(frame.x(i)), coordinate(frame.y(points[i].interval->low)));
    }
    corners.pop_back();
    svg += fmt::format("<polygon class=\"band\" points=\"{}\"/>", corners);
  }
}

void draw_line(std::string& svg, const Frame& frame, const Series& series) {
  const auto& points = series.row->points;
  for (const auto& [begin, end] : runs(points, [](const SweepPoint& point) { return point.mean.has_value(); })) {
    std::string corners;
    for (std::size_t i = begin; i < end; ++i) {
      corners += fmt::format("{},{} ", coordinate(frame.x(i)), coordinate(frame.y(*points[i].mean)));
    }
    corners.pop_back();
    svg += fmt::format("<polyline class=\"reach\" points=\"{0}\"/><polyline class=\"line\" points=\"{0}\"/>", corners);
  }
}

void draw_markers(std::string& svg, const Frame& frame, const Series& series) {
  for (std::size_t i = 0; i < series.row->points.size(); ++i) {
    const SweepPoint& point = series.row->points[i];
    if (!point.mean) continue;
    svg += fmt::format(
        "<path class=\"marker\" transform=\"translate({} {})\" d=\"{}\"><title>{}, {} = {}: {}</title></path>",
        coordinate(frame.x(i)), coordinate(frame.y(*point.mean)), mark_path(series.shape),
        html_escaped(series.row->area.name), html_escaped(frame.sweep.setting), level_text(frame.sweep.levels[i]),
        point_text(frame.sweep, *series.row, i));
  }
}

void draw_name(std::string& svg, const Frame& frame, const Series& series) {
  svg += fmt::format("<polyline class=\"leader\" points=\"{},{} {},{} {},{}\"/>", coordinate(frame.x(series.last) + 7),
                     coordinate(frame.y(*series.row->points[series.last].mean)), coordinate(kNameX - 12),
                     coordinate(series.name_y), coordinate(kNameX - 4), coordinate(series.name_y));
  svg += fmt::format("<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>", coordinate(kNameX),
                     coordinate(series.name_y + 4), html_escaped(shortened(series.row->area.name, kNameLength)));
}

std::string sweep_description(const Sweep& sweep, const std::vector<Series>& all) {
  return fmt::format("{} lines of {} levels: the mean over the seeds. The numbers are in the table below.", all.size(),
                     sweep.levels.size());
}

}  // namespace

std::string sweep_svg(const Sweep& sweep, const std::string& id) {
  std::vector<Series> all = series_of(sweep);
  if (all.empty()) return "";
  const Frame frame = frame_of(sweep, all);
  place_names(frame, all);
  std::string svg = svg_head({"chart", kSweepPlotWidth, frame.bottom() + kBelow}, id,
                             fmt::format("{} against {}", metric_heading(sweep.primary_metric), sweep.setting),
                             sweep_description(sweep, all));
  draw_value_axis(svg, frame);
  draw_level_axis(svg, frame);
  // The first rows last: on top.
  for (std::size_t i = all.size(); i-- > 0;) {
    const Series& series = all[i];
    svg += fmt::format("\n<g class=\"series {}\">", series.css);
    draw_band(svg, frame, series);
    draw_line(svg, frame, series);
    draw_name(svg, frame, series);
    draw_markers(svg, frame, series);
    svg += "</g>";
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
