// Pairs of methods, and the data sets read together.
#include "json_parts.h"
#include "text.h"

namespace cmkd::reports {

namespace {

OrderedJson estimate_json(const Estimate& estimate) {
  return {{"value", json_number(estimate.value)}, {"interval_95", interval_json(estimate.interval)}};
}

OrderedJson equivalence_json(const std::optional<Equivalence>& equivalence, const char* first, const char* second) {
  if (!equivalence) return nullptr;
  return {{first, json_number(equivalence->first_better)},
          {"equivalent", json_number(equivalence->equivalent)},
          {second, json_number(equivalence->second_better)}};
}

OrderedJson overview_method_json(const OverviewMethod& method) {
  OrderedJson profile = OrderedJson::array();
  for (const ProfilePoint& point : method.profile) {
    profile.push_back({{"threshold", json_number(point.threshold)},
                       {"share_above", json_number(point.share)},
                       {"interval_95", interval_json(point.interval)}});
  }
  return {{"name", method.name},
          {"mean_rank", estimate_json(method.mean_rank)},
          {"interquartile_mean", estimate_json(method.interquartile_mean)},
          {"mean", json_number(method.mean)},
          {"median", json_number(method.median)},
          {"optimality_gap", method.optimality_gap ? estimate_json(*method.optimality_gap) : OrderedJson()},
          {"performance_profile", profile}};
}

OrderedJson overview_pair_json(const Overview& overview, const OverviewPair& pair) {
  OrderedJson result{{"first", overview.methods[pair.first].name},
                     {"second", overview.methods[pair.second].name},
                     {"mean_difference", json_number(pair.mean_difference)},
                     {"probability_of_improvement", estimate_json(pair.probability_of_improvement)}};
  result["wilcoxon_p"] = pair.wilcoxon ? json_number(pair.wilcoxon->p) : OrderedJson();
  result["wilcoxon_exact"] = pair.wilcoxon ? OrderedJson(pair.wilcoxon->exact) : OrderedJson();
  result["holm_p"] = json_number(pair.holm_p);
  result["equivalence"] = equivalence_json(pair.equivalence, "first_better", "second_better");
  return result;
}

OrderedJson omnibus_json(const std::optional<FriedmanTest>& omnibus) {
  if (!omnibus) return nullptr;
  return {{"friedman_chi2", json_number(omnibus->chi2)},
          {"friedman_p", json_number(omnibus->chi2_p)},
          {"iman_davenport_f", json_number(omnibus->f)},
          {"iman_davenport_p", json_number(omnibus->f_p)}};
}

}  // namespace

OrderedJson pair_json(const std::string& metric, const RowPair& pair) {
  OrderedJson result{{"better", pair.better}, {"other", pair.other}, {"why_not", pair.why_not}};
  result["n"] = pair.seeds ? pair.seeds->n : 0;
  result["difference"] = pair.seeds ? json_number(pair.seeds->difference) : OrderedJson();
  add_json_interval(result, metric, pair.seeds ? pair.seeds->interval : std::nullopt, IntervalOf::kDifference);
  result["interval_95_clips"] = interval_json(pair.over_clips);
  result["sign_flip_p"] = pair.seeds ? json_number(pair.seeds->sign_flip_p) : OrderedJson();
  result["sign_flip_exact"] = pair.seeds ? OrderedJson(pair.seeds->sign_flip_exact) : OrderedJson();
  result["holm_p"] = json_number(pair.holm_p);
  result["probability_of_improvement"] = estimate_json({pair.probability_of_improvement, pair.probability_interval});
  result["cohen_dz"] = pair.seeds ? json_number(pair.seeds->cohen_dz) : OrderedJson();
  result["cliff_delta"] = pair.seeds ? json_number(pair.seeds->cliff_delta) : OrderedJson();
  result["equivalence"] = equivalence_json(pair.equivalence, "better", "other_better");
  return result;
}

OrderedJson over_clips_json(const std::optional<OverClips>& over_clips) {
  if (!over_clips) return nullptr;
  return {{"interval_95", interval_json(over_clips->interval)},
          {"against_student_interval_95", interval_json(over_clips->to_student)},
          {"clips", over_clips->clips},
          {"source_videos", over_clips->groups},
          {"why_not", over_clips->why_not}};
}

OrderedJson overview_json(const Overview& overview) {
  OrderedJson result{{"task", overview.task},
                     {"direction", overview.direction},
                     {"protocol", overview.protocol},
                     {"primary_metric", overview.primary_metric},
                     {"datasets", overview.datasets},
                     {"tables", overview.tables},
                     {"left_out", overview.left_out},
                     {"tests", overview.tests},
                     {"omnibus", omnibus_json(overview.omnibus)},
                     {"critical_distance", json_number(overview.critical_distance)},
                     {"cliques", OrderedJson::array()},
                     {"methods", OrderedJson::array()},
                     {"pairs", OrderedJson::array()}};
  for (const auto& [first, last] : overview.cliques) {
    OrderedJson names = OrderedJson::array();
    for (std::size_t i = first; i <= last; ++i) names.push_back(overview.methods[i].name);
    result["cliques"].push_back(names);
  }
  for (const OverviewMethod& method : overview.methods) result["methods"].push_back(overview_method_json(method));
  for (const OverviewPair& pair : overview.pairs) result["pairs"].push_back(overview_pair_json(overview, pair));
  return result;
}

}  // namespace cmkd::reports
