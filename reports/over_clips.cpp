// Intervals over other test clips: of each row's mean, of its difference to the student, and of every pair.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "build.h"
#include "clip_metrics.h"
#include "clip_rows.h"
#include "cmkd/core/error.h"
#include "memo.h"
#include "retrieval_values.h"

namespace cmkd::reports {

namespace {

// Of a table, as it is kept: the draws; for each row reason, clips, groups, low, high, and low and high of the
// difference to the student; then low and high for each pair. NaN where there is none.
constexpr std::size_t kNumbersPerRow = 7;

struct TableClips {
  const Table& table;
  std::vector<const Row*> rows;                            // with a value
  std::vector<const Row*> students;                        // of each; null: none or itself
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // positions in rows

  [[nodiscard]] std::size_t row_at(std::size_t position) const { return 1 + kNumbersPerRow * position; }
  [[nodiscard]] std::size_t pair_at(std::size_t position) const { return row_at(rows.size()) + 2 * position; }
  [[nodiscard]] std::size_t count() const { return pair_at(pairs.size()); }
};

void write_ends(std::vector<double>& numbers, std::size_t at, const Resamples& resamples) {
  const Interval interval = resamples.interval();
  numbers[at] = interval.low;
  numbers[at + 1] = interval.high;
}

// Of seeds that are no pairs (another program's, the teacher's) all.
bool is_paired(const Row& row) { return row.role != RowRole::kTeacher && row.role != RowRole::kExternal; }

// Over the seeds of which the difference itself is the mean, on the same draws of the same clips.
void write_difference(std::vector<double>& numbers, std::size_t at, const Row& a, const SampledRow& of_a, const Row& b,
                      const SampledRow& of_b) {
  if (of_a.signature.empty() || of_a.signature != of_b.signature) return;
  const bool paired = is_paired(a) && is_paired(b);
  const std::vector<std::int64_t> common = paired ? seeds_in_common(a, b) : std::vector<std::int64_t>{};
  if (paired && common.empty()) return;
  std::vector<double> values = of_a.mean_of(paired ? common : of_a.seeds);
  const std::vector<double> others = of_b.mean_of(paired ? common : of_b.seeds);
  for (std::size_t r = 0; r < values.size(); ++r) values[r] -= others[r];
  write_ends(numbers, at, of_a.resamples(std::move(values)));
}

std::vector<double> compute_clip_intervals(const TableClips& of, const LeaderboardOptions& options) {
  std::vector<double> numbers(of.count(), std::numeric_limits<double>::quiet_NaN());
  const ClipWork work = clip_work(of.table, of.rows, options);
  numbers[0] = static_cast<double>(work.plan.draws);
  std::vector<SampledRow> sampled;
  for (const Row* row : of.rows) sampled.push_back(sample_row(of.table, *row, options, work));
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    const std::size_t at = of.row_at(i);
    numbers[at] = static_cast<double>(sampled[i].reason);
    if (sampled[i].reason != NoClips::kThere) continue;
    numbers[at + 1] = static_cast<double>(sampled[i].clips);
    numbers[at + 2] = static_cast<double>(sampled[i].groups);
    write_ends(numbers, at + 3, sampled[i].resamples(sampled[i].mean_of(sampled[i].seeds)));
    const auto student = std::ranges::find(of.rows, of.students[i]);
    if (student == of.rows.end()) continue;
    const auto place = static_cast<std::size_t>(student - of.rows.begin());
    write_difference(numbers, at + 5, *of.rows[i], sampled[i], **student, sampled[place]);
  }
  for (std::size_t k = 0; k < of.pairs.size(); ++k) {
    const auto [first, second] = of.pairs[k];
    write_difference(numbers, of.pair_at(k), *of.rows[first], sampled[first], *of.rows[second], sampled[second]);
  }
  return numbers;
}

TableClips table_clips(const Table& table) {
  TableClips of{table, {}, {}, {}};
  std::map<std::string, std::size_t> position;
  for (const Row& row : table.rows) {
    if (!row.mean) continue;
    const Row* student = find_student(table, row);
    position[row.name] = of.rows.size();
    of.rows.push_back(&row);
    of.students.push_back(student == &row ? nullptr : student);
  }
  for (const RowPair& pair : table.pairs) of.pairs.emplace_back(position.at(pair.better), position.at(pair.other));
  return of;
}

// What all numbers of a table follow from.
Hasher key_of(const TableClips& of) {
  Hasher key = memo_key("test clips, rankings centred");
  key.field(of.table.primary_metric);
  for (std::size_t i = 0; i < of.rows.size(); ++i) {
    key.field(static_cast<std::int64_t>(of.rows[i]->seeds.size())).field(is_paired(*of.rows[i]) ? 1 : 0);
    for (const SeedResult& seed : of.rows[i]->seeds) {
      key.field(seed.outputs).field(static_cast<std::int64_t>(seed.folds.size()));
      for (const SeedResult& fold : seed.folds) key.field(fold.outputs);
      // Which seeds pair is part of what a difference is.
      key.field(seed.seed).field(seed.initial_weights).field(seed.batch_order).field(seed.augmentation);
      add_values(key, {{seed.value.value_or(-1)}});
    }
    const auto student = std::ranges::find(of.rows, of.students[i]);
    key.field(static_cast<std::int64_t>(student - of.rows.begin()));
  }
  for (const auto& [first, second] : of.pairs) {
    key.field(static_cast<std::int64_t>(first)).field(static_cast<std::int64_t>(second));
  }
  return key;
}

std::optional<Interval> interval_at(const std::vector<double>& numbers, std::size_t at) {
  if (std::isnan(numbers[at])) return std::nullopt;
  return Interval{numbers[at], numbers[at + 1]};
}

OverClips over_clips_at(const std::vector<double>& numbers, std::size_t at) {
  OverClips result;
  const auto reason = static_cast<NoClips>(static_cast<int>(numbers[at]));
  result.why_not = words_of(reason);
  if (reason != NoClips::kThere) return result;
  result.clips = static_cast<std::int64_t>(numbers[at + 1]);
  result.groups = static_cast<std::int64_t>(numbers[at + 2]);
  result.interval = interval_at(numbers, at + 3);
  result.to_student = interval_at(numbers, at + 5);
  return result;
}

// "kd, at (no per-clip outputs are stored for a seed)"
std::string rows_without(const Table& table) {
  std::map<std::string, std::vector<std::string>> names;  // by reason
  std::vector<std::string> order;
  for (const Row& row : table.rows) {
    if (!row.over_clips || row.over_clips->interval) continue;
    std::vector<std::string>& list = names[row.over_clips->why_not];
    if (list.empty()) order.push_back(row.over_clips->why_not);
    list.push_back(row.name);
  }
  std::vector<std::string> parts;
  parts.reserve(order.size());
  for (const std::string& reason : order) parts.push_back(fmt::format("{} ({})", join(names[reason]), reason));
  return join(parts, "; ");
}

void describe_test_clips(Table& table, double draws) {
  const auto with = std::ranges::find_if(
      table.rows, [](const Row& row) { return row.over_clips && row.over_clips->interval.has_value(); });
  const std::string without = rows_without(table);
  if (with == table.rows.end()) {
    table.test_clips = without.empty() ? "" : fmt::format("No intervals over test clips: {}.", without);
    return;
  }
  const OverClips& example = *with->over_clips;
  const bool queries = is_mean_over_queries(table.primary_metric);
  table.test_clips =
      fmt::format("95 % intervals over the {} {}, drawn by their {} source video{}{}.", example.clips,
                  queries ? "queries" : "test clips", example.groups, example.groups == 1 ? "" : "s",
                  draws < static_cast<double>(kClipBootstrap.draws) ? fmt::format(" ({:.0f} draws)", draws) : "");
  if (queries) table.test_clips += " The gallery stays as it is.";
  if (ranks_all_clips(table.primary_metric)) {
    table.test_clips += " Centred on the measured value: clips that are drawn twice raise a ranking's precision.";
  }
  if (!table.folds.empty()) {
    table.test_clips +=
        " Drawn within each fold; that what tests one fold's model trains another's is not in them, so that they are "
        "of "
        "these trained models alone.";
  }
  constexpr std::int64_t kFewVideos = 20;
  if (example.groups < kFewVideos) table.test_clips += " So few videos make them too narrow.";
  if (!without.empty()) table.test_clips += fmt::format(" Without one: {}.", without);
}

}  // namespace

void add_clip_intervals(Table& table, const LeaderboardOptions& options) {
  if (!options.outputs) return;
  const TableClips of = table_clips(table);
  if (of.rows.empty()) return;
  if (!is_resampled(table.primary_metric)) {
    table.test_clips =
        fmt::format("No intervals over test clips: '{}' is not resampled over clips.", table.primary_metric);
    return;
  }
  std::vector<double> numbers;
  try {
    numbers = remembered(options.numbers, key_of(of), of.count(), [&] { return compute_clip_intervals(of, options); });
  } catch (const Error& error) {
    // A file beside the store that is gone must not take the leaderboard with it.
    if (error.kind() != ErrorKind::kData) throw;
    table.test_clips = fmt::format("No intervals over test clips: {}.", error.parts().what);
    return;
  }
  std::size_t position = 0;
  for (Row& row : table.rows) {
    if (row.mean) row.over_clips = over_clips_at(numbers, of.row_at(position++));
  }
  for (std::size_t k = 0; k < table.pairs.size(); ++k) {
    table.pairs[k].over_clips = interval_at(numbers, of.pair_at(k));
  }
  describe_test_clips(table, numbers[0]);
}

}  // namespace cmkd::reports
