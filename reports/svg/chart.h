// A frame with two axes, and what is drawn in it. Lengths are in pixels of the picture, values as they are shown (per
// cent, seconds). Every picture has a title and a description for those who do not see it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cmkd::reports {

struct ChartAxis {
  std::string title;
  double low = 0;
  double high = 1;
  std::vector<double> ticks;
  std::vector<std::string> labels;  // of the ticks
  bool logarithmic = false;

  [[nodiscard]] double share(double value) const noexcept;  // 0 … 1, cut there
};

// From tick to tick around the values, of which there may be none; no further than the bounds.
struct AxisBounds {
  std::optional<double> low = {};
  std::optional<double> high = {};
};
[[nodiscard]] ChartAxis linear_axis(const std::string& title, const std::vector<double>& values,
                                    const AxisBounds& bounds = {}, int parts = 5);
// Of positive values that are far apart; linear where they are not.
[[nodiscard]] ChartAxis wide_axis(const std::string& title, const std::vector<double>& values);

struct Chart {
  double width = 680;
  double height = 340;
  double left = 56;
  double right = 24;  // of the frame, from the picture's edges
  double top = 30;
  double bottom = 48;
  ChartAxis x;
  ChartAxis y;

  [[nodiscard]] double px(double value) const noexcept { return left + x.share(value) * (width - left - right); }
  [[nodiscard]] double py(double value) const noexcept {
    return height - bottom - y.share(value) * (height - top - bottom);
  }
};

struct ChartNames {
  std::string id;  // unique in the page
  std::string title;
  std::string description;
};

// <svg>, title, description and axes; the caller closes it.
[[nodiscard]] std::string open_chart(const Chart& chart, const ChartNames& names);
[[nodiscard]] std::string coordinate(double value);  // "12.5"
[[nodiscard]] std::string svg_line(std::string_view css, double x1, double y1, double x2, double y2);
[[nodiscard]] std::string svg_text(std::string_view css, double x, double y, const std::string& text);
// About how wide a text is at 12 px: no font is asked, so that the bytes are the same everywhere.
[[nodiscard]] double text_width(std::string_view text);
// Cut after so many characters of UTF-8, with "…".
[[nodiscard]] std::string shortened(const std::string& text, std::size_t characters);

// A mark around (0, 0), of eight shapes of about the same area.
[[nodiscard]] const char* mark_path(std::size_t shape);

// As a file of its own: with its style sheet, light and dark.
[[nodiscard]] std::string standalone_svg(const std::string& svg);

}  // namespace cmkd::reports
