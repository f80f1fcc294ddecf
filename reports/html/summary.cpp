// What a reader should take home, before the tables.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "html/sections.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kNamesInSummary = 6;

struct Counts {
  std::set<std::string> trainings, failed, missing, datasets, tasks;
  std::set<std::int64_t> seeds;
};

void count_seed(const SeedResult& seed, Counts& counts) {
  for (const SeedResult& fold : seed.folds) count_seed(fold, counts);
  if (!seed.folds.empty()) return;
  counts.trainings.insert(seed.training_key);
  counts.seeds.insert(seed.seed);
  if (seed.state == "failed") counts.failed.insert(seed.training_key);
  if (!seed.value && seed.state != "failed") counts.missing.insert(seed.training_key);
}

std::string counted(std::size_t number, const char* one, const char* many) {
  return fmt::format("<b>{}</b> {}", number, number == 1 ? one : many);
}

void write_counts(Page& page, const Leaderboard& board) {
  Counts counts;
  for (const Table& table : board.tables) {
    counts.datasets.insert(table.dataset);
    counts.tasks.insert(table.task);
    for (const Row& row : table.rows) {
      for (const SeedResult& seed : row.seeds) count_seed(seed, counts);
    }
  }
  std::vector<std::string> parts{counted(counts.trainings.size(), "training", "trainings")};
  if (!counts.failed.empty())
    parts.push_back(fmt::format("<span class=\"missing\"><b>{}</b> failed</span>", counts.failed.size()));
  if (!counts.missing.empty()) {
    parts.push_back(
        fmt::format("<span class=\"missing\"><b>{}</b> without a result yet</span>", counts.missing.size()));
  }
  parts.push_back(counted(counts.seeds.size(), "seed", "seeds"));
  parts.push_back(counted(counts.datasets.size(), "dataset", "datasets"));
  parts.push_back(counted(counts.tasks.size(), "task", "tasks"));
  page.line("<ul class=\"counts\">");
  for (const std::string& part : parts) page.line("<li>{}</li>", part);
  page.line("</ul>");
}

std::string names_html(const std::vector<const Row*>& rows, const std::string& metric) {
  std::string text;
  for (std::size_t i = 0; i < rows.size() && i < kNamesInSummary; ++i) {
    text += fmt::format("<span class=\"leader\"><b>{}</b> {}</span>", html_escaped(rows[i]->name),
                        mean_text(metric, *rows[i]));
  }
  if (rows.size() > kNamesInSummary)
    text += fmt::format("<span class=\"leader quiet\">and {} more</span>", rows.size() - kNamesInSummary);
  return text;
}

// The first tier; where there are no tiers, the highest mean, which is then no order of merit.
std::vector<const Row*> leaders(const Table& table) {
  std::vector<const Row*> found;
  for (const Row& row : table.rows) {
    if (row.tier == 1) found.push_back(&row);
  }
  if (!found.empty()) return found;
  for (const Row& row : table.rows) {
    if (is_ranked(row.role) && !row.partial() && row.mean) return {&row};
  }
  return {};
}

void write_summary_row(Page& page, const Table& table, std::size_t position, bool with_n) {
  const std::vector<const Row*> best = leaders(table);
  const bool tiers = !best.empty() && best.front()->tier.has_value();
  const auto ranked =
      std::ranges::count_if(table.rows, [](const Row& row) { return is_ranked(row.role) && !row.partial(); });
  const auto partial =
      std::ranges::count_if(table.rows, [](const Row& row) { return is_ranked(row.role) && row.partial(); });
  page.line(
      "<tr role=\"row\" {}><th role=\"rowheader\" scope=\"row\"><a href=\"#{}\">{}</a><small>{}, {}, {}</small></th>",
      board_attributes(table), board_id(position), html_escaped(dataset_text(table)), html_escaped(words(table.task)),
      html_escaped(direction_text(table.direction)), html_escaped(table.protocol));
  page.cell("", tiers ? "First tier" : "Highest mean", "",
            best.empty() ? std::string("<span class=\"missing\">no complete row</span>")
                         : names_html(best, table.primary_metric) +
                               (tiers ? "" : "<small>no tiers: an order by mean is no order of merit</small>"));
  page.cell("number", "Best against student", "",
            best.empty() ? std::string(kNothing) : difference_html(table.primary_metric, *best.front()));
  page.cell("number", "Methods", "",
            fmt::format("{}{}", ranked,
                        partial > 0 ? fmt::format("<small class=\"missing\">and {} partial</small>", partial) : ""));
  if (with_n) {
    page.cell("", "What n allows", "",
              fmt::format("<small class=\"plain\">{}</small>", html_escaped(table.what_n_allows)));
  }
  page.line("</tr>");
}

}  // namespace

void write_summary(Page& page, const Leaderboard& board) {
  page.line("<section id=\"summary\" aria-labelledby=\"summaryh\"><h2 id=\"summaryh\">Summary</h2>");
  write_counts(page, board);
  if (!board.tables.empty()) {
    const bool with_n = std::ranges::any_of(
        board.tables, [&](const Table& table) { return table.what_n_allows != board.tables[0].what_n_allows; });
    if (!with_n) page.line("<p>{}</p>", html_escaped(board.tables[0].what_n_allows));
    page.line(
        "{}<table role=\"table\" class=\"cards\"><caption>Who leads where. A tier holds what the seeds cannot tell "
        "apart.</caption>",
        scroll_region("Summary"));
    page.line("<thead role=\"rowgroup\"><tr role=\"row\">");
    for (const char* name : {"Where", "Ahead"}) page.line("<th role=\"columnheader\" scope=\"col\">{}</th>", name);
    page.line(
        "<th role=\"columnheader\" scope=\"col\" class=\"number\">Best against student,<br>points, 95 % interval</th>");
    page.line("<th role=\"columnheader\" scope=\"col\" class=\"number\">Methods</th>");
    if (with_n) page.line("<th role=\"columnheader\" scope=\"col\">What n allows</th>");
    page.line("</tr></thead><tbody role=\"rowgroup\">");
    for (std::size_t i = 0; i < board.tables.size(); ++i) write_summary_row(page, board.tables[i], i, with_n);
    page.line("</tbody></table></div>");
  }
  page.line("</section>");
}

}  // namespace cmkd::reports
