#include "cmkd/reports/leaderboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "build.h"
#include "cmkd/core/error.h"
#include "metric_names.h"

namespace cmkd::reports {

namespace {

using StoreRows = std::vector<const results::LeaderboardRow*>;

// Rows that compare with each other: a table. Levels go by their value: as text, 10 comes before 2.
auto table_key(const results::SuiteLink& link) {
  return std::tie(link.task, link.dataset, link.swept_setting, link.level, link.swept_value, link.direction,
                  link.protocol);
}

auto row_key(const results::SuiteLink& link) { return std::tie(link.label, link.row_rerun_command); }

StoreRows rows_in_order(const std::vector<results::LeaderboardRow>& rows) {
  StoreRows sorted;
  for (const results::LeaderboardRow& row : rows) sorted.push_back(&row);
  std::ranges::sort(sorted, [](const results::LeaderboardRow* a, const results::LeaderboardRow* b) {
    const auto key = [](const results::SuiteLink& link) {
      return std::tuple_cat(table_key(link), row_key(link), std::tie(link.training_key, link.evaluation_key));
    };
    return key(a->link) < key(b->link);
  });
  return sorted;
}

// Two entries of a suite may carry the same label; a reader must be able to tell their rows apart.
void make_names_unique(Table& table) {
  const auto repeated = [&](const Row& row) { return std::ranges::count(table.rows, row.name, &Row::name) > 1; };
  std::vector<std::string> names;
  for (const Row& row : table.rows) {
    names.push_back(repeated(row) ? fmt::format("{} · {}", row.name, row.student_model) : row.name);
  }
  for (std::size_t i = 0; i < names.size(); ++i) table.rows[i].name = names[i];
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (repeated(table.rows[i])) names[i] = fmt::format("{} · {}", names[i], table.rows[i].rerun_command);
  }
  for (std::size_t i = 0; i < names.size(); ++i) table.rows[i].name = names[i];
}

ExclusionList exclusion_list(const results::DatasetRecord& dataset) {
  ExclusionList list;
  list.dataset = dataset.name;
  list.source_fingerprint = dataset.source_fingerprint;
  list.decoded_fingerprint = dataset.decoded_fingerprint;
  list.listed = dataset.listed_clips;
  list.used = dataset.used_clips;
  list.clips = dataset.excluded;
  std::ranges::sort(list.clips, {}, [](const results::DatasetRecord::Excluded& clip) {
    return std::tie(clip.split, clip.clip_id, clip.reason, clip.path);
  });
  for (const auto& clip : list.clips) ++list.reasons[clip.reason.substr(0, clip.reason.find(':'))];
  return list;
}

void add_exclusions(Table& table, const StoreRows& rows, const std::vector<results::DatasetRecord>& datasets) {
  std::vector<const results::DatasetRecord*> used;
  for (const results::DatasetRecord& dataset : datasets) {
    const bool seen = std::ranges::any_of(rows, [&](const results::LeaderboardRow* row) {
      const results::TrainingRecord& training = row->training;
      return row->state != results::RowState::kNotRun && training.dataset_fingerprint == dataset.source_fingerprint &&
             (training.decoded_fingerprint.empty() || training.decoded_fingerprint == dataset.decoded_fingerprint);
    });
    if (seen) used.push_back(&dataset);
  }
  std::ranges::sort(used, {}, [](const results::DatasetRecord* dataset) {
    return std::tie(dataset->name, dataset->source_fingerprint, dataset->decoded_fingerprint);
  });
  for (const results::DatasetRecord* dataset : used) table.exclusions.push_back(exclusion_list(*dataset));
}

void collect_names(Table& table, const StoreRows& rows) {
  std::set<std::string> folds;
  for (const results::LeaderboardRow* row : rows) {
    if (!row->link.fold.empty()) folds.insert(row->link.fold);
  }
  table.folds.assign(folds.begin(), folds.end());
  std::set<std::string> rules;
  for (const results::LeaderboardRow* row : rows) {
    if (!row->training.selection_rule.empty()) rules.insert(row->training.selection_rule);
  }
  table.selection_rules.assign(rules.begin(), rules.end());
  std::set<std::string> metrics;
  for (const Row& row : table.rows) {
    for (const auto& [name, value] : row.secondary) metrics.insert(name);
  }
  table.secondary_metrics.assign(metrics.begin(), metrics.end());
  sort_metrics(table.secondary_metrics);
}

Table make_table(const StoreRows& rows, const std::vector<results::DatasetRecord>& datasets,
                 const LeaderboardOptions& options) {
  Table table;
  const results::SuiteLink& link = rows.front()->link;
  table.task = link.task;
  table.dataset = link.dataset;
  table.direction = link.direction;
  table.protocol = link.protocol;
  table.primary_metric = link.primary_metric;
  table.setting = link.swept_setting;
  if (!table.setting.empty()) table.condition = fmt::format("{} = {}", table.setting, link.swept_value);
  table.level = link.level;
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(), [&](const results::LeaderboardRow* row) {
      return row_key(row->link) != row_key((*begin)->link);
    });
    table.rows.push_back(make_row({begin, end}, options));
    begin = end;
  }
  make_names_unique(table);
  compare_to_student(table, options.numbers);
  assign_tiers(table);
  describe_fingerprints(table);
  sort_rows(table);
  rank_rows(table, options.numbers);
  compare_pairs(table, options.numbers);
  collect_names(table, rows);
  add_clip_intervals(table, options);
  add_exclusions(table, rows, datasets);
  return table;
}

}  // namespace

Leaderboard build_leaderboard(const std::vector<results::LeaderboardRow>& rows,
                              const std::vector<results::DatasetRecord>& datasets, const LeaderboardOptions& options) {
  Leaderboard board;
  board.title = options.title;
  board.cost = options.cost;
  if (rows.empty()) return board;
  board.suite = rows.front().link.suite;
  if (board.title.empty()) board.title = rows.front().link.suite_title;
  if (board.title.empty()) board.title = board.suite;

  board.provenance = provenance_of(rows);
  const StoreRows sorted = rows_in_order(rows);
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const auto end = std::find_if(begin, sorted.end(), [&](const results::LeaderboardRow* row) {
      return table_key(row->link) != table_key((*begin)->link);
    });
    board.tables.push_back(make_table({begin, end}, datasets, options));
    begin = end;
  }
  board.overviews = overviews_of(board.tables, options.numbers);
  return board;
}

Format format_from_name(std::string_view name) {
  if (name == "markdown" || name == "md") return Format::kMarkdown;
  if (name == "csv") return Format::kCsv;
  if (name == "json") return Format::kJson;
  if (name == "html") return Format::kHtml;
  if (name == "latex" || name == "tex") return Format::kLatex;
  throw Error(ErrorKind::kUsage, {.what = fmt::format("unknown report format '{}'", name),
                                  .allowed = "markdown, csv, json, html, latex",
                                  .fix = did_you_mean(name, {"markdown", "csv", "json", "html", "latex"})});
}

std::string render(const Leaderboard& board, Format format) {
  switch (format) {
    case Format::kMarkdown:
      return render_markdown(board);
    case Format::kCsv:
      return render_csv(board);
    case Format::kJson:
      return render_json(board);
    case Format::kLatex:
      return render_latex(board);
    case Format::kHtml:
      break;
  }
  return render_html(board);
}

}  // namespace cmkd::reports
