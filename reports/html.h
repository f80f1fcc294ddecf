// The parts of the HTML report.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/sweep.h"

namespace cmkd::reports {

// For text and for attributes in double quotes; of clean_text.
[[nodiscard]] std::string html_escaped(std::string_view text);

// --- html_plot.cpp: the seeds of a row on an axis that all rows of its table share ---

struct PlotAxis {
  double low = 0;  // in shown units: per cent
  double high = 1;
  double step = 1;  // between ticks
  std::optional<double> student;

  [[nodiscard]] double x(double shown) const noexcept;
};

// From tick to tick around the values; as it was where there are none.
void fit_axis(PlotAxis& axis, const std::string& metric, const std::vector<double>& shown);
[[nodiscard]] std::string tick_text(double value, double step);

struct SvgSize {
  const char* css = "plot";  // class
  double width = 0;
  double height = 0;
};
[[nodiscard]] std::string svg_head(const SvgSize& size, const std::string& id, const std::string& title,
                                   const std::string& description);

[[nodiscard]] PlotAxis plot_axis(const Table& table);
// Ticks with their numbers; also defines the grid, which each row_svg of the same `axis_id` shows again.
[[nodiscard]] std::string axis_svg(const PlotAxis& axis, const std::string& id);
// The ticks again, for a screen on which the table's head is not shown.
[[nodiscard]] std::string narrow_axis_svg(const std::string& axis_id);
[[nodiscard]] std::string row_svg(const PlotAxis& axis, const Table& table, const Row& row, const std::string& id,
                                  const std::string& axis_id);

// --- html_sweep_plot.cpp ---

// A line for each row against the level; "" when no row has a mean.
[[nodiscard]] std::string sweep_svg(const Sweep& sweep, const std::string& id);

// --- html_assets.cpp ---

[[nodiscard]] std::string_view style_sheet();
[[nodiscard]] std::string_view script();

}  // namespace cmkd::reports
