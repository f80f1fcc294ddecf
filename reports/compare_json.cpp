// A comparison for programs. Fractions as stored, to six decimals.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "compare_parts.h"
#include "json_parts.h"

namespace cmkd::reports {

namespace {

OrderedJson value_differences_json(const std::vector<ValueDifference>& differences) {
  OrderedJson list = OrderedJson::array();
  for (const ValueDifference& one : differences) list.push_back({{"name", one.name}, {"a", one.a}, {"b", one.b}});
  return list;
}

OrderedJson metric_json(const MetricComparison& metric) {
  OrderedJson result{{"metric", metric.metric},
                     {"higher_is_better", metric.higher_is_better},
                     {"mean_a", json_number(metric.mean_a)},
                     {"mean_b", json_number(metric.mean_b)},
                     {"difference", json_number(metric.difference)},
                     {"n", metric.paired ? metric.paired->n : 0}};
  const bool tested = metric.paired && metric.paired->n > 1;
  result["interval_95_t"] = metric.paired ? interval_json(metric.paired->interval) : OrderedJson();
  result["sign_flip_p"] = tested ? json_number(metric.paired->sign_flip_p) : OrderedJson();
  result["t_p"] = metric.paired && metric.paired->t_p ? json_number(*metric.paired->t_p) : OrderedJson();
  return result;
}

OrderedJson clip_comparison_json(const ClipComparison& clips) {
  OrderedJson seeds = OrderedJson::array();
  for (const SeedFlips& seed : clips.seeds) {
    seeds.push_back({{"seed_a", seed.seed_a},
                     {"seed_b", seed.seed_b},
                     {"fold", seed.fold},
                     {"clips", seed.clips},
                     {"only_a_right", seed.only_a},
                     {"only_b_right", seed.only_b},
                     {"mcnemar_p", json_number(seed.p)},
                     {"mcnemar_p_holm", json_number(seed.p_holm)}});
  }
  OrderedJson flipped = OrderedJson::array();
  for (const FlippedClip& clip : clips.flipped) {
    flipped.push_back({{"clip", clip.clip},
                       {"group", clip.group},
                       {"label", clip.label},
                       {"seeds_only_a_right", clip.only_a},
                       {"seeds_only_b_right", clip.only_b}});
  }
  return {{"right", clips.right},
          {"why_none", clips.why_none},
          {"seeds", seeds},
          {"difference", json_number(clips.difference)},
          {"interval_95_over_groups", interval_json(clips.interval)},
          {"groups", clips.groups},
          {"flipped", flipped}};
}

}  // namespace

std::string comparison_json(const Comparison& comparison) {
  OrderedJson root{{"format", "cmkd comparison"},
                   {"version", 1},
                   {"a", comparison.a},
                   {"b", comparison.b},
                   {"tables", OrderedJson::array()}};
  for (const ComparedTable& table : comparison.tables) {
    OrderedJson metrics = OrderedJson::array();
    for (const MetricComparison& metric : table.metrics) metrics.push_back(metric_json(metric));
    root["tables"].push_back({{"title", table.title},
                              {"primary_metric", table.primary_metric},
                              {"runs_a", table.runs_a},
                              {"runs_b", table.runs_b},
                              {"paired_seeds", table.paired_seeds},
                              {"not_paired", table.not_paired},
                              {"metrics", metrics},
                              {"clips", clip_comparison_json(table.clips)},
                              {"configuration", value_differences_json(table.configuration)},
                              {"environment", value_differences_json(table.environment)},
                              {"why_no_configuration", table.why_no_configuration}});
  }
  if (const double worse = worse_by(comparison); std::isfinite(worse)) root["worse_by"] = json_number(worse);
  return root.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace cmkd::reports
