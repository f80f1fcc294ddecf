#include "cmkd/reports/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "build.h"
#include "cmkd/core/error.h"
#include "compare_parts.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

using ComparedRuns = std::vector<const ComparedRun*>;
using TableKey = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;

TableKey table_key_of(const results::SuiteLink& link) {
  return {link.task, link.dataset, link.swept_setting, link.swept_value, link.direction, link.protocol};
}

std::string table_name(const results::SuiteLink& link) {
  const std::string condition =
      link.swept_setting.empty() ? "" : fmt::format(", {} = {}", link.swept_setting, link.swept_value);
  return fmt::format("{} on {}{}, {}, protocol {}", link.task, link.dataset, condition, direction_text(link.direction),
                     link.protocol);
}

std::map<TableKey, ComparedRuns> by_table(const ComparedSide& side) {
  std::map<TableKey, ComparedRuns> tables;
  for (const ComparedRun& run : side.runs) tables[table_key_of(run.row.link)].push_back(&run);
  for (auto& [key, runs] : tables) {
    std::ranges::sort(runs, {}, [](const ComparedRun* run) {
      return std::tie(run->row.link.seed, run->row.link.fold, run->row.link.training_key, run->row.link.evaluation_key);
    });
  }
  return tables;
}

Row row_of_runs(const ComparedRuns& runs) {
  std::vector<const results::LeaderboardRow*> rows;
  for (const ComparedRun* run : runs) rows.push_back(&run->row);
  return make_row(rows, {.title = "", .cost = false});
}

std::vector<std::string> run_ids(const ComparedRuns& runs) {
  std::vector<std::string> ids;
  for (const ComparedRun* run : runs) {
    const results::SuiteLink& link = run->row.link;
    ids.push_back(fmt::format("{} (seed {}{})", link.training_key.substr(0, 12), link.seed,
                              link.fold.empty() ? "" : ", fold " + link.fold));
  }
  return ids;
}

// Of one seed and fold. Where each side is a single run, these two whatever their seeds are.
std::vector<RunPair> pairs_of(const ComparedRuns& a, const ComparedRuns& b) {
  const auto evaluated = [](const ComparedRun* run) { return run->row.state == results::RowState::kEvaluated; };
  if (a.size() == 1 && b.size() == 1) {
    if (evaluated(a[0]) && evaluated(b[0])) return {{a[0], b[0]}};
    return {};
  }
  std::vector<RunPair> pairs;
  for (const ComparedRun* run : a) {
    const auto other = std::ranges::find_if(b, [&](const ComparedRun* one) {
      return one->row.link.seed == run->row.link.seed && one->row.link.fold == run->row.link.fold;
    });
    if (other != b.end() && evaluated(run) && evaluated(*other)) pairs.emplace_back(run, *other);
  }
  return pairs;
}

bool is_external(const ComparedRuns& runs) {
  return std::ranges::any_of(runs,
                             [](const ComparedRun* run) { return run->row.link.role == results::RowRole::kExternal; });
}

std::map<std::string, std::string> configuration_of(const ComparedRun& run) {
  std::map<std::string, std::string> values = flat_json(run.row.training.config_json);
  for (const auto& [name, value] : flat_json(run.evaluation_config)) {
    if (name != "training") values["evaluation." + name] = value;  // the training's key says nothing more
  }
  return values;
}

std::map<std::string, std::string> environment_of(const ComparedRun& run) {
  std::map<std::string, std::string> values = run.environment.values;
  values["shared_code"] = run.row.origin.shared_code;
  values["evaluation_code"] = run.row.evaluation_code;
  values["dataset_fingerprint"] = run.row.training.dataset_fingerprint;
  values["decoded_fingerprint"] = run.row.training.decoded_fingerprint;
  return values;
}

void compare_settings(const ComparedRuns& a, const ComparedRuns& b, const std::vector<RunPair>& pairs,
                      ComparedTable& table) {
  if (is_external(a) || is_external(b)) {
    table.why_no_configuration = "a side was made elsewhere: nothing is known of its settings and environment";
    return;
  }
  std::vector<RunPair> looked_at = pairs;
  if (looked_at.empty()) looked_at.emplace_back(a.front(), b.front());
  DifferenceCollector configuration;
  DifferenceCollector environment;
  for (const auto& [first, second] : looked_at) {
    configuration.add(map_differences(configuration_of(*first), configuration_of(*second)));
    environment.add(map_differences(environment_of(*first), environment_of(*second)));
  }
  table.configuration = configuration.take();
  table.environment = environment.take();
}

// The metrics on the test split of one seed, the primary one with the others.
std::map<std::string, double> metrics_of(const SeedResult& seed, const std::string& primary) {
  std::map<std::string, double> metrics = seed.metrics;
  if (seed.value) metrics[primary] = *seed.value;
  return metrics;
}

struct PairedValues {
  std::vector<double> a;
  std::vector<double> b;
};

// The seeds that pair, into `table`, and their metrics.
std::map<std::string, PairedValues> pair_seeds(const Row& a, const Row& b, bool single, ComparedTable& table) {
  std::map<std::string, PairedValues> values;
  std::vector<std::string> why;
  for (const SeedResult& seed : a.seeds) {
    const auto found =
        std::ranges::find_if(b.seeds, [&](const SeedResult& other) { return single || other.seed == seed.seed; });
    std::string reason;
    if (!seed.value) {
      reason = "A: " + seed.missing;
    } else if (found == b.seeds.end()) {
      reason = "not a seed of B";
    } else if (!found->value) {
      reason = "B: " + found->missing;
    } else if (found->seed != seed.seed) {
      reason = fmt::format("B has seed {}", found->seed);
    } else {
      reason = difference_in_fingerprints(seed, *found);
    }
    if (!reason.empty()) {
      why.push_back(fmt::format("seed {}: {}", seed.seed, reason));
      continue;
    }
    table.paired_seeds.push_back(seed.seed);
    const std::map<std::string, double> of_b = metrics_of(*found, table.primary_metric);
    for (const auto& [name, value] : metrics_of(seed, table.primary_metric)) {
      const auto other = of_b.find(name);
      if (other == of_b.end()) continue;
      values[name].a.push_back(value);
      values[name].b.push_back(other->second);
    }
  }
  for (const SeedResult& seed : b.seeds) {
    if (!single && std::ranges::find(a.seeds, seed.seed, &SeedResult::seed) == a.seeds.end()) {
      why.push_back(fmt::format("seed {}: not a seed of A", seed.seed));
    }
  }
  table.not_paired = join(why, "; ");
  return values;
}

// Of all seeds that have it.
std::map<std::string, std::vector<double>> all_metrics(const Row& row, const std::string& primary) {
  std::map<std::string, std::vector<double>> values;
  for (const SeedResult& seed : row.seeds) {
    for (const auto& [name, value] : metrics_of(seed, primary)) values[name].push_back(value);
  }
  return values;
}

std::vector<std::string> metric_order(const std::map<std::string, std::vector<double>>& a,
                                      const std::map<std::string, std::vector<double>>& b, const std::string& primary) {
  std::vector<std::string> names;
  for (const auto& [name, values] : a) {
    if (name != primary && b.contains(name)) names.push_back(name);
  }
  sort_metrics(names);
  if (a.contains(primary) && b.contains(primary)) names.insert(names.begin(), primary);
  return names;
}

void compare_metrics(const Row& a, const Row& b, bool single, ComparedTable& table) {
  const std::map<std::string, PairedValues> paired = pair_seeds(a, b, single, table);
  const std::map<std::string, std::vector<double>> of_a = all_metrics(a, table.primary_metric);
  const std::map<std::string, std::vector<double>> of_b = all_metrics(b, table.primary_metric);
  for (const std::string& name : metric_order(of_a, of_b, table.primary_metric)) {
    MetricComparison& metric = table.metrics.emplace_back();
    metric.metric = name;
    metric.higher_is_better = metric_style(name).higher_is_better;
    const auto pair = paired.find(name);
    if (pair != paired.end()) {
      metric.paired = compare_paired(pair->second.b, pair->second.a);
      metric.mean_a = mean(pair->second.a);
      metric.mean_b = mean(pair->second.b);
    } else {
      metric.mean_a = mean(of_a.at(name));
      metric.mean_b = mean(of_b.at(name));
    }
    metric.difference = metric.mean_b - metric.mean_a;
  }
}

ComparedTable compare_table(const ComparedRuns& a, const ComparedRuns& b) {
  const results::SuiteLink& of_a = a.front()->row.link;
  const results::SuiteLink& of_b = b.front()->row.link;
  ComparedTable table;
  table.title = table_name(of_a);
  if (table_key_of(of_a) != table_key_of(of_b)) table.title += fmt::format(" (A), {} (B)", table_name(of_b));
  table.primary_metric = of_a.primary_metric;
  table.runs_a = run_ids(a);
  table.runs_b = run_ids(b);
  const std::vector<RunPair> pairs = pairs_of(a, b);
  compare_settings(a, b, pairs, table);
  compare_metrics(row_of_runs(a), row_of_runs(b), a.size() == 1 && b.size() == 1, table);
  table.clips = compare_clips(of_a.task, of_a.task == of_b.task ? pairs : std::vector<RunPair>{});
  return table;
}

std::string tables_text(const std::map<TableKey, ComparedRuns>& tables) {
  std::vector<std::string> names;
  for (const auto& [key, runs] : tables) names.push_back(table_name(runs.front()->row.link));
  return join(names, "; ");
}

}  // namespace

Comparison compare_sides(const ComparedSide& a, const ComparedSide& b) {
  const std::map<TableKey, ComparedRuns> of_a = by_table(a);
  const std::map<TableKey, ComparedRuns> of_b = by_table(b);
  Comparison comparison{a.name, b.name, {}};
  for (const auto& [key, runs] : of_a) {
    const auto other = of_b.find(key);
    if (other != of_b.end()) comparison.tables.push_back(compare_table(runs, other->second));
  }
  if (comparison.tables.empty() && of_a.size() == 1 && of_b.size() == 1) {
    comparison.tables.push_back(compare_table(of_a.begin()->second, of_b.begin()->second));
  }
  const bool empty = std::ranges::all_of(comparison.tables, [](const auto& table) { return table.metrics.empty(); });
  if (!empty) return comparison;
  throw Error(ErrorKind::kNothingSelected,
              {.what = fmt::format("'{}' and '{}' have no result in common to compare", a.name, b.name),
               .where = fmt::format("A: {}; B: {}", of_a.empty() ? "no run" : tables_text(of_a),
                                    of_b.empty() ? "no run" : tables_text(of_b)),
               .fix = "'cmkd status SUITE' says what is done"});
}

double worse_by(const Comparison& comparison) {
  double worst = -std::numeric_limits<double>::infinity();
  for (const ComparedTable& table : comparison.tables) {
    for (const MetricComparison& metric : table.metrics) {
      if (metric.metric != table.primary_metric) continue;
      const double loss = metric.higher_is_better ? -metric.difference : metric.difference;
      worst = std::max(worst, shown_value(metric.metric, loss));
    }
  }
  return worst;
}

}  // namespace cmkd::reports
