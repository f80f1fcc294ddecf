// The complete methods of a table against each other: ranks over resampled seeds, and every pair.
#include <algorithm>
#include <cmath>
#include <set>

#include "build.h"
#include "cmkd/reports/statistics/aggregates.h"
#include "cmkd/reports/statistics/p_values.h"
#include "cmkd/reports/statistics/rank_bootstrap.h"
#include "memo.h"
#include "metric_names.h"

namespace cmkd::reports {

namespace {

// One block of few seeds: all resamples up to eight of them.
constexpr BootstrapPlan kRankPlan{10'000, 20'000};
constexpr std::int64_t kPairDraws = 2'000;
constexpr double kRopeOfOnePoint = 0.01;

std::vector<std::int64_t> seeds_of_all(const std::vector<Row*>& rows) {
  std::vector<std::int64_t> common;
  for (const SeedResult& seed : rows.front()->seeds) {
    const auto has_it = [&](const Row* row) {
      return std::ranges::any_of(row->seeds, [&](const auto& one) { return one.value && one.seed == seed.seed; });
    };
    if (std::ranges::all_of(rows, has_it)) common.push_back(seed.seed);
  }
  return common;
}

std::vector<double> oriented_values(const Row& row, double sign) {
  std::vector<double> values;
  for (const SeedResult& seed : row.seeds) {
    if (seed.value) values.push_back(sign * *seed.value);
  }
  return values;
}

void add_probability(RowPair& pair, const Row& better, const Row& other, double sign, results::NumberCache* numbers) {
  const Blocks a{oriented_values(better, sign)};
  const Blocks b{oriented_values(other, sign)};
  pair.probability_of_improvement = probability_of_improvement(a, b);
  Hasher key = memo_key("probability of improvement");
  add_values(key, a);
  add_values(key, b);
  const std::vector<double> ends = remembered(numbers, key, 2, [&] {
    const Interval interval = resampled_probability_of_improvement(a, b).interval();
    return std::vector<double>{interval.low, interval.high};
  });
  pair.probability_interval = {ends[0], ends[1]};
}

void add_equivalence(RowPair& pair, const std::vector<double>& differences, results::NumberCache* numbers) {
  Hasher key = memo_key("equivalence");
  add_values(key, {differences});
  const std::vector<double> shares = remembered(numbers, key, 3, [&] {
    const Equivalence found = bayesian_signed_rank(differences, {.rope = kRopeOfOnePoint, .draws = kPairDraws});
    return std::vector<double>{found.first_better, found.equivalent, found.second_better};
  });
  pair.equivalence = Equivalence{shares[0], shares[1], shares[2]};
}

std::vector<double> oriented_differences(const Row& a, const Row& b, const std::vector<std::int64_t>& seeds,
                                         double sign) {
  std::vector<double> differences;
  for (const std::int64_t seed : seeds) {
    const auto value = [&](const Row& row) { return *std::ranges::find(row.seeds, seed, &SeedResult::seed)->value; };
    differences.push_back(sign * (value(a) - value(b)));
  }
  return differences;
}

RowPair pair_of(const Table& table, const Row& better, const Row& other, results::NumberCache* numbers) {
  RowPair pair;
  pair.better = better.name;
  pair.other = other.name;
  const StudentDifference difference = paired_difference(better, other, numbers);
  pair.seeds = difference.comparison;
  pair.why_not = difference.why_not;
  const double sign = orientation(table);
  add_probability(pair, better, other, sign, numbers);
  const MetricStyle style = metric_style(table.primary_metric);
  if (style.unit == MetricUnit::kPercent && static_cast<std::int64_t>(difference.seeds.size()) >= kSeedsForTiers) {
    add_equivalence(pair, oriented_differences(better, other, difference.seeds, sign), numbers);
  }
  return pair;
}

}  // namespace

void rank_rows(Table& table, results::NumberCache* numbers) {
  std::vector<Row*> ranked;
  for (Row& row : table.rows) {
    if (row.tier) ranked.push_back(&row);
  }
  if (ranked.size() < 2) return;
  const std::vector<std::int64_t> seeds = seeds_of_all(ranked);
  if (static_cast<std::int64_t>(seeds.size()) < kSeedsForTiers) return;
  Blocks block;
  const double sign = orientation(table);
  for (const Row* row : ranked) {
    std::vector<double>& values = block.emplace_back();
    for (const SeedResult& seed : row->seeds) {
      if (std::ranges::binary_search(seeds, seed.seed)) values.push_back(sign * *seed.value);
    }
  }
  Hasher key = memo_key("ranks in a table");
  add_values(key, block);
  const std::vector<double> found = remembered(numbers, key, 3 * ranked.size(), [&] {
    const RankSummary summary = bootstrap_ranks({block}, kRankPlan);
    std::vector<double> flat;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
      flat.insert(flat.end(), {summary.mean_ranks[i], summary.intervals[i].low, summary.intervals[i].high});
    }
    return flat;
  });
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranked[i]->rank = RowRank{found[3 * i], {found[3 * i + 1], found[3 * i + 2]}};
  }
}

void compare_pairs(Table& table, results::NumberCache* numbers) {
  std::vector<const Row*> rows;
  for (const Row& row : table.rows) {
    if (is_complete_method(row)) rows.push_back(&row);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j)
      table.pairs.push_back(pair_of(table, *rows[i], *rows[j], numbers));
  }
  std::vector<double> p;
  std::vector<RowPair*> tested;
  for (RowPair& pair : table.pairs) {
    if (!pair.seeds || pair.seeds->n < kSeedsForTest) continue;
    p.push_back(pair.seeds->sign_flip_p);
    tested.push_back(&pair);
  }
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < tested.size(); ++i) tested[i]->holm_p = adjusted[i];
}

}  // namespace cmkd::reports
