#include "cmkd/reports/overview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "build.h"
#include "cmkd/core/error.h"
#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/statistics/p_values.h"
#include "cmkd/reports/statistics/rank_bootstrap.h"
#include "memo.h"
#include "metric_names.h"

namespace cmkd::reports {

namespace {

constexpr int kProfileSteps = 40;
constexpr double kBlockRope = 0.01;
constexpr std::int64_t kBlockPairDraws = 10'000;

// A complete method's seeds, by data set.
struct MethodBlocks {
  std::string name;
  Blocks blocks;
};

const Row* complete_row(const Table& table, const std::string& name) {
  const auto found = std::ranges::find(table.rows, name, &Row::name);
  return found != table.rows.end() && is_complete_method(*found) ? &*found : nullptr;
}

std::vector<double> values_of_seeds(const Row& row) {
  std::vector<double> values;
  for (const SeedResult& seed : row.seeds) {
    if (seed.value) values.push_back(*seed.value);
  }
  return values;
}

// Names of the methods of any table, in order of their first appearance.
std::vector<std::string> method_names(const std::vector<const Table*>& tables) {
  std::vector<std::string> names;
  for (const Table* table : tables) {
    for (const Row& row : table->rows) {
      if (is_ranked(row.role) && std::ranges::find(names, row.name) == names.end()) names.push_back(row.name);
    }
  }
  std::ranges::sort(names);
  return names;
}

// Fills left_out.
std::vector<MethodBlocks> complete_methods(const std::vector<const Table*>& tables, Overview& overview) {
  std::vector<MethodBlocks> methods;
  for (const std::string& name : method_names(tables)) {
    MethodBlocks method{name, {}};
    std::vector<std::string> missing;
    for (const Table* table : tables) {
      const Row* row = complete_row(*table, name);
      if (row == nullptr) {
        const bool there = std::ranges::find(table->rows, name, &Row::name) != table->rows.end();
        missing.push_back(fmt::format("{} {}", there ? "partial in" : "not in", table->dataset));
      } else {
        method.blocks.push_back(values_of_seeds(*row));
      }
    }
    if (missing.empty()) {
      methods.push_back(std::move(method));
    } else {
      overview.left_out.push_back(fmt::format("{}: {}", name, join(missing)));
    }
  }
  return methods;
}

// Blocks by data set, then method.
std::vector<Blocks> by_dataset(const std::vector<MethodBlocks>& methods) {
  std::vector<Blocks> blocks(methods.front().blocks.size());
  for (const MethodBlocks& method : methods) {
    for (std::size_t b = 0; b < blocks.size(); ++b) blocks[b].push_back(method.blocks[b]);
  }
  return blocks;
}

void add_ranks(const std::vector<MethodBlocks>& methods, Overview& overview, results::NumberCache* numbers) {
  Hasher key = memo_key("ranks over data sets");
  const std::vector<Blocks> blocks = by_dataset(methods);
  for (const Blocks& block : blocks) add_values(key, block);
  const std::vector<double> found = remembered(numbers, key, 3 * methods.size(), [&] {
    constexpr BootstrapPlan kPlan{10'000, 20'000};
    const RankSummary summary = bootstrap_ranks(blocks, kPlan);
    std::vector<double> flat;
    for (std::size_t i = 0; i < methods.size(); ++i) {
      flat.insert(flat.end(), {summary.mean_ranks[i], summary.intervals[i].low, summary.intervals[i].high});
    }
    return flat;
  });
  for (std::size_t i = 0; i < methods.size(); ++i) {
    overview.methods[i].mean_rank = {found[3 * i], {found[3 * i + 1], found[3 * i + 2]}};
  }
}

std::vector<double> profile_thresholds(const MetricRange& range) {
  if (range.low != 0 || range.high != 1) return {};
  std::vector<double> thresholds;
  for (int i = 0; i <= kProfileSteps; ++i) thresholds.push_back(static_cast<double>(i) / kProfileSteps);
  return thresholds;
}

// Interquartile mean and optimality gap (low, high each) (nothing without a target), then low and high for each
// threshold.
std::vector<double> compute_aggregates(const Blocks& blocks, double target, const std::vector<double>& thresholds) {
  std::vector<double> numbers;
  const Interval middle = resampled_interquartile_mean(blocks).interval();
  numbers.insert(numbers.end(), {middle.low, middle.high});
  const Interval gap =
      std::isfinite(target)
          ? bootstrap(blocks, [&](const Blocks& resampled) { return optimality_gap(resampled, target); }).interval()
          : Interval{};
  numbers.insert(numbers.end(), {gap.low, gap.high});
  for (const ProfilePoint& point : performance_profile(blocks, thresholds)) {
    numbers.insert(numbers.end(), {point.interval.low, point.interval.high});
  }
  return numbers;
}

void add_aggregates(const MethodBlocks& method, const MetricRange& range, OverviewMethod& into,
                    results::NumberCache* numbers) {
  const std::vector<double> thresholds = profile_thresholds(range);
  into.name = method.name;
  into.mean = mean_of_blocks(method.blocks);
  into.median = median_of_blocks(method.blocks);
  Hasher key = memo_key("aggregates");
  add_values(key, method.blocks);
  add_values(key, {{range.high}, thresholds});
  const std::vector<double> found = remembered(numbers, key, 4 + 2 * thresholds.size(), [&] {
    return compute_aggregates(method.blocks, range.high, thresholds);
  });
  into.interquartile_mean = {interquartile_mean(method.blocks), {found[0], found[1]}};
  if (std::isfinite(range.high)) {
    into.optimality_gap = Estimate{optimality_gap(method.blocks, range.high), {found[2], found[3]}};
  }
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    into.profile.push_back(
        {thresholds[i], share_above(method.blocks, thresholds[i]), {found[4 + 2 * i], found[5 + 2 * i]}});
  }
}

std::vector<double> mean_differences(const Blocks& a, const Blocks& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(mean(a[i]) - mean(b[i]));
  return differences;
}

OverviewPair overview_pair(const MethodBlocks& a, const MethodBlocks& b, bool tested, bool in_points,
                           results::NumberCache* numbers) {
  OverviewPair pair;
  const std::vector<double> differences = mean_differences(a.blocks, b.blocks);
  pair.mean_difference = mean(differences);
  Hasher key = memo_key("pair over data sets");
  add_values(key, a.blocks);
  add_values(key, b.blocks);
  const bool equivalence = tested && in_points;
  const std::vector<double> found = remembered(numbers, key.field(equivalence ? 1 : 0), equivalence ? 5 : 2, [&] {
    const Interval interval = resampled_probability_of_improvement(a.blocks, b.blocks).interval();
    std::vector<double> computed{interval.low, interval.high};
    if (!equivalence) return computed;
    const Equivalence shares = bayesian_signed_rank(differences, {.rope = kBlockRope, .draws = kBlockPairDraws});
    computed.insert(computed.end(), {shares.first_better, shares.equivalent, shares.second_better});
    return computed;
  });
  pair.probability_of_improvement = {probability_of_improvement(a.blocks, b.blocks), {found[0], found[1]}};
  if (equivalence) pair.equivalence = Equivalence{found[2], found[3], found[4]};
  if (tested) pair.wilcoxon = wilcoxon_signed_rank(differences, 1e-12);
  return pair;
}

void correct_pairs(Overview& overview) {
  std::vector<double> p;
  for (const OverviewPair& pair : overview.pairs) p.push_back(pair.wilcoxon->p);
  const std::vector<double> adjusted = holm_adjusted(p);
  const std::size_t methods = overview.methods.size();
  std::vector<std::vector<double>> matrix(methods, std::vector<double>(methods, 1));
  for (std::size_t i = 0; i < overview.pairs.size(); ++i) {
    OverviewPair& pair = overview.pairs[i];
    pair.holm_p = adjusted[i];
    matrix[pair.first][pair.second] = matrix[pair.second][pair.first] = adjusted[i];
  }
  overview.cliques = cliques(matrix);
}

void test_over_datasets(const std::vector<MethodBlocks>& methods, Overview& overview) {
  ScoreMatrix scores;
  for (const MethodBlocks& method : methods) {
    std::vector<double>& means = scores.emplace_back();
    for (const std::vector<double>& block : method.blocks) means.push_back(mean(block));
  }
  overview.omnibus = friedman_test(scores);
  overview.critical_distance =
      nemenyi_distance(static_cast<std::int64_t>(methods.size()), static_cast<std::int64_t>(scores.front().size()));
  correct_pairs(overview);
  overview.tests = fmt::format(
      "One block for each of the {} data sets, seeds averaged in it: Friedman and Iman–Davenport over all methods, "
      "Wilcoxon "
      "signed-rank (Pratt) for each pair with Holm's correction over the {} pairs; a clique holds methods of which no "
      "pair "
      "differs at 0.05 after it.",
      scores.front().size(), overview.pairs.size());
  if (!overview.omnibus) overview.tests += " Every data set ties all methods: no omnibus test.";
}

std::string why_no_tests(std::size_t datasets, std::size_t methods) {
  if (methods < 2) {
    return fmt::format("No test: {} complete in every data set.",
                       methods == 0 ? "no method is" : "one method alone is");
  }
  return fmt::format(
      "No omnibus test, no cliques and no critical-difference diagram: {} data set{}, and below {} the two-sided "
      "Wilcoxon "
      "test cannot reach 0.05 (with {} its smallest p is {:.4g}). Seeds are no blocks: they repeat one data set.",
      datasets, datasets == 1 ? "" : "s", kBlocksForTests, datasets,
      smallest_reachable_p(static_cast<std::int64_t>(datasets)));
}

// Methods in the order of the overview: by mean rank, then name.
void order_methods(std::vector<MethodBlocks>& methods, Overview& overview) {
  std::vector<std::size_t> order(methods.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) {
    return std::tuple(overview.methods[i].mean_rank.value, overview.methods[i].name);
  });
  std::vector<MethodBlocks> blocks;
  std::vector<OverviewMethod> shown;
  for (const std::size_t i : order) {
    blocks.push_back(std::move(methods[i]));
    shown.push_back(std::move(overview.methods[i]));
  }
  methods = std::move(blocks);
  overview.methods = std::move(shown);
}

void fill_overview(const std::vector<const Table*>& tables, Overview& overview, results::NumberCache* numbers) {
  std::vector<MethodBlocks> methods = complete_methods(tables, overview);
  const MetricStyle style = metric_style(overview.primary_metric);
  for (const MethodBlocks& method : methods) {
    add_aggregates(method, style.range, overview.methods.emplace_back(), numbers);
  }
  if (!methods.empty()) add_ranks(methods, overview, numbers);
  order_methods(methods, overview);
  const bool tested = static_cast<std::int64_t>(tables.size()) >= kBlocksForTests && methods.size() >= 2;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    for (std::size_t j = i + 1; j < methods.size(); ++j) {
      OverviewPair& pair = overview.pairs.emplace_back(
          overview_pair(methods[i], methods[j], tested, style.unit == MetricUnit::kPercent, numbers));
      pair.first = i;
      pair.second = j;
    }
  }
  if (tested) {
    test_over_datasets(methods, overview);
  } else {
    overview.tests = why_no_tests(tables.size(), methods.size());
  }
}

}  // namespace

std::vector<Overview> overviews_of(const std::vector<Table>& tables, results::NumberCache* numbers) {
  std::vector<Overview> overviews;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Table& table = tables[i];
    if (!table.setting.empty() || !metric_style(table.primary_metric).higher_is_better) continue;
    const auto same = [&](const Overview& one) {
      return std::tie(one.task, one.direction, one.protocol, one.primary_metric) ==
             std::tie(table.task, table.direction, table.protocol, table.primary_metric);
    };
    auto found = std::ranges::find_if(overviews, same);
    if (found == overviews.end()) {
      Overview& added = overviews.emplace_back();
      added.task = table.task;
      added.direction = table.direction;
      added.protocol = table.protocol;
      added.primary_metric = table.primary_metric;
      found = overviews.end() - 1;
    }
    found->datasets.push_back(table.dataset);
    found->tables.push_back(i);
  }
  for (Overview& overview : overviews) {
    std::vector<const Table*> of;
    for (const std::size_t i : overview.tables) of.push_back(&tables[i]);
    fill_overview(of, overview, numbers);
  }
  return overviews;
}

}  // namespace cmkd::reports
