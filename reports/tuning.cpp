#include "cmkd/reports/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/reports/statistics.h"

namespace cmkd::reports {

using nlohmann::json;

double expected_best(std::span<const double> values, std::int64_t k) {
  if (values.empty() || k < 1) {
    throw Error(ErrorKind::kInternal, {.what = "the expected best of no value, or of no draw"});
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const auto count = static_cast<double>(sorted.size());
  double sum = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    // Ties share their steps of the distribution, whatever their order.
    const double upto = std::pow(static_cast<double>(i + 1) / count, static_cast<double>(k));
    const double below = std::pow(static_cast<double>(i) / count, static_cast<double>(k));
    sum += sorted[i] * (upto - below);
  }
  return sum;
}

namespace {

struct TrialRows {
  std::vector<double> values;  // of the seeds that are done
  std::int64_t failed = 0;
  std::int64_t missing = 0;
  json settings;  // "learning_rate" -> 0.003, of the first seed that has run
};

// What a trial may set, as one flat object: the method's parameters, learning rate and weight decay.
json settings_of(const std::string& config) {
  const json whole = json::parse(config, nullptr, /*allow_exceptions=*/false);
  json settings = json::object();
  if (!whole.is_object()) return settings;
  for (const char* name : {"learning_rate", "weight_decay"}) {
    if (whole.contains("training") && whole["training"].contains(name)) settings[name] = whole["training"][name];
  }
  if (whole.contains("method") && whole["method"].contains("parameters"))
    settings.update(whole["method"]["parameters"]);
  return settings;
}

void add_row(const results::LeaderboardRow& row, const std::string& metric, TrialRows& trial) {
  if (row.state == results::RowState::kNotRun) {
    ++trial.missing;
    return;
  }
  if (trial.settings.is_null()) trial.settings = settings_of(row.training.config_json);
  for (const results::MetricValue& value : row.metrics) {
    if (value.name != metric || value.split != "validation") continue;
    trial.values.push_back(value.value);
    return;
  }
  ++(row.training.status == results::RunStatus::kFailed ? trial.failed : trial.missing);
}

std::string differences(const json& of, const json& from) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : of.items()) {
    if (from.contains(name) && from[name] == value) continue;
    parts.push_back(fmt::format("{} = {}", name, value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return parts.empty() ? "the suite's own values" : join(parts);
}

TunedMethod tuned_method(const std::string& name, const std::map<std::int64_t, TrialRows>& trials) {
  TunedMethod method;
  method.name = name;
  std::vector<double> known;
  for (const auto& [number, trial] : trials) {
    const bool whole = trial.failed == 0 && trial.missing == 0 && !trial.values.empty();
    method.values.push_back(whole ? std::optional(mean(trial.values)) : std::nullopt);
    // A setting that fails costs its share of the budget and gives nothing.
    if (trial.missing == 0) known.push_back(whole ? *method.values.back() : 0.0);
    if (!whole) continue;
    if (!method.winner || known.back() > *method.values[static_cast<std::size_t>(*method.winner)]) {
      method.winner = static_cast<std::int64_t>(method.values.size()) - 1;
      method.winning_values = differences(trial.settings, trials.begin()->second.settings);
    }
  }
  for (std::size_t k = 1; k <= known.size(); ++k) {
    method.best_of.push_back(expected_best(known, static_cast<std::int64_t>(k)));
  }
  return method;
}

}  // namespace

std::optional<Tuning> build_tuning(const std::vector<results::LeaderboardRow>& rows) {
  std::map<std::string, std::map<std::int64_t, TrialRows>> methods;
  std::vector<std::pair<std::string, std::string>> order;  // (position in the suite, method)
  Tuning tuning;
  std::set<std::int64_t> seeds;
  for (const results::LeaderboardRow& row : rows) {
    if (!row.link.trial) continue;
    const std::string& method = row.link.method;
    tuning.metric = row.link.primary_metric;
    if (!methods.contains(method)) order.emplace_back(row.link.method_order, method);
    TrialRows& trial = methods[method][*row.link.trial];
    add_row(row, tuning.metric, trial);
    seeds.insert(row.link.seed);
  }
  if (methods.empty()) return std::nullopt;
  std::ranges::sort(order);
  tuning.seeds = static_cast<std::int64_t>(seeds.size());
  for (const auto& [position, method] : order) {
    tuning.methods.push_back(tuned_method(method, methods[method]));
    tuning.trials = std::max(tuning.trials, static_cast<std::int64_t>(methods[method].size()));
    for (const auto& [number, trial] : methods[method]) tuning.unfinished += trial.missing;
  }
  return tuning;
}

}  // namespace cmkd::reports
