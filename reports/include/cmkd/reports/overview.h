// The data sets of a task and direction read together: one block a data set, seeds averaged in it. A function of the
// tables alone. Free functions, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/reports/statistics/aggregates.h"
#include "cmkd/reports/statistics/equivalence.h"
#include "cmkd/reports/statistics/rank_tests.h"

namespace cmkd::results {
class NumberCache;
}

namespace cmkd::reports {

struct Table;

// A number and its 95 % interval over seeds resampled within each data set.
struct Estimate {
  double value = 0;
  Interval interval;
};

// A method that is complete in every table.
struct OverviewMethod {
  std::string name;
  Estimate mean_rank;  // mean over the data sets of the rank of its mean
  Estimate interquartile_mean;
  double mean = 0;                         // over the data sets
  double median = 0;                       // over the data sets
  std::optional<Estimate> optimality_gap;  // to the metric's highest value; nothing where it has none
  std::vector<ProfilePoint> profile;       // empty where the metric is no fraction
};

// Positions in Overview::methods; first < second.
struct OverviewPair {
  std::size_t first = 0;
  std::size_t second = 0;
  double mean_difference = 0;  // over the data sets, first − second
  Estimate probability_of_improvement;
  // From kBlocksForTests data sets on.
  std::optional<SignedRankTest> wilcoxon;
  std::optional<double> holm_p;  // over all pairs
  std::optional<Equivalence> equivalence;
};

inline constexpr std::int64_t kBlocksForTests = 6;

struct Overview {
  std::string task;
  std::string direction;
  std::string protocol;
  std::string primary_metric;
  std::vector<std::string> datasets;
  std::vector<std::size_t> tables;          // by data set: position in Leaderboard::tables
  std::vector<OverviewMethod> methods;      // by mean rank, then name
  std::vector<std::string> left_out;        // "crd: partial in synthetic", one for each method that is not complete
  std::vector<OverviewPair> pairs;          // by first, then second
  std::optional<FriedmanTest> omnibus;      // Friedman, Iman–Davenport
  std::optional<double> critical_distance;  // Nemenyi's, at 0.05
  std::vector<std::pair<std::size_t, std::size_t>>
      cliques;        // first and last position of runs without a pair that differs
  std::string tests;  // what was tested, or why nothing was; a sentence
};

// Groups of tables outside of sweeps that agree in task, direction, protocol and primary metric, in the order of the
// tables. None for a metric of which lower is better. `numbers` may be null.
[[nodiscard]] std::vector<Overview> overviews_of(const std::vector<Table>& tables,
                                                 results::NumberCache* numbers = nullptr);

}  // namespace cmkd::reports
