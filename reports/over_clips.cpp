// Intervals over other test clips: of each row's mean, of its difference to the student, and of every pair.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "build.h"
#include "clip_values.h"
#include "cmkd/core/error.h"
#include "cmkd/reports/statistics/clusters.h"
#include "memo.h"

namespace cmkd::reports {

namespace {

// Why a row has none. Kept with the numbers: the order is part of their meaning.
enum class NoClips { kThere, kNoOutputs, kFolds, kUnusable, kOtherClips, kOtherMetric };

const char* words_of(NoClips reason) {
  switch (reason) {
    case NoClips::kThere:
      return "";
    case NoClips::kNoOutputs:
      return "no per-clip outputs are stored for a seed";
    case NoClips::kFolds:
      return "a seed's value is a mean over folds, whose test clips overlap in their training";
    case NoClips::kUnusable:
      return "the stored outputs are of several labels a clip, or too many to be ranked again in a report";
    case NoClips::kOtherClips:
      return "its seeds were not tested on the same clips";
    case NoClips::kOtherMetric:
      break;
  }
  return "the stored outputs do not give the stored metric";
}

// A row's values, averaged over its seeds.
struct RowClips {
  NoClips reason = NoClips::kThere;
  std::vector<std::string> clips;
  ClusteredValues values;
};

bool has_all_outputs(const Row& row) {
  return std::ranges::all_of(row.seeds, [](const SeedResult& seed) { return !seed.value || !seed.outputs.empty(); });
}

bool has_folds(const Row& row) {
  return std::ranges::any_of(row.seeds, [](const SeedResult& seed) { return !seed.folds.empty(); });
}

NoClips reason_without_reading(const Row& row) {
  if (has_folds(row)) return NoClips::kFolds;
  return has_all_outputs(row) ? NoClips::kThere : NoClips::kNoOutputs;
}

RowClips read_row(const Table& table, const Row& row, const LeaderboardOptions& options) {
  // Retrieval ranks in other precision than this report: near ties may change places.
  constexpr double kNearEnough = 1e-3;
  RowClips result;
  std::optional<ClipValues> first;
  for (const SeedResult& seed : row.seeds) {
    if (!seed.value) continue;
    std::optional<ClipValues> found = clip_values(table.primary_metric, options.outputs(seed.evaluation_key));
    if (!found) return {NoClips::kUnusable, {}, {}};
    if (std::abs(mean(found->values) - *seed.value) > kNearEnough) return {NoClips::kOtherMetric, {}, {}};
    if (!first) {
      first = std::move(found);
      continue;
    }
    if (first->clips != found->clips || first->groups != found->groups) return {NoClips::kOtherClips, {}, {}};
    for (std::size_t i = 0; i < found->values.size(); ++i) first->values[i] += found->values[i];
  }
  for (double& value : first->values) value /= static_cast<double>(row.done);
  result.values = cluster_values(first->groups, first->values);
  result.clips = std::move(first->clips);
  return result;
}

// Of a table, as it is kept: for each row reason, clips, groups, low, high, and low and high of the difference to the
// student; then low and high for each pair. NaN where there is none.
constexpr std::size_t kNumbersPerRow = 7;

struct TableClips {
  const Table& table;
  std::vector<const Row*> rows;                            // with a value
  std::vector<const Row*> students;                        // of each; null: none or itself
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  // positions in rows
};

void write_ends(std::vector<double>& numbers, std::size_t at, const Resamples& resamples) {
  const Interval interval = resamples.interval();
  numbers[at] = interval.low;
  numbers[at + 1] = interval.high;
}

std::vector<double> compute_clip_intervals(const TableClips& of, const LeaderboardOptions& options) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> numbers(kNumbersPerRow * of.rows.size() + 2 * of.pairs.size(), none);
  std::vector<RowClips> read;
  for (const Row* row : of.rows) {
    const NoClips reason = reason_without_reading(*row);
    read.push_back(reason == NoClips::kThere ? read_row(of.table, *row, options) : RowClips{reason, {}, {}});
  }
  // Rows that were tested on the same clips are resampled together.
  std::map<std::vector<std::string>, std::vector<std::size_t>> together;
  for (std::size_t i = 0; i < read.size(); ++i) {
    numbers[kNumbersPerRow * i] = static_cast<double>(read[i].reason);
    if (read[i].reason == NoClips::kThere) together[read[i].clips].push_back(i);
  }
  for (const auto& [clips, members] : together) {
    std::vector<ClusteredValues> lists;
    std::map<const Row*, std::size_t> place;
    for (const std::size_t i : members) {
      place[of.rows[i]] = lists.size();
      lists.push_back(read[i].values);
    }
    const ClipReplicates replicates = bootstrap_clips(lists);
    for (const std::size_t i : members) {
      const std::size_t at = kNumbersPerRow * i;
      numbers[at + 1] = static_cast<double>(clips.size());
      numbers[at + 2] = static_cast<double>(lists.front().groups.size());
      write_ends(numbers, at + 3, replicates.of(place[of.rows[i]]));
      const auto student = place.find(of.students[i]);
      if (student != place.end()) {
        write_ends(numbers, at + 5, replicates.difference(place[of.rows[i]], student->second));
      }
    }
    for (std::size_t k = 0; k < of.pairs.size(); ++k) {
      const auto better = place.find(of.rows[of.pairs[k].first]);
      const auto other = place.find(of.rows[of.pairs[k].second]);
      if (better == place.end() || other == place.end()) continue;
      write_ends(numbers, kNumbersPerRow * of.rows.size() + 2 * k,
                 replicates.difference(better->second, other->second));
    }
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
  Hasher key = memo_key("test clips");
  key.field(of.table.primary_metric);
  for (std::size_t i = 0; i < of.rows.size(); ++i) {
    key.field(static_cast<std::int64_t>(of.rows[i]->seeds.size()));
    for (const SeedResult& seed : of.rows[i]->seeds) {
      key.field(seed.outputs).field(static_cast<std::int64_t>(seed.folds.size()));
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

void describe_test_clips(Table& table) {
  std::int64_t with = 0;
  const OverClips* example = nullptr;
  std::string why_not;
  for (const Row& row : table.rows) {
    if (!row.over_clips) continue;
    if (row.over_clips->interval) {
      ++with;
      example = &*row.over_clips;
    } else if (why_not.empty()) {
      why_not = fmt::format("{}: {}", row.name, row.over_clips->why_not);
    }
  }
  if (example == nullptr) {
    table.test_clips = why_not.empty() ? "" : fmt::format("No intervals over test clips ({}).", why_not);
    return;
  }
  table.test_clips = fmt::format(
      "Intervals over test clips: 95 % percentiles of a bootstrap that draws the {} source video{} of the {} test "
      "clips with "
      "replacement, all clips of a video together, with the trained seeds as they are. They say what another test set "
      "of "
      "this kind could change; the t intervals over the seeds say what another training could. Neither holds the "
      "other.",
      example->groups, example->groups == 1 ? "" : "s", example->clips);
  constexpr std::int64_t kFewVideos = 20;
  if (example->groups < kFewVideos) table.test_clips += " So few videos make them too narrow.";
  if (!why_not.empty()) table.test_clips += fmt::format(" Without one: {}.", why_not);
}

}  // namespace

void add_clip_intervals(Table& table, const LeaderboardOptions& options) {
  if (!options.outputs) return;
  const TableClips of = table_clips(table);
  if (of.rows.empty()) return;
  if (!is_mean_over_clips(table.primary_metric)) {
    table.test_clips = fmt::format("No intervals over test clips: '{}' is no mean over clips.", table.primary_metric);
    return;
  }
  std::vector<double> numbers;
  try {
    numbers = remembered(options.numbers, key_of(of), kNumbersPerRow * of.rows.size() + 2 * of.pairs.size(),
                         [&] { return compute_clip_intervals(of, options); });
  } catch (const Error& error) {
    // A file beside the store that is gone must not take the leaderboard with it.
    if (error.kind() != ErrorKind::kData) throw;
    table.test_clips = fmt::format("No intervals over test clips: {}.", error.parts().what);
    return;
  }
  std::size_t position = 0;
  for (Row& row : table.rows) {
    if (row.mean) row.over_clips = over_clips_at(numbers, kNumbersPerRow * position++);
  }
  for (std::size_t k = 0; k < table.pairs.size(); ++k) {
    table.pairs[k].over_clips = interval_at(numbers, kNumbersPerRow * of.rows.size() + 2 * k);
  }
  describe_test_clips(table);
}

}  // namespace cmkd::reports
