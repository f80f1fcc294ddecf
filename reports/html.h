// The parts of the HTML report.
#pragma once

#include <string>
#include <string_view>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

// For text and for attributes in double quotes. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string html_escaped(std::string_view text);

// --- html_plot.cpp: the seeds of a row on an axis that all rows of its table share ---

struct PlotAxis {
  double low = 0;  // in shown units: per cent
  double high = 1;
  double step = 1;  // between ticks
  std::optional<double> student;

  [[nodiscard]] double x(double shown) const noexcept;
};

[[nodiscard]] PlotAxis plot_axis(const Table& table);
[[nodiscard]] std::string axis_svg(const PlotAxis& axis, const std::string& id);
[[nodiscard]] std::string row_svg(const PlotAxis& axis, const Table& table, const Row& row, const std::string& id);

// --- html_assets.cpp ---

[[nodiscard]] std::string_view style_sheet();
[[nodiscard]] std::string_view script();

}  // namespace cmkd::reports
