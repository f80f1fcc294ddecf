// Accuracy against cost.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metric_names.h"
#include "svg/chart.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kNamedPoints = 40;  // of more, only those on the front have their name beside them
constexpr std::size_t kPointName = 26;

struct CostPoint {
  const Row* row = nullptr;
  double cost = 0;   // as shown
  double value = 0;  // as shown
  bool on_front = false;
};

double shown_cost(const std::string& name, double value) {
  return name == "peak_memory_bytes" ? value / (1024 * 1024) : value;
}

bool better(const std::string& metric, double a, double b) {
  return metric_style(metric).higher_is_better ? a > b : a < b;
}

// Cheapest first; of equally cheap ones the best, then by name.
std::vector<CostPoint> cost_points(const Table& table, const std::string& cost) {
  const std::string& metric = table.primary_metric;
  std::vector<CostPoint> points;
  for (const Row& row : table.rows) {
    const auto found = row.cost.find(cost);
    if (!row.mean || found == row.cost.end()) continue;
    points.push_back({&row, shown_cost(cost, found->second.mean), shown_value(metric, *row.mean), false});
  }
  std::ranges::stable_sort(points, [&](const CostPoint& a, const CostPoint& b) {
    if (a.cost != b.cost) return a.cost < b.cost;
    if (a.value != b.value) return better(metric, a.value, b.value);
    return a.row->name < b.row->name;
  });
  // Only what is ranked is a choice that a reader has.
  const CostPoint* best = nullptr;
  for (CostPoint& point : points) {
    if (!is_ranked(point.row->role) || point.row->partial()) continue;
    if (best != nullptr && !better(metric, point.value, best->value)) continue;
    point.on_front = true;
    best = &point;
  }
  return points;
}

struct Box {
  double left, top, right, bottom;
  [[nodiscard]] bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// A name beside its point where it covers no other; without one where there is no room: the table has all names.
std::string name_of_point(const Chart& chart, const CostPoint& point, std::vector<Box>& taken) {
  const std::string name = shortened(point.row->name, kPointName);
  const double width = text_width(name) * 0.95;
  const double x = chart.px(point.cost);
  const double y = chart.py(point.value);
  struct Place {
    double x, y;
  };
  const std::array<Place, 8> beside{{{x + 9, y + 4},
                                     {x - 9 - width, y + 4},
                                     {x - width / 2, y - 9},
                                     {x - width / 2, y + 17},
                                     {x + 7, y - 7},
                                     {x + 7, y + 14},
                                     {x - 7 - width, y - 7},
                                     {x - 7 - width, y + 14}}};
  // Beside a point of the front runs the line.
  const std::array<Place, 8> above{beside[6], beside[2], beside[4], beside[1],
                                   beside[5], beside[3], beside[7], beside[0]};
  const std::array<Place, 8>& places = point.on_front ? above : beside;
  for (const Place& place : places) {
    const Box box{place.x - 2, place.y - 11, place.x + width + 2, place.y + 3};
    if (box.left < chart.left || box.right > chart.width + 40 || box.top < 16 ||
        box.bottom > chart.height - chart.bottom) {
      continue;
    }
    if (std::ranges::any_of(taken, [&](const Box& other) { return box.meets(other); })) continue;
    taken.push_back(box);
    return svg_text(point.on_front ? "name front" : "name", place.x, place.y, name);
  }
  return "";
}

std::string front_line(const Chart& chart, const std::vector<CostPoint>& points) {
  std::string corners;
  double y = 0;
  for (const CostPoint& point : points) {
    if (!point.on_front) continue;
    const double x = chart.px(point.cost);
    if (!corners.empty()) corners += fmt::format("{},{} ", coordinate(x), coordinate(y));
    y = chart.py(point.value);
    corners += fmt::format("{},{} ", coordinate(x), coordinate(y));
  }
  corners += fmt::format("{},{}", coordinate(chart.width - chart.right), coordinate(y));
  return fmt::format("<polyline class=\"front\" points=\"{}\"/>", corners);
}

const char* point_class(const CostPoint& point) {
  if (!is_ranked(point.row->role)) return "point other";
  return point.on_front ? "point on-front" : "point";
}

}  // namespace

std::vector<std::string> pareto_front(const Table& table, const std::string& cost) {
  std::vector<std::string> names;
  for (const CostPoint& point : cost_points(table, cost)) {
    if (point.on_front) names.push_back(point.row->name);
  }
  return names;
}

std::string cost_svg(const Table& table, const std::string& cost, const std::string& id) {
  std::vector<CostPoint> points = cost_points(table, cost);
  if (points.size() < 2) return "";
  const std::string& metric = table.primary_metric;
  std::vector<double> costs;
  std::vector<double> values;
  for (const CostPoint& point : points) {
    costs.push_back(point.cost);
    values.push_back(point.value);
  }
  Chart chart;
  chart.width = 580;
  chart.height = 340;
  chart.right = 76;
  chart.x = wide_axis(cost_heading(cost), costs);
  chart.y = linear_axis(metric_heading(metric), values);
  std::string svg = open_chart(
      chart, {id, fmt::format("{} against {}", metric_heading(metric), cost_heading(cost)),
              fmt::format("{} rows. The front, cheapest first: {}.", points.size(), join(pareto_front(table, cost)))});
  svg += front_line(chart, points);
  std::vector<Box> taken;
  for (const CostPoint& point : points) {
    const double x = chart.px(point.cost);
    const double y = chart.py(point.value);
    taken.push_back({x - 5, y - 5, x + 5, y + 5});
  }
  for (const CostPoint& point : points) {
    svg += fmt::format(
        "\n<path class=\"{}\" transform=\"translate({} {})\" d=\"{}\"><title>{}: {}, {} {}</title></path>",
        point_class(point), coordinate(chart.px(point.cost)), coordinate(chart.py(point.value)),
        mark_path(is_ranked(point.row->role) ? 0 : 3), html_escaped(point.row->name), mean_text(metric, *point.row),
        html_escaped(cost_heading(cost)), cost_text(cost, point.row->cost.at(cost)));
  }
  for (const bool front : {true, false}) {
    for (const CostPoint& point : points) {
      if (point.on_front == front && (front || points.size() <= kNamedPoints))
        svg += name_of_point(chart, point, taken);
    }
  }
  return svg + "</svg>";
}

}  // namespace cmkd::reports
