#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>

#include "html.h"
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
constexpr double kLevelGap = 34;  // between two labels of levels

// Around 0; of about the same area.
constexpr std::array<const char*, 8> kShapes{"M-4,0a4,4 0 1 0 8,0a4,4 0 1 0 -8,0z",
                                             "M-3.6,-3.6h7.2v7.2h-7.2z",
                                             "M0,-4.8L4.5,3.4H-4.5z",
                                             "M0,-5L5,0L0,5L-5,0z",
                                             "M0,4.8L4.5,-3.4H-4.5z",
                                             "M-1.5,-4.7h3v3.2h3.2v3h-3.2v3.2h-3v-3.2h-3.2v-3h3.2z",
                                             "M0,-4.9L4.7,-1.5L2.9,4H-2.9L-4.7,-1.5z",
                                             "M-4.3,-4.3H4.3L-4.3,4.3H4.3z"};

std::string svg_coordinate(double value) { return fmt::format("{:.1f}", value); }

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
    Series one{&row, all.size() % kShapes.size(), "other", 0, 0};
    if (is_ranked(row.area.role)) one.css = fmt::format("line{}", methods++ % kShapes.size());
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
  for (auto series = order.rbegin(); series != order.rend(); ++series) {
    (*series)->name_y = std::min((*series)->name_y, room);
    room = (*series)->name_y - kNameGap;
  }
}

std::string shortened(const std::string& name) {
  const std::string clean = clean_text(name);
  std::size_t characters = 0;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    if ((static_cast<unsigned char>(clean[i]) & 0xC0U) == 0x80) continue;  // inside a character of UTF-8
    if (characters++ == kNameLength) return clean.substr(0, i) + "…";
  }
  return clean;
}

// --- The parts of the picture ---

void draw_value_axis(std::string& svg, const Frame& frame) {
  const auto out = std::back_inserter(svg);
  const auto parts = static_cast<int>(std::lround((frame.axis.high - frame.axis.low) / frame.axis.step));
  for (int i = 0; i <= parts; ++i) {
    const double y = frame.bottom() - frame.height * i / parts;
    fmt::format_to(out, "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", svg_coordinate(kLeft),
                   svg_coordinate(kRight), svg_coordinate(y), svg_coordinate(y));
    fmt::format_to(out, "<text class=\"label value\" x=\"{}\" y=\"{}\">{}</text>", svg_coordinate(kLeft - 8),
                   svg_coordinate(y + 4), tick_text(frame.axis.low + i * frame.axis.step, frame.axis.step));
  }
  fmt::format_to(out, "<text class=\"label title\" x=\"0\" y=\"12\">{}</text>",
                 html_escaped(metric_heading(frame.sweep.primary_metric)));
}

void draw_level_axis(std::string& svg, const Frame& frame) {
  const auto out = std::back_inserter(svg);
  double labelled = -kLevelGap;
  for (std::size_t i = 0; i < frame.sweep.levels.size(); ++i) {
    const double x = frame.x(i);
    fmt::format_to(out, "<line class=\"tick\" x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\"/>", svg_coordinate(x),
                   svg_coordinate(frame.bottom()), svg_coordinate(frame.bottom() + 5));
    if (x - labelled < kLevelGap) continue;
    labelled = x;
    fmt::format_to(out, "<text class=\"label\" x=\"{}\" y=\"{}\">{}</text>", svg_coordinate(x),
                   svg_coordinate(frame.bottom() + 18), level_text(frame.sweep.levels[i]));
  }
  fmt::format_to(out, "<text class=\"label\" x=\"{}\" y=\"{}\">{}</text>", svg_coordinate((kLeft + kRight) / 2),
                 svg_coordinate(frame.bottom() + 36), html_escaped(frame.sweep.setting));
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
      corners += fmt::format("{},{} ", svg_coordinate(frame.x(i)), svg_coordinate(frame.y(points[i].interval->high)));
    }
    for (std::size_t i = end; i-- > begin;) {
      corners += fmt::format("{},{} ", svg_coordinate(frame.x(i)), svg_coordinate(frame.y(points[i].interval->low)));
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
      corners += fmt::format("{},{} ", svg_coordinate(frame.x(i)), svg_coordinate(frame.y(*points[i].mean)));
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
        svg_coordinate(frame.x(i)), svg_coordinate(frame.y(*point.mean)), kShapes[series.shape],
        html_escaped(series.row->area.name), html_escaped(frame.sweep.setting), level_text(frame.sweep.levels[i]),
        point_text(frame.sweep, *series.row, i));
  }
}

void draw_name(std::string& svg, const Frame& frame, const Series& series) {
  svg +=
      fmt::format("<polyline class=\"leader\" points=\"{},{} {},{} {},{}\"/>", svg_coordinate(frame.x(series.last) + 7),
                  svg_coordinate(frame.y(*series.row->points[series.last].mean)), svg_coordinate(kNameX - 12),
                  svg_coordinate(series.name_y), svg_coordinate(kNameX - 4), svg_coordinate(series.name_y));
  svg += fmt::format("<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>", svg_coordinate(kNameX),
                     svg_coordinate(series.name_y + 4), html_escaped(shortened(series.row->area.name)));
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
  for (auto series = all.rbegin(); series != all.rend(); ++series) {
    svg += fmt::format("\n<g class=\"series {}\">", series->css);
    draw_band(svg, frame, *series);
    draw_line(svg, frame, *series);
    draw_name(svg, frame, *series);
    draw_markers(svg, frame, *series);
    svg += "</g>";
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
