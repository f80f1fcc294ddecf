// What all pictures of the reports share, and the pictures of a table and of a sweep.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/sweep.h"

namespace cmkd::reports {

// For text and for attributes in double quotes; of clean_text.
[[nodiscard]] std::string html_escaped(std::string_view text);

// Of the program's own files, as text.
[[nodiscard]] std::string_view chart_style();
[[nodiscard]] std::string_view page_style();
[[nodiscard]] std::string_view page_script();

// The step among 1, 2, 5 × 10^k that divides `span` into at most so many parts.
[[nodiscard]] double tick_step(double span, int parts = 5);
[[nodiscard]] std::string tick_text(double value, double step);

struct SvgSize {
  const char* css = "plot";  // class
  double width = 0;
  double height = 0;
};
[[nodiscard]] std::string svg_head(const SvgSize& size, const std::string& id, const std::string& title,
                                   const std::string& description);

// --- seeds.cpp: the seeds of a row on an axis that all rows of its table share ---

struct PlotAxis {
  double low = 0;  // in shown units: per cent
  double high = 1;
  double step = 1;  // between ticks
  std::optional<double> student;

  [[nodiscard]] double x(double shown) const noexcept;
};

// From tick to tick around the values; as it was where there are none.
void fit_axis(PlotAxis& axis, const std::string& metric, const std::vector<double>& shown);

[[nodiscard]] PlotAxis plot_axis(const Table& table);
// Ticks with their numbers; also defines the grid, which each row_svg of the same `axis_id` shows again.
[[nodiscard]] std::string axis_svg(const PlotAxis& axis, const std::string& id);
// The ticks again, for a screen on which the table's head is not shown.
[[nodiscard]] std::string narrow_axis_svg(const std::string& axis_id);
[[nodiscard]] std::string row_svg(const PlotAxis& axis, const Table& table, const Row& row, const std::string& id,
                                  const std::string& axis_id);

// --- sweep.cpp ---

// A line for each row against the level; "" when no row has a mean.
[[nodiscard]] std::string sweep_svg(const Sweep& sweep, const std::string& id);

// --- means.cpp ---

// The rows that have a mean, each with its seeds and interval, on one axis; "" where none has.
[[nodiscard]] std::string means_svg(const Table& table, const std::string& id);

// --- cost.cpp ---

// The mean of each row against its cost, with the front of the rows that no other beats in both; "" where fewer than
// two rows have both.
[[nodiscard]] std::string cost_svg(const Table& table, const std::string& cost, const std::string& id);
// Names of the rows on that front, cheapest first.
[[nodiscard]] std::vector<std::string> pareto_front(const Table& table, const std::string& cost);

}  // namespace cmkd::reports
