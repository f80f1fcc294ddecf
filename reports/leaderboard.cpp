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

using TablePlace = std::pair<std::string, std::string>;  // direction, protocol

// A training that failed or never ran does not tell its protocol, and one that never ran not its direction: they are
// those of the other seeds of the same command, else of the whole suite where it has only one.
void place(std::vector<PlacedRow>& rows) {
  std::map<std::tuple<std::string, std::string, std::string>, std::set<TablePlace>> by_command;
  std::map<std::tuple<std::string, std::string>, std::set<TablePlace>> by_task;
  for (const PlacedRow& row : rows) {
    if (row.source->state != results::RowState::kEvaluated) continue;
    const results::SuiteLink& link = row.source->link;
    by_command[{link.task, link.dataset, row.command}].insert({row.direction, row.protocol});
    by_task[{link.task, link.dataset}].insert({row.direction, row.protocol});
  }
  for (PlacedRow& row : rows) {
    if (row.source->state == results::RowState::kEvaluated) continue;
    const results::SuiteLink& link = row.source->link;
    for (const std::set<TablePlace>& places :
         {by_command[{link.task, link.dataset, row.command}], by_task[{link.task, link.dataset}]}) {
      std::set<TablePlace> fitting;
      for (const TablePlace& one : places) {
        if (row.direction.empty() || row.direction == one.first) fitting.insert(one);
      }
      if (fitting.size() != 1) continue;
      std::tie(row.direction, row.protocol) = *fitting.begin();
      break;
    }
  }
}

std::vector<PlacedRow> placed_rows(const std::vector<results::LeaderboardRow>& rows) {
  std::vector<PlacedRow> placed;
  std::map<std::string, std::string> label_of_command;
  for (const results::LeaderboardRow& row : rows) {
    PlacedRow one{&row, row.training.label, without_seed(row.link.rerun_command), "", row.protocol};
    if (row.state != results::RowState::kNotRun) {
      one.direction = row.training.direction;
      label_of_command[one.command] = row.training.label;
    }
    placed.push_back(one);
  }
  for (PlacedRow& row : placed) {
    if (row.source->state != results::RowState::kNotRun) continue;
    const auto known = label_of_command.find(row.command);
    row.label = known != label_of_command.end() ? known->second : label_in_command(row.command);
    if (row.label.empty()) row.label = fmt::format("training {:.12}", row.source->link.training_key);
  }
  place(placed);
  std::ranges::sort(placed, {}, [](const PlacedRow& row) {
    const results::SuiteLink& link = row.source->link;
    return std::tie(link.task, link.dataset, row.direction, row.protocol, row.label, row.command, link.training_key,
                    link.evaluation_key);
  });
  return placed;
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

void add_exclusions(Table& table, const std::vector<PlacedRow>& rows,
                    const std::vector<results::DatasetRecord>& datasets) {
  std::vector<const results::DatasetRecord*> used;
  for (const results::DatasetRecord& dataset : datasets) {
    const bool seen = std::ranges::any_of(rows, [&](const PlacedRow& row) {
      const results::TrainingRecord& training = row.source->training;
      return row.source->state != results::RowState::kNotRun &&
             training.dataset_fingerprint == dataset.source_fingerprint &&
             (training.decoded_fingerprint.empty() || training.decoded_fingerprint == dataset.decoded_fingerprint);
    });
    if (seen) used.push_back(&dataset);
  }
  std::ranges::sort(used, {}, [](const results::DatasetRecord* dataset) {
    return std::tie(dataset->name, dataset->source_fingerprint, dataset->decoded_fingerprint);
  });
  for (const results::DatasetRecord* dataset : used) table.exclusions.push_back(exclusion_list(*dataset));
}

void collect_names(Table& table, const std::vector<PlacedRow>& rows) {
  std::set<std::string> folds;
  for (const PlacedRow& row : rows) {
    if (!row.source->link.fold.empty()) folds.insert(row.source->link.fold);
  }
  table.folds.assign(folds.begin(), folds.end());
  std::set<std::string> rules;
  for (const PlacedRow& row : rows) {
    if (!row.source->training.selection_rule.empty()) rules.insert(row.source->training.selection_rule);
  }
  table.selection_rules.assign(rules.begin(), rules.end());
  std::set<std::string> metrics;
  for (const Row& row : table.rows) {
    for (const auto& [name, value] : row.secondary) metrics.insert(name);
  }
  table.secondary_metrics.assign(metrics.begin(), metrics.end());
  sort_metrics(table.secondary_metrics);
}

Table make_table(const std::vector<PlacedRow>& rows, const std::vector<results::DatasetRecord>& datasets,
                 const LeaderboardOptions& options) {
  Table table;
  const PlacedRow& first = rows.front();
  table.task = first.source->link.task;
  table.dataset = first.source->link.dataset;
  table.direction = first.direction;
  table.protocol = first.protocol;
  table.primary_metric = first.source->link.primary_metric;
  table.condition = first.source->link.condition;
  table.level = first.source->link.level;
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(), [&](const PlacedRow& row) {
      return row.label != begin->label || row.command != begin->command;
    });
    table.rows.push_back(make_row({begin, end}, options));
    begin = end;
  }
  make_names_unique(table);
  compare_to_student(table);
  assign_tiers(table);
  describe_fingerprints(table);
  sort_rows(table);
  collect_names(table, rows);
  add_exclusions(table, rows, datasets);
  return table;
}

// Levels by their value, where they stand side by side: as text, 10 comes before 2.
void sort_by_level(std::vector<Table>& tables) {
  const auto of_another_sweep = [](const Table& a, const Table& b) {
    return a.task != b.task || base_dataset(a) != base_dataset(b) || swept_setting(a) != swept_setting(b);
  };
  for (auto begin = tables.begin(); begin != tables.end();) {
    const auto end = std::find_if(begin, tables.end(), [&](const Table& one) { return of_another_sweep(one, *begin); });
    std::ranges::stable_sort(begin, end, {}, &Table::level);
    begin = end;
  }
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
  const std::vector<PlacedRow> placed = placed_rows(rows);
  const auto place_of = [](const PlacedRow& row) {
    return std::tie(row.source->link.task, row.source->link.dataset, row.direction, row.protocol);
  };
  for (auto begin = placed.begin(); begin != placed.end();) {
    const auto end =
        std::find_if(begin, placed.end(), [&](const PlacedRow& row) { return place_of(row) != place_of(*begin); });
    board.tables.push_back(make_table({begin, end}, datasets, options));
    begin = end;
  }
  sort_by_level(board.tables);
  return board;
}

Format format_from_name(std::string_view name) {
  if (name == "markdown" || name == "md") return Format::kMarkdown;
  if (name == "csv") return Format::kCsv;
  if (name == "json") return Format::kJson;
  if (name == "html") return Format::kHtml;
  throw Error(ErrorKind::kUsage, {fmt::format("unknown report format '{}'", name), "", "markdown, csv, json, html",
                                  did_you_mean(name, {"markdown", "csv", "json", "html"})});
}

std::string render(const Leaderboard& board, Format format) {
  switch (format) {
    case Format::kMarkdown:
      return render_markdown(board);
    case Format::kCsv:
      return render_csv(board);
    case Format::kJson:
      return render_json(board);
    case Format::kHtml:
      break;
  }
  return render_html(board);
}

}  // namespace cmkd::reports
