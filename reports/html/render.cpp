// The page as a whole: readable without scripts, sortable and filterable with them.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <set>

#include "cmkd/core/parallel.h"
#include "cmkd/reports/page.h"
#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

namespace {

void write_provenance(Page& page, const Provenance& provenance) {
  if (!provenance.is_mixed()) return;  // then the section on the environment has its one sentence
  page.line("<section class=\"warning\" role=\"note\">");
  for (const std::string& line : provenance_lines(provenance)) page.line("<p>{}</p>", html_escaped(line));
  page.line("</section>");
}

void write_filter_choice(Page& page, const char* name, const std::set<std::string>& values, bool arrows) {
  if (values.size() < 2) return;
  page.line("<label>{} <select data-filter=\"{}\"><option value=\"\">all</option>", capitalised(name), name);
  for (const std::string& value : values) {
    page.line("<option value=\"{}\">{}</option>", html_escaped(value),
              html_escaped(arrows ? direction_text(value) : value));
  }
  page.line("</select></label>");
}

void write_tools(Page& page, const Leaderboard& board) {
  std::set<std::string> datasets;
  std::set<std::string> directions;
  for (const Table& table : board.tables) {
    datasets.insert(table.dataset);
    directions.insert(table.direction);
  }
  page.line(
      "<div class=\"tools\" hidden><label>Method <input id=\"filter\" type=\"search\" autocomplete=\"off\" "
      "placeholder=\"name contains\"></label>");
  write_filter_choice(page, "dataset", datasets, false);
  write_filter_choice(page, "direction", directions, true);
  page.line(
      "<output id=\"found\" for=\"filter\" class=\"quiet\"></output><button id=\"theme\" type=\"button\" "
      "aria-label=\"Switch between light and dark\"></button></div>");
}

void write_contents(Page& page, const std::vector<Heading>& headings) {
  page.line("<nav class=\"contents\" aria-label=\"Contents\"><ul>");
  for (const Heading& heading : headings)
    page.line("<li><a href=\"#{}\">{}</a></li>", heading.id, html_escaped(heading.name));
  page.line("</ul></nav>");
}

void begin_page(Page& page, const Leaderboard& board, const std::string& title, const std::vector<Heading>& headings) {
  page.line("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
  page.line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
  // The page asks for nothing, and could not if it did.
  page.line(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'\">");
  page.line("<title>{}</title>\n<style>", title);
  page.raw(chart_style());
  page.raw(page_style());
  page.line("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><h1>{}</h1>",
            title);
  write_tools(page, board);
  page.line("</header>");
  write_contents(page, headings);
  page.line("<main id=\"main\">");
}

void end_page(Page& page) {
  page.line("</main>\n<script>");
  page.raw(page_script());
  page.line("</script>\n</body>\n</html>");
}

std::string page_title(const Leaderboard& board) {
  return board.title.empty() ? "Leaderboard without rows" : html_escaped(board.title);
}

// --- Details in a folder ---

struct DetailPage {
  std::string name;
  std::size_t table = 0;
  std::vector<RowPlace> places;
  bool with_clips = false;  // those of the whole table, once
};

std::string folder_of(const PageOptions& options) {
  const std::size_t dot = options.name.rfind('.');
  return options.name.substr(0, dot) + "_details";
}

// Rows of one table, at most so many runs.
std::vector<DetailPage> detail_pages(const Leaderboard& board, const PageOptions& options) {
  std::vector<DetailPage> pages;
  std::size_t runs = 0;
  std::size_t part = 0;
  for (const RowPlace& place : all_places(board)) {
    const std::size_t more = board.tables[place.table].rows[place.row].seeds.size();
    const bool new_table = pages.empty() || pages.back().table != place.table;
    if (new_table) part = 0;
    if (new_table || runs + more > options.runs_in_page) {
      pages.push_back(
          {fmt::format("{}/t{}-{}.html", folder_of(options), place.table, part++), place.table, {}, new_table});
      runs = 0;
    }
    runs += more;
    pages.back().places.push_back(place);
  }
  return pages;
}

std::string detail_page(const Leaderboard& board, const Details& details, const DetailPage& part,
                        const PageOptions& options) {
  Page page;
  std::vector<Heading> headings{{"training", "Training curves"}, {"diagnostics", "Diagnostics"}};
  if (part.with_clips) headings.push_back({"clips", "Classes and clips"});
  begin_page(page, board, html_escaped(fmt::format("{}: {}", board.title, short_title(board.tables[part.table]))),
             headings);
  page.line("<p><a href=\"../{}\">Back to the leaderboard</a></p>", html_escaped(options.name));
  write_runs(page, board, details, part.places);
  if (part.with_clips) write_clips(page, board, details, {part.table});
  end_page(page);
  return page.take();
}

void write_detail_links(Page& page, const Leaderboard& board, const std::vector<DetailPage>& pages) {
  page.line("<section id=\"details\" aria-labelledby=\"detailsh\"><h2 id=\"detailsh\">Details of the runs</h2>");
  page.line(
      "<p>Training curves, diagnostics, classes and clips of {} runs lie in the folder beside this page.</p>{}<table "
      "class=\"narrow\">"
      "<caption>Pages of details</caption><thead><tr><th scope=\"col\">Table</th><th "
      "scope=\"col\">Rows</th></tr></thead><tbody>",
      run_count(board), scroll_region("Pages of details"));
  for (const DetailPage& part : pages) {
    const Table& table = board.tables[part.table];
    page.line("<tr {}><th scope=\"row\"><a href=\"{}\">{}</a></th><td>{} – {}</td></tr>", board_attributes(table),
              html_escaped(part.name), html_escaped(short_title(table)),
              isolated_html(table.rows[part.places.front().row].name),
              isolated_html(table.rows[part.places.back().row].name));
  }
  page.line("</tbody></table></div></section>");
}

// --- The page ---

struct Plan {
  const Leaderboard& board;
  const Details* details = nullptr;
  std::vector<Sweep> sweeps;
  std::vector<DetailPage> pages;  // none: details stand in the page
};

std::vector<Heading> headings_of(const Plan& plan) {
  std::vector<Heading> headings{{"summary", "Summary"}};
  for (std::size_t i = 0; i < plan.board.tables.size(); ++i) {
    const std::string& task = plan.board.tables[i].task;
    if (i == 0 || task != plan.board.tables[i - 1].task) {
      headings.push_back({fmt::format("board{}", i), capitalised(words(task))});
    }
  }
  if (has_overviews(plan.board)) headings.push_back({"across", "Across datasets"});
  if (has_pairs(plan.board)) headings.push_back({"pairs", "Pairs"});
  if (has_costs(plan.board)) headings.push_back({"cost", "Cost"});
  if (!plan.sweeps.empty()) headings.push_back({"sweeps", "Robustness"});
  if (plan.board.tuning) headings.push_back({"tuning", "Tuning"});
  if (!plan.pages.empty()) {
    headings.push_back({"details", "Details"});
  } else if (plan.details != nullptr) {
    headings.insert(headings.end(),
                    {{"training", "Training"}, {"diagnostics", "Diagnostics"}, {"clips", "Classes and clips"}});
  }
  headings.insert(headings.end(), {{"exclusions", "Clips left out"},
                                   {"environment", "Environment"},
                                   {"rerun", "Repeat"},
                                   {"reading", "How to read"}});
  return headings;
}

std::string whole_page(const Plan& plan) {
  const Leaderboard& board = plan.board;
  Page page;
  begin_page(page, board, page_title(board), headings_of(plan));
  write_provenance(page, board.provenance);
  write_summary(page, board);
  write_boards(page, board);
  write_overviews(page, board);
  write_pairs(page, board);
  write_costs(page, board);
  write_sweeps(page, plan.sweeps);
  if (board.tuning) write_tuning(page, *board.tuning);
  if (!plan.pages.empty()) {
    write_detail_links(page, board, plan.pages);
  } else if (plan.details != nullptr) {
    write_runs(page, board, *plan.details, all_places(board));
    std::vector<std::size_t> tables(board.tables.size());
    for (std::size_t i = 0; i < tables.size(); ++i) tables[i] = i;
    write_clips(page, board, *plan.details, tables);
  }
  write_exclusions(page, board);
  write_environment(page, board, plan.details);
  write_reruns(page, board);
  write_how_to_read(page);
  end_page(page);
  return page.take();
}

// On all processors, each with a reader of its own: a store serves one thread. `write` and progress are called by one
// at a time.
void write_detail_pages(const Plan& plan, const PageOptions& options, const WriteBeside& write) {
  const auto pages = std::ssize(plan.pages);
  const std::int64_t readers = std::min<std::int64_t>(available_threads(), pages);
  const std::filesystem::path path = plan.details->store().path();
  std::mutex writing;
  std::size_t done = 0;
  for_each_in_parallel(readers, static_cast<int>(readers), [&](std::int64_t reader) {
    const results::Store store = results::Store::open(path, results::OpenMode::kReadOnly);
    const Details details(store);
    for (std::int64_t i = reader; i < pages; i += readers) {
      const DetailPage& part = plan.pages[static_cast<std::size_t>(i)];
      const std::string text = detail_page(plan.board, details, part, options);
      const std::lock_guard lock(writing);
      write(part.name, text);
      if (options.progress) options.progress(++done, plan.pages.size());
    }
  });
}

}  // namespace

std::string render_html(const Leaderboard& board) { return whole_page({board, nullptr, sweeps_of(board), {}}); }

std::string render_page(const Leaderboard& board, const Details& details, const PageOptions& options,
                        const WriteBeside& write) {
  Plan plan{board, &details, sweeps_of(board), {}};
  if (run_count(board) > options.runs_in_page) plan.pages = detail_pages(board, options);
  write_detail_pages(plan, options, write);
  return whole_page(plan);
}

}  // namespace cmkd::reports
