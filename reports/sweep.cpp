#include "cmkd/reports/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "build.h"
#include "cmkd/core/error.h"

namespace cmkd::reports {

namespace {

constexpr std::string_view kEvidencePrefix = "corruption_auc_";

// --- Which tables belong together ---

// Task, dataset, metric, setting, direction, protocol.
using Family = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;
using Groups = std::map<Family, std::vector<std::size_t>>;  // positions of tables

Groups groups_of(const Leaderboard& board) {
  Groups groups;
  for (std::size_t i = 0; i < board.tables.size(); ++i) {
    const Table& table = board.tables[i];
    if (!table.level) continue;
    groups[{table.task, table.dataset, table.primary_metric, table.setting, table.direction, table.protocol}].push_back(
        i);
  }
  return groups;
}

// --- The area of each seed ---

using RowsByLevel = std::vector<const Row*>;  // nullptr: the table has no such row

double area_under(const std::vector<double>& levels, const std::vector<double>& values) {
  double sum = 0;
  for (std::size_t i = 1; i < levels.size(); ++i) {
    sum += (levels[i] - levels[i - 1]) * (values[i] + values[i - 1]) / 2;
  }
  return sum / (levels.back() - levels.front());
}

const SeedResult* seed_at_level(const Row* row, std::int64_t seed) {
  if (row == nullptr) return nullptr;
  const auto found = std::ranges::find(row->seeds, seed, &SeedResult::seed);
  return found == row->seeds.end() ? nullptr : &*found;
}

std::string why_level_is_missing(const Row* row, const SeedResult* seed) {
  if (row == nullptr) return "no such row";
  return seed == nullptr ? "no such seed" : seed->missing;
}

// What was seen at all levels; "" where one is not recorded.
std::string over_levels(const std::vector<const SeedResult*>& results, std::string SeedResult::*fingerprint) {
  std::vector<std::string> parts;
  for (const SeedResult* result : results) {
    if ((result->*fingerprint).empty()) return "";
    parts.push_back(result->*fingerprint);
  }
  return join(parts, "+");
}

SeedResult area_of_seed(const RowsByLevel& rows, const std::vector<double>& levels, std::int64_t seed) {
  SeedResult area;
  area.seed = seed;
  std::vector<double> values;
  std::vector<const SeedResult*> results;
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SeedResult* result = seed_at_level(rows[i], seed);
    if (result == nullptr || !result->value) {
      missing.push_back(fmt::format("level {}: {}", levels[i], why_level_is_missing(rows[i], result)));
      continue;
    }
    values.push_back(*result->value);
    results.push_back(result);
  }
  area.missing = join(missing, "; ");
  if (!missing.empty()) {
    area.state = "a level is missing";
    return area;
  }
  area.value = area_under(levels, values);
  area.initial_weights = over_levels(results, &SeedResult::initial_weights);
  area.batch_order = over_levels(results, &SeedResult::batch_order);
  area.augmentation = over_levels(results, &SeedResult::augmentation);
  return area;
}

std::vector<SeedResult> areas_of_seeds(const RowsByLevel& rows, const std::vector<double>& levels) {
  std::set<std::int64_t> seeds;
  for (const Row* row : rows) {
    if (row == nullptr) continue;
    for (const SeedResult& seed : row->seeds) seeds.insert(seed.seed);
  }
  std::vector<SeedResult> areas;
  for (const std::int64_t seed : seeds) areas.push_back(area_of_seed(rows, levels, seed));
  return areas;
}

Row area_row(const RowsByLevel& rows, const std::vector<double>& levels) {
  Row area;
  for (const Row* row : rows) {
    // Only a row of which something has run knows how far it is verified.
    if (row == nullptr || (!area.name.empty() && !area.verified.empty())) continue;
    area.name = row->name;
    area.method = row->method;
    area.control = row->control;
    area.student_model = row->student_model;
    area.verified = row->verified;
    area.note = row->note;
    area.role = row->role;
    area.rerun_command = row->rerun_command;
  }
  area.seeds = areas_of_seeds(rows, levels);
  summarise(area);
  area.not_ranked = "a sweep has no tiers";
  return area;
}

// --- The points ---

SweepPoint point_of(const Row* row) {
  SweepPoint point;
  if (row == nullptr) {
    point.missing = "no such row";
    return point;
  }
  point.mean = row->mean;
  point.deviation = row->deviation;
  point.interval = row->interval;
  point.n = row->done;
  point.missing = missing_reasons(*row);
  return point;
}

std::optional<SeedSpread> spread_of(const Row* row, const std::string& metric) {
  std::vector<double> values;
  if (row == nullptr) return std::nullopt;
  for (const SeedResult& seed : row->seeds) {
    if (const auto found = seed.transfer.find(metric); found != seed.transfer.end()) values.push_back(found->second);
  }
  if (values.empty()) return std::nullopt;
  return SeedSpread{mean(values), standard_deviation(values), static_cast<std::int64_t>(values.size())};
}

void add_evidence(Sweep& sweep, const std::string& name, const RowsByLevel& rows) {
  std::set<std::string> metrics;
  for (const Row* row : rows) {
    if (row == nullptr) continue;
    for (const SeedResult& seed : row->seeds) {
      for (const auto& [metric, value] : seed.transfer) {
        if (metric.starts_with(kEvidencePrefix)) metrics.insert(metric);
      }
    }
  }
  for (const std::string& metric : metrics) {
    SweepEvidence evidence{name, metric, {}};
    for (const Row* row : rows) evidence.points.push_back(spread_of(row, metric));
    sweep.evidence.push_back(evidence);
  }
}

// --- The whole ---

std::map<std::string, RowsByLevel> rows_by_name(const Leaderboard& board, const Sweep& sweep) {
  std::map<std::string, RowsByLevel> rows;
  for (std::size_t i = 0; i < sweep.tables.size(); ++i) {
    for (const Row& row : board.tables[sweep.tables[i]].rows) {
      RowsByLevel& levels = rows[row.name];
      levels.resize(sweep.tables.size(), nullptr);
      levels[i] = &row;
    }
  }
  return rows;
}

void add_rows(const Leaderboard& board, Sweep& sweep) {
  const std::map<std::string, RowsByLevel> rows = rows_by_name(board, sweep);
  Table areas;  // compared and sorted as the tables are
  areas.primary_metric = sweep.primary_metric;
  for (const auto& [name, levels] : rows) areas.rows.push_back(area_row(levels, sweep.levels));
  compare_to_student(areas);
  sort_rows(areas);
  for (Row& area : areas.rows) {
    const RowsByLevel& levels = rows.at(area.name);
    add_evidence(sweep, area.name, levels);
    SweepRow& row = sweep.rows.emplace_back();
    for (const Row* level : levels) row.points.push_back(point_of(level));
    row.area = std::move(area);
  }
}

Sweep sweep_of(const Leaderboard& board, const Family& family, std::vector<std::size_t> tables) {
  Sweep sweep;
  std::tie(sweep.task, sweep.dataset, sweep.primary_metric, sweep.setting, sweep.direction, sweep.protocol) = family;
  std::ranges::stable_sort(tables, {}, [&](std::size_t i) { return *board.tables[i].level; });
  sweep.tables = std::move(tables);
  for (const std::size_t i : sweep.tables) sweep.levels.push_back(*board.tables[i].level);
  if (sweep.levels.front() < sweep.levels.back()) add_rows(board, sweep);
  return sweep;
}

}  // namespace

std::vector<Sweep> sweeps_of(const Leaderboard& board) {
  std::vector<Sweep> sweeps;
  for (const auto& [family, tables] : groups_of(board)) {
    Sweep sweep = sweep_of(board, family, tables);
    if (!sweep.rows.empty()) sweeps.push_back(std::move(sweep));
  }
  return sweeps;
}

}  // namespace cmkd::reports
