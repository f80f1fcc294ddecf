// Everything of a leaderboard, for programs. Metrics are fractions, as stored, to six decimals. An interval is there
// twice: as the other formats show it, cut at the metric's range, and as the t distribution gives it.
#include <fmt/format.h>

#include <cmath>

#include "json_parts.h"
#include "metric_names.h"

namespace cmkd::reports {

OrderedJson json_number(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  const double rounded = std::round(value * 1e6) / 1e6;
  return rounded == 0 ? 0.0 : rounded;
}

OrderedJson json_number(const std::optional<double>& value) { return value ? json_number(*value) : OrderedJson(); }

OrderedJson interval_json(const std::optional<Interval>& interval) {
  return interval ? OrderedJson::array({json_number(interval->low), json_number(interval->high)}) : OrderedJson();
}

void add_json_interval(OrderedJson& object, const std::string& metric, const std::optional<Interval>& interval,
                       IntervalOf of) {
  std::optional<Interval> shown;
  OrderedJson cut = OrderedJson::array();
  if (interval) {
    const ShownInterval within = shown_interval(metric, *interval, of);
    shown = within.interval;
    if (within.low_is_cut) cut.push_back("low");
    if (within.high_is_cut) cut.push_back("high");
  }
  object["interval_95"] = interval_json(shown);
  object["interval_95_cut"] = cut;
  object["interval_95_t"] = interval_json(interval);
}

namespace {

// Nothing where there is no bound.
OrderedJson range_json(const std::string& metric) {
  const MetricRange range = metric_style(metric).range;
  const auto bound = [](double value) { return std::isfinite(value) ? json_number(value) : OrderedJson(); };
  return OrderedJson::array({bound(range.low), bound(range.high)});
}

OrderedJson values_json(const std::map<std::string, double>& values) {
  OrderedJson result = OrderedJson::object();
  for (const auto& [name, value] : values) result[name] = json_number(value);
  return result;
}

OrderedJson averages_json(const std::map<std::string, Average>& averages, bool with_ratio) {
  OrderedJson result = OrderedJson::object();
  for (const auto& [name, average] : averages) {
    result[name] = {{"mean", json_number(average.mean)}, {"n", average.n}};
    if (with_ratio) result[name]["ratio_to_student"] = json_number(average.to_student);
  }
  return result;
}

// What the row is to the ranking; its note tells the bounds apart.
const char* role_name(RowRole role) {
  if (role == RowRole::kUpperBound) return "other";
  return to_string(is_ranked(role) ? RowRole::kMethod : role);
}

OrderedJson seed_json(const SeedResult& seed, bool cost) {
  OrderedJson result{{"seed", seed.seed},
                     {"value", json_number(seed.value)},
                     {"missing", seed.missing},
                     {"training_key", seed.training_key},
                     {"evaluation_key", seed.evaluation_key},
                     {"fingerprints",
                      {{"initial_weights", seed.initial_weights},
                       {"batch_order", seed.batch_order},
                       {"augmentation", seed.augmentation}}},
                     {"metrics", values_json(seed.metrics)},
                     {"transfer", values_json(seed.transfer)},
                     {"rerun_command", seed.rerun_command}};
  if (cost) result["measured"] = values_json(seed.measured);
  if (!seed.fold.empty()) result["fold"] = seed.fold;
  for (const SeedResult& fold : seed.folds) result["folds"].push_back(seed_json(fold, cost));
  return result;
}

OrderedJson difference_json(const std::string& metric, const std::optional<StudentDifference>& difference) {
  if (!difference) return {};
  OrderedJson result{{"seeds", difference->seeds}, {"why_not", difference->why_not}};
  if (!difference->comparison) return result;
  const PairedComparison& paired = *difference->comparison;
  result["n"] = paired.n;
  result["difference"] = json_number(paired.difference);
  add_json_interval(result, metric, paired.interval, IntervalOf::kDifference);
  result["sign_flip_p"] = json_number(paired.sign_flip_p);
  result["sign_flip_exact"] = paired.sign_flip_exact;
  result["smallest_reachable_p"] = json_number(smallest_reachable_p(paired.n));
  result["t_p"] = json_number(paired.t_p);
  result["cohen_dz"] = json_number(paired.cohen_dz);
  result["cliff_delta"] = json_number(paired.cliff_delta);
  return result;
}

OrderedJson row_json(const std::string& metric, const Row& row, bool cost) {
  OrderedJson result{{"name", row.name},
                     {"method", row.method},
                     {"control", row.control},
                     {"role", role_name(row.role)},
                     {"note", row.note},
                     {"student_model", row.student_model},
                     {"verified", row.verified},
                     {"seeds_done", row.done},
                     {"seeds_wanted", row.wanted},
                     {"partial", row.partial()},
                     {"mean", json_number(row.mean)},
                     {"standard_deviation", json_number(row.deviation)}};
  add_json_interval(result, metric, row.interval);
  result["tier"] = row.tier ? OrderedJson(*row.tier) : OrderedJson();
  result["not_ranked"] = row.not_ranked;
  result["rank"] =
      row.rank ? OrderedJson{{"value", json_number(row.rank->rank)}, {"interval_95", interval_json(row.rank->interval)}}
               : OrderedJson();
  result["over_test_clips"] = over_clips_json(row.over_clips);
  result["against_student"] = difference_json(metric, row.to_student);
  result["metrics"] = averages_json(row.secondary, false);
  result["transfer_top1"] = row.transfer_top1 ? json_number(row.transfer_top1->mean) : OrderedJson();
  result["rerun_command"] = row.rerun_command;
  if (cost) result["measured"] = averages_json(row.cost, true);
  for (const SeedResult& seed : row.seeds) result["seeds"].push_back(seed_json(seed, cost));
  return result;
}

OrderedJson exclusions_json(const ExclusionList& list) {
  OrderedJson clips = OrderedJson::array();
  for (const auto& clip : list.clips) {
    clips.push_back({{"clip", clip.clip_id}, {"split", clip.split}, {"reason", clip.reason}});
  }
  return {{"dataset", list.dataset},
          {"source_fingerprint", list.source_fingerprint},
          {"decoded_fingerprint", list.decoded_fingerprint},
          {"listed", list.listed},
          {"used", list.used},
          {"reasons", list.reasons},
          {"excluded", clips}};
}

OrderedJson table_json(const Table& table, bool cost) {
  OrderedJson result{{"task", table.task},
                     {"dataset", dataset_text(table)},
                     {"direction", table.direction},
                     {"protocol", table.protocol},
                     {"primary_metric", table.primary_metric},
                     {"primary_metric_range", range_json(table.primary_metric)},
                     {"selection_rules", table.selection_rules},
                     {"fingerprints", table.fingerprints},
                     {"what_n_allows", table.what_n_allows},
                     {"folds", table.folds},
                     {"condition", table.condition},
                     {"level", table.level ? OrderedJson(*table.level) : OrderedJson()},
                     {"tiers", table.tiers},
                     {"test_clips", table.test_clips},
                     {"rows", OrderedJson::array()},
                     {"pairs", OrderedJson::array()},
                     {"datasets", OrderedJson::array()}};
  for (const RowPair& pair : table.pairs) result["pairs"].push_back(pair_json(table.primary_metric, pair));
  for (const Row& row : table.rows) result["rows"].push_back(row_json(table.primary_metric, row, cost));
  for (const ExclusionList& list : table.exclusions) result["datasets"].push_back(exclusions_json(list));
  return result;
}

OrderedJson point_json(const std::string& metric, double level, const SweepPoint& point) {
  OrderedJson result{
      {"level", level}, {"mean", json_number(point.mean)}, {"standard_deviation", json_number(point.deviation)}};
  add_json_interval(result, metric, point.interval);
  result["n"] = point.n;
  result["missing"] = point.missing;
  return result;
}

OrderedJson area_json(const std::string& metric, const Row& area) {
  OrderedJson seeds = OrderedJson::array();
  for (const SeedResult& seed : area.seeds) {
    seeds.push_back({{"seed", seed.seed}, {"value", json_number(seed.value)}, {"missing", seed.missing}});
  }
  OrderedJson result{{"mean", json_number(area.mean)}, {"standard_deviation", json_number(area.deviation)}};
  add_json_interval(result, metric, area.interval);
  result["seeds_done"] = area.done;
  result["seeds_wanted"] = area.wanted;
  result["against_student"] = difference_json(metric, area.to_student);
  result["seeds"] = seeds;
  return result;
}

OrderedJson sweep_row_json(const Sweep& sweep, const SweepRow& row) {
  OrderedJson points = OrderedJson::array();
  for (std::size_t i = 0; i < sweep.levels.size(); ++i) {
    points.push_back(point_json(sweep.primary_metric, sweep.levels[i], row.points[i]));
  }
  return {{"name", row.area.name},
          {"method", row.area.method},
          {"control", row.area.control},
          {"role", role_name(row.area.role)},
          {"points", points},
          {"area", area_json(sweep.primary_metric, row.area)}};
}

OrderedJson evidence_json(const Sweep& sweep, const SweepEvidence& evidence) {
  OrderedJson points = OrderedJson::array();
  for (std::size_t i = 0; i < sweep.levels.size(); ++i) {
    const std::optional<SeedSpread>& point = evidence.points[i];
    points.push_back({{"level", sweep.levels[i]},
                      {"mean", point ? json_number(point->mean) : OrderedJson()},
                      {"standard_deviation", point ? json_number(point->deviation) : OrderedJson()},
                      {"n", point ? point->n : 0}});
  }
  return {{"name", evidence.name}, {"metric", evidence.metric}, {"points", points}};
}

OrderedJson sweep_json(const Sweep& sweep) {
  OrderedJson result{{"task", sweep.task},
                     {"dataset", sweep.dataset},
                     {"direction", sweep.direction},
                     {"protocol", sweep.protocol},
                     {"primary_metric", sweep.primary_metric},
                     {"primary_metric_range", range_json(sweep.primary_metric)},
                     {"setting", sweep.setting},
                     {"levels", sweep.levels},
                     {"tables", sweep.tables},
                     {"rows", OrderedJson::array()},
                     {"evidence", OrderedJson::array()}};
  for (const SweepRow& row : sweep.rows) result["rows"].push_back(sweep_row_json(sweep, row));
  for (const SweepEvidence& one : sweep.evidence) result["evidence"].push_back(evidence_json(sweep, one));
  return result;
}

OrderedJson provenance_json(const Provenance& provenance) {
  OrderedJson parts = OrderedJson::array();
  for (const Provenance::Part& part : provenance.parts) {
    parts.push_back({{"shared_code", part.origin.shared_code},
                     {"libtorch", part.origin.libtorch},
                     {"device", part.origin.device},
                     {"cpu_level", part.origin.cpu_level},
                     {"trainings", part.trainings}});
  }
  return {{"parts", parts},
          {"later_evaluations", provenance.later_evaluations},
          {"mixed_cells", provenance.mixed_cells},
          {"mixed", provenance.is_mixed()},
          {"rerun_command", provenance.rerun_command}};
}

OrderedJson tuning_json(const Tuning& tuning) {
  OrderedJson methods = OrderedJson::array();
  for (const TunedMethod& method : tuning.methods) {
    OrderedJson values = OrderedJson::array();
    for (const auto& value : method.values) values.push_back(json_number(value));
    OrderedJson best = OrderedJson::array();
    for (const double value : method.best_of) best.push_back(json_number(value));
    methods.push_back({{"method", method.name},
                       {"values", values},
                       {"winner", method.winner ? OrderedJson(*method.winner) : OrderedJson()},
                       {"winning_values", method.winning_values},
                       {"expected_best_of", best}});
  }
  return {{"metric", tuning.metric},
          {"trials", tuning.trials},
          {"seeds", tuning.seeds},
          {"unfinished", tuning.unfinished},
          {"methods", methods}};
}

}  // namespace

std::string render_json(const Leaderboard& board) {
  OrderedJson root{{"format", "cmkd leaderboard"},  {"version", 3},
                   {"suite", board.suite},          {"title", board.title},
                   {"how_to_read", how_to_read()},  {"sweeps", OrderedJson::array()},
                   {"tables", OrderedJson::array()}};
  root["made_with"] = provenance_json(board.provenance);
  root["overviews"] = OrderedJson::array();
  for (const Overview& overview : board.overviews) root["overviews"].push_back(overview_json(overview));
  for (const Sweep& sweep : sweeps_of(board)) root["sweeps"].push_back(sweep_json(sweep));
  for (const Table& table : board.tables) root["tables"].push_back(table_json(table, board.cost));
  if (board.tuning) root["tuning"] = tuning_json(*board.tuning);
  // A name from a file system may be no UTF-8: it must not stop the report.
  return root.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace cmkd::reports
