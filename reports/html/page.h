// A page of HTML as it is written, and the cells that its parts share.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/sweep.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

class Page {
 public:
  // Arguments are put in as they are: escape what is data.
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  void raw(std::string_view text) { text_ += text; }
  // A cell with the label that it carries on a narrow screen.
  void cell(const char* css, const std::string& label, const std::string& sort, const std::string& content) {
    line("<td role=\"cell\" class=\"{}{}\" data-label=\"{}\" data-sort=\"{}\">{}</td>", css,
         content == kNothing ? " nothing" : "", html_escaped(label), sort, content);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

[[nodiscard]] std::string sort_key(const std::optional<double>& value);
[[nodiscard]] std::string scroll_region(const std::string& name);
[[nodiscard]] const char* row_class(const Row& row);
// A name in a line with other text: numbers after one that is written from right to left stay in their order.
[[nodiscard]] std::string isolated_html(const std::string& name);
// The same for an attribute, in which there are no elements.
[[nodiscard]] std::string isolated_attribute(const std::string& name);
[[nodiscard]] std::string name_html(const Row& row);
[[nodiscard]] std::string count_html(const Row& row);
[[nodiscard]] std::string difference_html(const std::string& metric, const Row& row);  // to the student
[[nodiscard]] std::string missing_html(const Row& row);  // the seeds without a value, with their reasons
// The list of seeds without a value, under a head; nothing when all are there.
void write_missing_seeds(Page& page, const std::vector<const Row*>& rows);
void write_facts(Page& page, const std::vector<Fact>& facts);
// A part of a table that filters hide with it.
[[nodiscard]] std::string board_attributes(const Table& table);
// What the mark at the end of an interval means, where a row of the table above has one.
void write_cut_note(Page& page, const std::string& metric, const std::vector<const Row*>& rows);
[[nodiscard]] std::string interval_sort_key(const std::string& metric, const std::optional<Interval>& interval);

}  // namespace cmkd::reports
