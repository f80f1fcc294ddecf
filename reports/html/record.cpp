// What a reader needs to trust and to repeat: clips left out, environments, commands.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kShownExclusions = 200;
constexpr std::size_t kUnfoldedExclusions = 10;  // of all data sets

void write_exclusion_list(Page& page, const ExclusionList& list, bool open) {
  page.line("<section class=\"board\" data-dataset=\"{}\"><h3>{}<small>{}</small></h3>", html_escaped(list.dataset),
            html_escaped(list.dataset), html_escaped(exclusion_counts(list)));
  if (!list.clips.empty()) {
    page.line("<details{}><summary>{} clip{}</summary>{}<table>", open ? " open" : "", list.clips.size(),
              list.clips.size() == 1 ? "" : "s", scroll_region("Clips left out of " + list.dataset));
    page.line(
        "<caption>Clips that no method saw, and why</caption><thead><tr><th scope=\"col\">Clip</th>"
        "<th scope=\"col\">Split</th><th scope=\"col\">Reason</th></tr></thead><tbody>");
    for (std::size_t i = 0; i < list.clips.size() && i < kShownExclusions; ++i) {
      const auto& clip = list.clips[i];
      page.line("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>", html_escaped(clip.clip_id),
                html_escaped(clip.split), html_escaped(clip.reason));
    }
    page.line("</tbody></table></div>");
    if (list.clips.size() > kShownExclusions) {
      page.line("<p class=\"quiet\">The first {}; the JSON report has all.</p>", kShownExclusions);
    }
    page.line("</details>");
  }
  page.line("</section>");
}

}  // namespace

void write_exclusions(Page& page, const Leaderboard& board) {
  page.line("<section id=\"exclusions\" aria-labelledby=\"exclusionsh\"><h2 id=\"exclusionsh\">Clips left out</h2>");
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  std::vector<const ExclusionList*> lists;
  std::size_t clips = 0;
  for (const Table& table : board.tables) {
    for (const ExclusionList& list : table.exclusions) {
      if (!seen.insert({list.dataset, list.source_fingerprint, list.decoded_fingerprint}).second) continue;
      lists.push_back(&list);
      clips += list.clips.size();
    }
  }
  for (const ExclusionList* list : lists) write_exclusion_list(page, *list, clips <= kUnfoldedExclusions);
  if (seen.empty()) page.line("<p class=\"quiet\">No dataset of these tables has been read yet.</p>");
  page.line("</section>");
}

void write_environment(Page& page, const Leaderboard& board, const Details* details) {
  page.line("<section id=\"environment\" aria-labelledby=\"environmenth\"><h2 id=\"environmenth\">Environment</h2>");
  for (const std::string& line : provenance_lines(board.provenance)) page.line("<p>{}</p>", html_escaped(line));
  const std::vector<EnvironmentFact> environment =
      details == nullptr ? std::vector<EnvironmentFact>{} : details->environment(board);
  if (!environment.empty()) {
    page.line(
        "{}<table class=\"narrow\"><caption>What the trainings were made with; the number of trainings where they "
        "differ</caption>"
        "<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Value</th></tr></thead><tbody>",
        scroll_region("Environment"));
    for (const EnvironmentFact& fact : environment) {
      std::string values;
      for (const EnvironmentFact::Value& value : fact.values) {
        values += fmt::format(
            "{}{}{}", values.empty() ? "" : "<br>", html_escaped(value.value),
            fact.values.size() == 1 ? "" : fmt::format(" <span class=\"quiet\">× {}</span>", value.trainings));
      }
      page.line("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", html_escaped(words(fact.name)), values);
    }
    page.line("</tbody></table></div>");
  }
  page.line("</section>");
}

void write_reruns(Page& page, const Leaderboard& board) {
  page.line("<section id=\"rerun\" aria-labelledby=\"rerunh\"><h2 id=\"rerunh\">To repeat a row</h2>");
  for (const Table& table : board.tables) {
    page.line("<section class=\"board\" {}><details><summary>{}</summary>{}<table>", board_attributes(table),
              html_escaped(short_title(table)), scroll_region("To repeat a row, " + table_title(table)));
    page.line(
        "<caption>Each command runs all seeds of its row</caption><thead><tr><th scope=\"col\">Method</th>"
        "<th scope=\"col\">Command</th></tr></thead><tbody>");
    for (const Row& row : table.rows) {
      page.line("<tr><th scope=\"row\">{}</th><td><code>{}</code></td></tr>", html_escaped(row.name),
                html_escaped(row.rerun_command));
    }
    page.line("</tbody></table></div></details></section>");
  }
  page.line("</section>");
}

void write_how_to_read(Page& page) {
  page.line("<section id=\"reading\" aria-labelledby=\"readingh\"><h2 id=\"readingh\">How to read this</h2><ul>");
  for (const std::string& line : how_to_read()) page.line("<li>{}</li>", html_escaped(line));
  page.line("</ul></section>");
}

}  // namespace cmkd::reports
