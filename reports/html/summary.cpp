// What a reader should take home, before the tables.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
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

std::string leader_html(const std::string& name, const std::string& value, const std::string& rank) {
  return fmt::format("<span class=\"leader\"><b>{}</b> {}{}</span>", isolated_html(name), value,
                     rank.empty() ? "" : fmt::format(" <span class=\"quiet\">{}</span>", rank));
}

std::string more_html(std::size_t all) {
  if (all <= kNamesInSummary) return "";
  return fmt::format("<span class=\"leader quiet\">and {} more</span>", all - kNamesInSummary);
}

std::string left_out_html(std::ptrdiff_t number, const char* what) {
  return number > 0 ? fmt::format("<small class=\"missing\">and {} {}</small>", number, what) : "";
}

// Cells: where (linked), ahead, best against the student, methods.
struct SummaryRow {
  std::string attributes;
  std::string link;
  std::string name;
  std::string facts;
  std::string ahead_label;
  std::string ahead;
  std::string difference;
  std::string methods;
};

void write_summary_cells(Page& page, const SummaryRow& row) {
  page.line("<tr role=\"row\" {}><th role=\"rowheader\" scope=\"row\"><a href=\"#{}\">{}</a><small>{}</small></th>",
            row.attributes, row.link, html_escaped(row.name), html_escaped(row.facts));
  page.cell("long", row.ahead_label, "", row.ahead);
  page.cell("number long", "Best against student", "", row.difference);
  page.cell("number", "Methods", "", row.methods);
  page.line("</tr>");
}

// --- The data sets together ---

// A first row, and every one whose rank interval reaches into its: they are by mean rank.
std::size_t leading_methods(const Overview& overview) {
  const double reach = overview.methods.front().mean_rank.interval.high;
  return static_cast<std::size_t>(std::ranges::count_if(
      overview.methods, [&](const OverviewMethod& method) { return method.mean_rank.interval.low <= reach; }));
}

std::string overview_difference_html(const Overview& overview) {
  const auto student = std::ranges::find(overview.methods, "student", &OverviewMethod::name);
  if (student == overview.methods.begin() || student == overview.methods.end()) return kNothing;
  const auto place = static_cast<std::size_t>(student - overview.methods.begin());
  const auto pair = std::ranges::find_if(
      overview.pairs, [&](const OverviewPair& one) { return one.first == 0 && one.second == place; });
  std::string text = difference_text(overview.primary_metric, pair->mean_difference);
  text += fmt::format("<small>mean of {} data sets</small>", overview.datasets.size());
  if (pair->holm_p) text += fmt::format("<small>{} after Holm</small>", p_text(pair->holm_p));
  return text;
}

void write_overview_row(Page& page, const Overview& overview) {
  if (overview.datasets.size() < 2 || overview.methods.empty()) return;
  SummaryRow row;
  row.attributes = fmt::format("class=\"together\" data-direction=\"{}\"", html_escaped(overview.direction));
  row.link = "across";
  row.name = fmt::format("All {} datasets", overview.datasets.size());
  row.facts = fmt::format("{}, {}, {}", words(overview.task), direction_text(overview.direction), overview.protocol);
  row.ahead_label = "Lowest mean rank";
  const std::size_t leading = leading_methods(overview);
  for (std::size_t i = 0; i < leading && i < kNamesInSummary; ++i) {
    const OverviewMethod& method = overview.methods[i];
    row.ahead += leader_html(method.name, "", "rank " + rank_text(method.mean_rank.value, method.mean_rank.interval));
  }
  row.ahead += more_html(leading);
  row.difference = overview_difference_html(overview);
  row.methods =
      fmt::format("{}{}", overview.methods.size(), left_out_html(std::ssize(overview.left_out), "not complete"));
  write_summary_cells(page, row);
}

// --- A table ---

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

std::string ahead_html(const Table& table, const std::vector<const Row*>& best) {
  if (best.empty()) return "<span class=\"missing\">no complete row</span>";
  std::string text;
  for (std::size_t i = 0; i < best.size() && i < kNamesInSummary; ++i) {
    const Row& row = *best[i];
    text += leader_html(row.name, mean_text(table.primary_metric, row),
                        row.rank ? fmt::format("rank {}", rank_text(row.rank->rank, row.rank->interval)) : "");
  }
  text += more_html(best.size());
  return best.front()->tier ? text : text + "<small>no tiers: an order by mean is no order of merit</small>";
}

void write_table_row(Page& page, const Table& table, std::size_t position, const std::string& usual_n) {
  const std::vector<const Row*> best = leaders(table);
  const auto count = [&](bool partial) {
    return std::ranges::count_if(table.rows,
                                 [&](const Row& row) { return is_ranked(row.role) && row.partial() == partial; });
  };
  SummaryRow row;
  row.attributes = board_attributes(table);
  row.link = board_id(position);
  row.name = dataset_text(table);
  row.facts = fmt::format("{}, {}, {}", words(table.task), direction_text(table.direction), table.protocol);
  row.ahead_label = !best.empty() && best.front()->tier ? "First tier" : "Highest mean";
  row.ahead = ahead_html(table, best);
  if (table.what_n_allows != usual_n) row.ahead += fmt::format("<small>{}</small>", html_escaped(table.what_n_allows));
  row.difference = best.empty() ? std::string(kNothing) : difference_html(table.primary_metric, *best.front());
  row.methods = fmt::format("{}{}", count(false), left_out_html(count(true), "partial"));
  write_summary_cells(page, row);
}

// What the number of seeds allows in most tables; the others say it themselves.
std::string usual_what_n_allows(const Leaderboard& board) {
  std::map<std::string, std::size_t> tables;
  for (const Table& table : board.tables) ++tables[table.what_n_allows];
  return std::ranges::max_element(tables, {}, [](const auto& entry) { return entry.second; })->first;
}

void write_summary_table(Page& page, const Leaderboard& board, const std::string& usual_n) {
  page.line(
      "{}<table role=\"table\" class=\"cards summary\"><caption>Who leads where. A tier holds what the seeds cannot "
      "tell "
      "apart; over all datasets stand the methods whose rank intervals reach the first one’s.</caption>",
      scroll_region("Summary"));
  page.line("<thead role=\"rowgroup\"><tr role=\"row\">");
  for (const char* name : {"Where", "Ahead"}) page.line("<th role=\"columnheader\" scope=\"col\">{}</th>", name);
  page.line(
      "<th role=\"columnheader\" scope=\"col\" class=\"number\">Best against student,<br>points, 95 % interval</th>"
      "<th role=\"columnheader\" scope=\"col\" class=\"number\">Methods</th>");
  page.line("</tr></thead><tbody role=\"rowgroup\">");
  for (const Overview& overview : board.overviews) write_overview_row(page, overview);
  for (std::size_t i = 0; i < board.tables.size(); ++i) write_table_row(page, board.tables[i], i, usual_n);
  page.line("</tbody></table></div>");
}

}  // namespace

void write_summary(Page& page, const Leaderboard& board) {
  page.line("<section id=\"summary\" aria-labelledby=\"summaryh\"><h2 id=\"summaryh\">Summary</h2>");
  write_counts(page, board);
  if (!board.tables.empty()) {
    const std::string usual_n = usual_what_n_allows(board);
    page.line("<p>{}</p>", html_escaped(usual_n));
    write_summary_table(page, board, usual_n);
  }
  page.line("</section>");
}

}  // namespace cmkd::reports
