// The tables of a sweep read together: how each method's metric moves with the swept setting, and the area under that
// curve as one number. A function of the leaderboard alone. Free functions, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

// A row at one level.
struct SweepPoint {
  std::optional<double> mean;
  std::optional<double> deviation;
  std::optional<Interval> interval;  // 95 %, Student t
  std::int64_t n = 0;                // seeds with a result
  std::string missing;               // "seed 2: failed: …", "no such row", "" when all seeds are there
};

struct SweepRow {
  // Name, role and controls as in the tables. A seed's value is the area under its metric against the level by the
  // trapezoidal rule, divided by the range of the levels: in the metric's unit. A seed without a value at each level
  // has none. Mean, deviation, interval and the difference to the student are over these areas. No tiers.
  Row area;
  std::vector<SweepPoint> points;  // by level
};

struct SeedSpread {
  double mean = 0;
  std::optional<double> deviation;
  std::int64_t n = 0;
};

// How well a method told the damaged clips: its "corruption_auc_*" on split "transfer".
struct SweepEvidence {
  std::string name;                               // the row's
  std::string metric;                             // "corruption_auc_gate"
  std::vector<std::optional<SeedSpread>> points;  // by level; nothing where no seed has it
};

struct Sweep {
  std::string task;
  std::string dataset;
  std::string direction;
  std::string protocol;
  std::string primary_metric;
  std::string setting;                  // "corruption.share"
  std::vector<double> levels;           // ascending, at least two
  std::vector<std::size_t> tables;      // by level: position in Leaderboard::tables
  std::vector<SweepRow> rows;           // as in a table, by area instead of mean
  std::vector<SweepEvidence> evidence;  // by row, then metric
};

// Tables with a level that agree in task, dataset, direction, protocol, primary metric and setting, where there are at
// least two.
[[nodiscard]] std::vector<Sweep> sweeps_of(const Leaderboard& board);

}  // namespace cmkd::reports
