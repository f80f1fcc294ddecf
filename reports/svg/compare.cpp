#include "svg/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "svg/chart.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr double kRankLine = 22;  // height of a method
constexpr std::size_t kMethodName = 28;
constexpr std::size_t kProfileColours = 8;

std::string rank_text(double rank) { return fmt::format("{:.2f}", rank); }

ChartAxis rank_axis(const std::vector<RankMark>& marks, const std::string& title) {
  const std::size_t last = std::max<std::size_t>(marks.size(), 2);
  ChartAxis axis{title, 1, static_cast<double>(last), {}, {}, false};
  const auto step = static_cast<std::size_t>(std::max(1.0, tick_step(static_cast<double>(last - 1), 8)));
  for (std::size_t tick = 1; tick <= last; tick += tick == 1 && step > 1 ? step - 1 : step) {
    axis.ticks.push_back(static_cast<double>(tick));
    axis.labels.push_back(fmt::format("{}", tick));
  }
  return axis;
}

std::string in_words(const std::vector<RankMark>& marks) {
  std::vector<std::string> parts;
  for (const RankMark& mark : marks) {
    parts.push_back(fmt::format("{} {} [{}, {}]", mark.name, rank_text(mark.rank), rank_text(mark.interval.low),
                                rank_text(mark.interval.high)));
  }
  return join(parts, "; ") + ".";
}

// Level lines that do not overlap stand at one height: for each clique, the first free height.
std::vector<std::size_t> clique_levels(const std::vector<std::pair<std::size_t, std::size_t>>& cliques) {
  std::vector<std::size_t> levels;
  std::vector<std::size_t> taken_to;  // by level: the last position that a line covers
  for (const auto& clique : cliques) {
    const auto free = std::ranges::find_if(taken_to, [&](std::size_t to) { return to < clique.first; });
    const auto level = static_cast<std::size_t>(free - taken_to.begin());
    if (free == taken_to.end()) taken_to.push_back(0);
    taken_to[level] = clique.second;
    levels.push_back(level);
  }
  return levels;
}

}  // namespace

std::string ranks_svg(const std::vector<RankMark>& marks, const std::string& id) {
  if (marks.empty()) return "";
  double names = 0;
  for (const RankMark& mark : marks) names = std::max(names, text_width(shortened(mark.name, kMethodName)));
  Chart chart;
  chart.width = 580;
  chart.left = std::min(240.0, names + 16);
  chart.right = 12;
  chart.top = 6;
  chart.bottom = 44;
  chart.height = chart.top + chart.bottom + kRankLine * static_cast<double>(marks.size());
  chart.x = rank_axis(marks, "mean rank, 95 % interval (1: best)");
  std::string svg = open_chart(chart, {id, "Mean ranks", in_words(marks)});
  for (const double tick : chart.x.ticks) {
    svg += svg_line("grid", chart.px(tick), chart.top, chart.px(tick), chart.height - chart.bottom);
  }
  double y = chart.top + kRankLine / 2;
  for (const RankMark& mark : marks) {
    const double low = chart.px(mark.interval.low);
    svg += svg_text("name side", chart.left - 10, y + 4, shortened(mark.name, kMethodName));
    svg += fmt::format("<g class=\"line0\"><title>{} {} [{}, {}]</title>", html_escaped(mark.name),
                       rank_text(mark.rank), rank_text(mark.interval.low), rank_text(mark.interval.high));
    svg +=
        fmt::format("<rect class=\"interval\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"10\" rx=\"2\"/>", coordinate(low),
                    coordinate(y - 5), coordinate(std::max(1.0, chart.px(mark.interval.high) - low)));
    svg += fmt::format("<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"3.5\"/></g>", coordinate(chart.px(mark.rank)),
                       coordinate(y));
    y += kRankLine;
  }
  return svg + "</svg>";
}

std::string critical_difference_svg(const std::vector<RankMark>& marks,
                                    const std::vector<std::pair<std::size_t, std::size_t>>& cliques,
                                    const std::string& id) {
  const std::size_t half = (marks.size() + 1) / 2;  // named on the left; the rest on the right
  const std::vector<std::size_t> levels = clique_levels(cliques);
  const std::size_t heights = levels.empty() ? 0 : std::ranges::max(levels) + 1;
  const double first_name = 40 + 9 * static_cast<double>(heights) + 14;
  Chart chart;
  chart.width = 580;
  chart.left = chart.right = 170;
  const double axis_y = 30;
  const double height = first_name + 20 * static_cast<double>(half) + 8;
  chart.x = rank_axis(marks, "");
  std::vector<std::string> joined;
  for (const auto& [first, last] : cliques)
    joined.push_back(fmt::format("{} to {}", marks[first].name, marks[last].name));
  std::string svg = svg_head({"chart", chart.width, height}, id, "Critical-difference diagram",
                             fmt::format("Mean ranks: {} Not told apart: {}.", in_words(marks),
                                         joined.empty() ? "no pair" : join(joined, "; ")));
  svg += svg_line("axis", chart.px(chart.x.low), axis_y, chart.px(chart.x.high), axis_y);
  for (std::size_t i = 0; i < chart.x.ticks.size(); ++i) {
    const double x = chart.px(chart.x.ticks[i]);
    svg += svg_line("tick", x, axis_y - 5, x, axis_y);
    svg += svg_text("label", x, axis_y - 10, chart.x.labels[i]);
  }
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bool left = i < half;
    const double y = first_name + 20 * static_cast<double>(left ? i : marks.size() - 1 - i);
    const double x = chart.px(marks[i].rank);
    const double end = left ? chart.left - 8 : chart.width - chart.right + 8;
    svg += fmt::format("<polyline class=\"leader-line\" fill=\"none\" points=\"{0},{1} {0},{2} {3},{2}\"/>",
                       coordinate(x), coordinate(axis_y), coordinate(y), coordinate(end));
    // Apart: a number beside a name that is written to the left would change places with it.
    svg += svg_text(left ? "label value" : "label title", left ? end - 4 : end + 4, y + 4, rank_text(marks[i].rank));
    svg += svg_text(left ? "name side" : "name", left ? end - 38 : end + 38, y + 4, shortened(marks[i].name, 16));
  }
  for (std::size_t i = 0; i < cliques.size(); ++i) {
    const double y = axis_y + 10 + 9 * static_cast<double>(levels[i]);
    svg += svg_line("clique", chart.px(marks[cliques[i].first].rank) - 3, y,
                    chart.px(marks[cliques[i].second].rank) + 3, y);
  }
  return svg + "</svg>";
}

std::string profile_svg(const std::vector<ProfileLine>& lines, const std::string& threshold, const std::string& id) {
  if (lines.empty() || lines.front().points.empty()) return "";
  std::vector<double> thresholds;
  for (const auto& [x, y] : lines.front().points) thresholds.push_back(x);
  Chart chart;
  chart.width = 580;
  chart.height = std::max(320.0, 15.0 * static_cast<double>(lines.size()) + 90);
  chart.right = 160;
  chart.x = linear_axis(threshold, thresholds);
  chart.x.low = thresholds.front();
  chart.x.high = thresholds.back();
  chart.y = linear_axis("share of the runs above it", {0, 1});
  // Ticks beyond the thresholds have no place.
  for (std::size_t i = chart.x.ticks.size(); i-- > 0;) {
    if (chart.x.ticks[i] >= chart.x.low - 1e-9 && chart.x.ticks[i] <= chart.x.high + 1e-9) continue;
    chart.x.ticks.erase(chart.x.ticks.begin() + static_cast<std::ptrdiff_t>(i));
    chart.x.labels.erase(chart.x.labels.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::string svg = open_chart(
      chart,
      {id, "Performance profiles",
       fmt::format("{} methods: the share of runs above each threshold. The higher, the better.", lines.size())});
  for (std::size_t i = lines.size(); i-- > 0;) {
    const ProfileLine& line = lines[i];
    std::string corners;
    std::string band;
    for (const auto& [x, y] : line.points)
      corners += fmt::format("{},{} ", coordinate(chart.px(x)), coordinate(chart.py(y)));
    for (std::size_t p = 0; p < line.band.size(); ++p) {
      band +=
          fmt::format("{},{} ", coordinate(chart.px(line.points[p].first)), coordinate(chart.py(line.band[p].high)));
    }
    for (std::size_t p = line.band.size(); p-- > 0;) {
      band += fmt::format("{},{} ", coordinate(chart.px(line.points[p].first)), coordinate(chart.py(line.band[p].low)));
    }
    const double key_y = chart.top + 8 + 15 * static_cast<double>(i);
    const double key_x = chart.width - chart.right + 20;
    // Of more methods than colours, the same colour comes again, dashed.
    svg += fmt::format("\n<g class=\"series line{}{}\"><title>{}</title>", i % kProfileColours,
                       i >= kProfileColours ? " other" : "", html_escaped(line.name));
    if (!band.empty()) svg += fmt::format("<polygon class=\"band\" points=\"{}\"/>", band.substr(0, band.size() - 1));
    svg += fmt::format("<polyline class=\"reach\" points=\"{0}\"/><polyline class=\"line\" points=\"{0}\"/>",
                       corners.substr(0, corners.size() - 1));
    svg += fmt::format("<polyline class=\"line\" points=\"{0},{2} {1},{2}\"/>", coordinate(key_x),
                       coordinate(key_x + 16), coordinate(key_y));
    svg += svg_text("name", key_x + 22, key_y + 4, shortened(line.name, 16)) + "</g>";
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
