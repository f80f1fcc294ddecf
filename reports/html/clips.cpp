// Two rows of a table side by side: by class, by confusion, by clip. The pair that stands in the page is the best row
// and the student; a script shows any other from the data beside it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "html/pair.h"
#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kMostCells = 400'000;  // rows × clips that the page carries for other pairs
constexpr std::int64_t kMostSeeds = 35;      // that one character holds

// Position in clips.rows; the student, else the last.
std::pair<std::size_t, std::size_t> default_pair(const Table& table, const ClipTable& clips) {
  std::size_t best = 0;
  std::size_t other = clips.rows.size() - 1;
  bool found = false;
  for (std::size_t i = 0; i < clips.rows.size(); ++i) {
    const Row& row = table.rows[clips.rows[i].row];
    if (!is_ranked(row.role) || row.partial()) continue;
    if (!found) best = i;
    found = true;
    if (row.method == "student") other = i;
  }
  if (best == other) {
    for (std::size_t i = 0; i < clips.rows.size(); ++i) {
      if (i != best && is_ranked(table.rows[clips.rows[i].row].role)) return {best, i};
    }
    other = best == 0 ? clips.rows.size() - 1 : 0;
  }
  return {best, other};
}

// For the script: nothing of it is markup, whatever the names are.
std::string pair_data(const Table& table, const ClipTable& clips) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const RowClips& row : clips.rows) {
    std::string right;
    for (const std::int64_t seeds : row.right) right += "0123456789abcdefghijklmnopqrstuvwxyz"[seeds];
    nlohmann::ordered_json confusion = nlohmann::ordered_json::array();
    for (const ConfusionCount& count : row.confusion) {
      for (const std::int64_t part : {std::int64_t{count.label}, std::int64_t{count.predicted}, count.clips})
        confusion.push_back(part);
    }
    rows.push_back({{"name", clean_text(table.rows[row.row].name)},
                    {"seeds", row.seeds},
                    {"right", right},
                    {"confusion", confusion}});
  }
  nlohmann::ordered_json ids = nlohmann::ordered_json::array();
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < clips.clips.size(); ++i) {
    ids.push_back(clean_text(clips.clips[i]));
    groups.push_back(clips.groups[i] == clips.clips[i] ? "" : clean_text(clips.groups[i]));
  }
  const nlohmann::ordered_json all{
      {"classes", clips.classes}, {"clips", ids}, {"groups", groups}, {"labels", clips.labels}, {"rows", rows}};
  std::string text;
  for (const char c : all.dump()) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

void write_choice(Page& page, const Table& table, const ClipTable& clips, std::size_t chosen, const char* name) {
  page.line("<label>{} <select class=\"pair-{}\">", name, name);
  for (std::size_t i = 0; i < clips.rows.size(); ++i) {
    page.line("<option value=\"{}\"{}>{}</option>", i, i == chosen ? " selected" : "",
              html_escaped(table.rows[clips.rows[i].row].name));
  }
  page.line("</select></label>");
}

void write_clip_table(Page& page, const Table& table, const ClipTable& clips, std::size_t position) {
  page.line("<section class=\"board pair\" {}><h3>{}</h3>", board_attributes(table), html_escaped(short_title(table)));
  if (clips.rows.size() < 2) {
    page.line("<p class=\"quiet\">Nothing to compare clip by clip: {}.</p></section>",
              html_escaped(clips.rows.empty() ? clips.why_not : "only one row has outputs of single clips"));
    return;
  }
  const auto [left, right] = default_pair(table, clips);
  const bool small = clips.rows.size() * clips.clips.size() <= kMostCells &&
                     std::ranges::all_of(clips.rows, [](const RowClips& row) { return row.seeds <= kMostSeeds; });
  if (small) {
    page.line("<div class=\"tools\" hidden>");
    write_choice(page, table, clips, left, "A");
    write_choice(page, table, clips, right, "B");
    page.line("</div><script type=\"application/json\">{}</script>", pair_data(table, clips));
  } else {
    page.line(
        "<p class=\"quiet\">This pair only: {} rows of {} clips are too many for one page; `cmkd compare A B` shows "
        "any other.</p>",
        clips.rows.size(), clips.clips.size());
  }
  page.line("<div class=\"pair-shown\">");
  write_pair(page, {table, clips, clips.rows[left], clips.rows[right], fmt::format("p{}", position)});
  page.line("</div>");
  if (!clips.left_out.empty()) {
    page.line("<details><summary>{} not compared</summary><ul>", clips.left_out.size());
    for (const std::string& text : clips.left_out) page.line("<li>{}</li>", html_escaped(text));
    page.line("</ul></details>");
  }
  page.line("</section>");
}

}  // namespace

void write_clips(Page& page, const Leaderboard& board, const Details& details, const std::vector<std::size_t>& tables) {
  page.line("<section id=\"clips\" aria-labelledby=\"clipsh\"><h2 id=\"clipsh\">Classes and clips</h2>");
  page.line(
      "<p class=\"quiet\">Two rows of a table, clip by clip, from the stored outputs. A clip counts for each seed that "
      "named its class.</p>");
  for (const std::size_t position : tables) {
    write_clip_table(page, board.tables[position], details.clips(board.tables[position]), position);
  }
  page.line("</section>");
}

}  // namespace cmkd::reports
