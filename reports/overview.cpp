#include "cmkd/reports/overview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "build.h"
#include "cmkd/core/error.h"
#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/statistics/rank_bootstrap.h"
#include "memo.h"
#include "metric_names.h"
#include "overview_parts.h"

namespace cmkd::reports {

namespace {

constexpr int kProfileSteps = 40;

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
    std::vector<std::string> partial;  // data sets
    std::vector<std::string> absent;
    for (const Table* table : tables) {
      const Row* row = complete_row(*table, name);
      if (row == nullptr) {
        const bool there = std::ranges::find(table->rows, name, &Row::name) != table->rows.end();
        (there ? partial : absent).push_back(table->dataset);
      } else {
        method.blocks.push_back(values_of_seeds(*row));
      }
    }
    if (method.blocks.size() == tables.size()) {
      methods.push_back(std::move(method));
      continue;
    }
    std::vector<std::string> missing;
    for (const auto& [how, where] : {std::pair("partial in", &partial), std::pair("not in", &absent)}) {
      if (where->empty()) continue;
      const bool everywhere = where->size() == tables.size() && tables.size() > 1;
      missing.push_back(fmt::format("{} {}", how, everywhere ? fmt::format("all {}", where->size()) : join(*where)));
    }
    overview.left_out.push_back(fmt::format("{}: {}", name, join(missing)));
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
  const auto has_one_seed = [](const MethodBlocks& method) {
    return std::ranges::any_of(method.blocks, [](const std::vector<double>& seeds) { return seeds.size() < 2; });
  };
  if (std::ranges::any_of(methods, has_one_seed)) {
    overview.tests +=
        " A method has but one seed, of which resampling says nothing: an interval of one point is no certainty.";
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
