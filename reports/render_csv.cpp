// RFC 4180 with "\n" as the line's end: one line for each row and seed. Metrics are fractions, as stored. The intervals
// are the row's, the same on each of its lines: as the other formats show them, cut at the metric's range, and as the t
// distribution gives them.
// A tuning adds two columns to these lines, no second table: a reader of CSV expects one kind of line. Its curves are
// in the other formats.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "cmkd/core/csv_field.h"
#include "cmkd/core/error.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

std::string quoted(const std::string& text) { return csv_field(clean_text(text)); }

struct Columns {
  std::vector<std::string> metrics;
  std::vector<std::string> transfer;
  std::vector<std::string> measured;
  bool tuned = false;  // there is a tuning: which trial each method runs with, of how many
};

Columns columns_of(const Leaderboard& board) {
  std::set<std::string> metrics;
  std::set<std::string> transfer;
  std::set<std::string> measured;
  const auto insert_names = [](std::set<std::string>& names, const std::map<std::string, double>& values) {
    for (const auto& [name, value] : values) names.insert(name);
  };
  for (const Table& table : board.tables) {
    for (const Row& row : table.rows) {
      for (const SeedResult& seed : row.seeds) {
        insert_names(metrics, seed.metrics);
        insert_names(transfer, seed.transfer);
        insert_names(measured, seed.measured);
      }
    }
  }
  Columns columns{{metrics.begin(), metrics.end()},
                  {transfer.begin(), transfer.end()},
                  {measured.begin(), measured.end()},
                  board.tuning.has_value()};
  sort_metrics(columns.metrics);
  sort_metrics(columns.transfer);
  return columns;
}

void add_values(std::vector<std::string>& cells, const std::vector<std::string>& names,
                const std::map<std::string, double>& values) {
  for (const std::string& name : names) {
    const auto found = values.find(name);
    cells.push_back(found == values.end() ? "" : fmt::format("{:.6f}", found->second));
  }
}

// "2", "8": the row runs with trial 2 of 8. Empty where its method is not tuned (the teacher) or has no winner.
void add_tuned(std::vector<std::string>& cells, const Tuning& tuning, const Row& row) {
  const auto method = std::ranges::find(tuning.methods, row.method, &TunedMethod::name);
  const bool there = method != tuning.methods.end();
  cells.push_back(there && method->winner ? fmt::format("{}", *method->winner) : "");
  cells.push_back(there ? fmt::format("{}", method->values.size()) : "");
}

// Of each interval, after its name.
constexpr std::array<const char*, 5> kIntervalColumns{".low", ".high", ".cut", ".t_low", ".t_high"};

void add_csv_interval(std::vector<std::string>& cells, const std::string& metric,
                      const std::optional<Interval>& interval, IntervalOf of) {
  if (!interval) return cells.resize(cells.size() + kIntervalColumns.size());
  const ShownInterval shown = shown_interval(metric, *interval, of);
  const char* one_end = shown.low_is_cut ? "low" : shown.high_is_cut ? "high" : "";
  cells.push_back(fmt::format("{:.6f}", shown.interval.low));
  cells.push_back(fmt::format("{:.6f}", shown.interval.high));
  cells.emplace_back(shown.low_is_cut && shown.high_is_cut ? "both" : one_end);
  cells.push_back(fmt::format("{:.6f}", interval->low));
  cells.push_back(fmt::format("{:.6f}", interval->high));
}

void add_intervals(std::vector<std::string>& cells, const std::string& metric, const Row& row) {
  const auto& paired = row.to_student ? row.to_student->comparison : std::nullopt;
  add_csv_interval(cells, metric, row.interval, IntervalOf::kMean);
  add_csv_interval(cells, metric, paired ? paired->interval : std::nullopt, IntervalOf::kDifference);
}

void add_ends(std::vector<std::string>& cells, const std::optional<Interval>& interval) {
  cells.push_back(interval ? fmt::format("{:.6f}", interval->low) : "");
  cells.push_back(interval ? fmt::format("{:.6f}", interval->high) : "");
}

void add_rank_and_clips(std::vector<std::string>& cells, const Row& row) {
  cells.push_back(row.rank ? fmt::format("{:.6f}", row.rank->rank) : "");
  add_ends(cells, row.rank ? std::optional(row.rank->interval) : std::nullopt);
  const bool there = row.over_clips && row.over_clips->interval;
  cells.push_back(there ? fmt::format("{}", row.over_clips->clips) : "");
  cells.push_back(there ? fmt::format("{}", row.over_clips->groups) : "");
  add_ends(cells, there ? row.over_clips->interval : std::nullopt);
  add_ends(cells, there ? row.over_clips->to_student : std::nullopt);
}

std::string line_of(const std::vector<std::string>& cells) {
  std::vector<std::string> escaped;
  for (const std::string& cell : cells) escaped.push_back(quoted(cell));
  return join(escaped, ",") + "\n";
}

std::string head_line(const Columns& columns) {
  std::vector<std::string> cells{"suite",          "task",
                                 "dataset",        "direction",
                                 "protocol",       "condition",
                                 "level",          "row",
                                 "method",         "control",
                                 "verified",       "note",
                                 "tier",           "not_ranked",
                                 "seed",           "fold",
                                 "missing",        "primary_metric",
                                 "value",          "training_key",
                                 "evaluation_key", "initial_weights",
                                 "batch_order",    "augmentation",
                                 "student_model",  "rerun_command"};
  for (const char* name : {"interval_95", "against_student_95"}) {
    for (const char* column : kIntervalColumns) cells.push_back(std::string(name) + column);
  }
  cells.insert(cells.end(), {"rank", "rank_95.low", "rank_95.high", "test_clips", "test_videos"});
  for (const char* name : {"interval_95_clips", "against_student_95_clips"}) {
    for (const char* end : {".low", ".high"}) cells.push_back(std::string(name) + end);
  }
  if (columns.tuned) cells.insert(cells.end(), {"tuned_trial", "tuned_trials"});
  for (const std::string& name : columns.metrics) cells.push_back("test." + name);
  for (const std::string& name : columns.transfer) cells.push_back("transfer." + name);
  for (const std::string& name : columns.measured) cells.push_back("measured." + name);
  return line_of(cells);
}

std::string seed_line(const Leaderboard& board, const Table& table, const Row& row, const SeedResult& seed,
                      const Columns& columns) {
  std::vector<std::string> cells{board.suite,
                                 table.task,
                                 dataset_text(table),
                                 table.direction,
                                 table.protocol,
                                 table.condition,
                                 table.level ? level_text(*table.level) : "",
                                 row.name,
                                 row.method,
                                 row.control,
                                 row.verified,
                                 row.note,
                                 row.tier ? fmt::format("{}", *row.tier) : "",
                                 row.not_ranked,
                                 fmt::format("{}", seed.seed),
                                 seed.fold,
                                 seed.missing,
                                 table.primary_metric,
                                 seed.value ? fmt::format("{:.6f}", *seed.value) : "",
                                 seed.training_key,
                                 seed.evaluation_key,
                                 seed.initial_weights,
                                 seed.batch_order,
                                 seed.augmentation,
                                 row.student_model,
                                 seed.rerun_command};
  add_intervals(cells, table.primary_metric, row);
  add_rank_and_clips(cells, row);
  if (board.tuning) add_tuned(cells, *board.tuning, row);
  add_values(cells, columns.metrics, seed.metrics);
  add_values(cells, columns.transfer, seed.transfer);
  add_values(cells, columns.measured, seed.measured);
  return line_of(cells);
}

}  // namespace

std::string render_csv(const Leaderboard& board) {
  const Columns columns = columns_of(board);
  std::string text = head_line(columns);
  for (const Table& table : board.tables) {
    for (const Row& row : table.rows) {
      for (const SeedResult& seed : row.seeds) {
        if (seed.folds.empty()) text += seed_line(board, table, row, seed, columns);
        for (const SeedResult& fold : seed.folds) text += seed_line(board, table, row, fold, columns);
      }
    }
  }
  return text;
}

}  // namespace cmkd::reports
