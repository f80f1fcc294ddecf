#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "build.h"
#include "cmkd/core/error.h"

namespace cmkd::reports {

namespace {

const char* note_of_role(RowRole role) {
  switch (role) {
    case RowRole::kMethod:
      return "";
    case RowRole::kUpperBound:
      return "uses both modalities";
    case RowRole::kExternal:
      return "external, unpaired";
    case RowRole::kLowerBound:
    case RowRole::kControl:
    case RowRole::kTeacher:
    case RowRole::kCeiling:
      break;
  }
  return to_string(role);
}

// Fills state and missing: why there is no value, or nothing.
void say_why_seed_is_missing(const results::LeaderboardRow& row, SeedResult& result) {
  switch (row.state) {
    case results::RowState::kNotRun:
      result.state = result.missing = "not run";
      return;
    case results::RowState::kFailed:
      result.state = "failed";
      result.missing = "failed: " + (row.training.reason.empty() ? "no reason recorded" : row.training.reason);
      return;
    case results::RowState::kTrained:
      result.state = result.missing = "trained, not evaluated";
      return;
    case results::RowState::kEvaluated:
      break;
  }
  if (result.value) return;
  result.state = result.missing = fmt::format("evaluated without '{}' on split 'test'", row.link.primary_metric);
}

SeedResult seed_result(const results::LeaderboardRow& row, const LeaderboardOptions& options) {
  SeedResult result;
  result.seed = row.link.seed;
  for (const results::MetricValue& metric : row.metrics) {
    if (metric.split == "transfer") result.transfer[metric.name] = metric.value;
    if (metric.split != "test") continue;
    if (metric.name == row.link.primary_metric) {
      result.value = metric.value;
    } else {
      result.metrics[metric.name] = metric.value;
    }
  }
  say_why_seed_is_missing(row, result);
  result.fold = row.link.fold;
  result.training_key = row.link.training_key;
  result.evaluation_key = row.link.evaluation_key;
  result.outputs = row.outputs_fingerprint;
  result.initial_weights = row.training.initial_weights_fingerprint;
  result.batch_order = row.training.batch_order_fingerprint;
  result.augmentation = row.training.augmentation_fingerprint;
  result.rerun_command = row.link.rerun_command;
  if (options.cost && row.state != results::RowState::kNotRun) result.measured = row.training.measured;
  return result;
}

void sort_seeds(Row& row) {
  std::ranges::sort(row.seeds, {}, [](const SeedResult& seed) {
    return std::tie(seed.seed, seed.fold, seed.training_key, seed.evaluation_key);
  });
  for (std::size_t i = 1; i < row.seeds.size(); ++i) {
    const SeedResult& before = row.seeds[i - 1];
    const SeedResult& after = row.seeds[i];
    if (after.seed != before.seed || after.fold != before.fold) continue;
    throw Error(ErrorKind::kData, {fmt::format("two results for seed {} of '{}'", after.seed, row.name),
                                   fmt::format("evaluations {} and {}", before.evaluation_key, after.evaluation_key),
                                   "one evaluation for each method, seed and protocol of a suite",
                                   "give the two methods different labels"});
  }
}

// Means of what every part has.
std::map<std::string, double> means_of(const std::vector<SeedResult>& parts,
                                       std::map<std::string, double> SeedResult::*values) {
  std::map<std::string, double> means;
  for (const auto& [name, first] : parts.front().*values) {
    std::vector<double> list;
    for (const SeedResult& part : parts) {
      if (const auto found = (part.*values).find(name); found != (part.*values).end()) list.push_back(found->second);
    }
    if (list.size() == parts.size()) means[name] = mean(list);
  }
  return means;
}

std::string joined(const std::vector<SeedResult>& parts, std::string SeedResult::*text) {
  std::vector<std::string> texts;
  for (const SeedResult& part : parts) {
    if ((part.*text).empty()) return "";
    texts.push_back(part.*text);
  }
  return join(texts, "+");
}

SeedResult mean_over_folds(const std::vector<SeedResult>& parts) {
  SeedResult whole;
  whole.seed = parts.front().seed;
  whole.rerun_command = parts.front().rerun_command;
  whole.folds = parts;
  std::vector<double> values;
  for (const SeedResult& part : parts) {
    if (part.value) {
      values.push_back(*part.value);
    } else if (whole.missing.empty()) {
      whole.state = part.state;
      whole.missing = fmt::format("fold {}: {}", part.fold, part.missing);
    }
  }
  if (values.size() == parts.size()) whole.value = mean(values);
  whole.metrics = means_of(parts, &SeedResult::metrics);
  whole.transfer = means_of(parts, &SeedResult::transfer);
  whole.measured = means_of(parts, &SeedResult::measured);
  for (std::string SeedResult::*text :
       {&SeedResult::training_key, &SeedResult::evaluation_key, &SeedResult::initial_weights, &SeedResult::batch_order,
        &SeedResult::augmentation}) {
    whole.*text = joined(parts, text);
  }
  return whole;
}

// `seeds` are sorted.
std::vector<SeedResult> with_folds_merged(const std::vector<SeedResult>& seeds) {
  std::vector<SeedResult> merged;
  for (auto begin = seeds.begin(); begin != seeds.end();) {
    const auto end = std::find_if(
        begin, seeds.end(), [&](const SeedResult& seed) { return begin->fold.empty() || seed.seed != begin->seed; });
    if (begin->fold.empty()) {
      merged.push_back(*begin++);
      continue;
    }
    merged.push_back(mean_over_folds({begin, end}));
    begin = end;
  }
  return merged;
}

void add_average(std::map<std::string, std::vector<double>>& values, const std::map<std::string, double>& from) {
  for (const auto& [name, value] : from) values[name].push_back(value);
}

std::map<std::string, Average> averages(const std::map<std::string, std::vector<double>>& values) {
  std::map<std::string, Average> result;
  for (const auto& [name, list] : values) result[name] = {mean(list), static_cast<std::int64_t>(list.size()), {}};
  return result;
}

}  // namespace

bool is_ranked(RowRole role) noexcept { return role == RowRole::kMethod || role == RowRole::kLowerBound; }

void summarise(Row& row) {
  std::vector<double> values;
  std::map<std::string, std::vector<double>> secondary;
  std::map<std::string, std::vector<double>> transfer;
  std::map<std::string, std::vector<double>> measured;
  for (const SeedResult& seed : row.seeds) {
    if (!seed.value) continue;
    values.push_back(*seed.value);
    add_average(secondary, seed.metrics);
    add_average(transfer, seed.transfer);
    add_average(measured, seed.measured);
  }
  row.wanted = static_cast<std::int64_t>(row.seeds.size());
  row.done = static_cast<std::int64_t>(values.size());
  row.secondary = averages(secondary);
  row.cost = averages(measured);
  const std::map<std::string, Average> moved = averages(transfer);
  if (const auto found = moved.find("top1"); found != moved.end()) row.transfer_top1 = found->second;
  if (values.empty()) return;
  row.mean = mean(values);
  row.deviation = standard_deviation(values);
  row.interval = t_interval(values);
}

Row make_row(const std::vector<const results::LeaderboardRow*>& rows, const LeaderboardOptions& options) {
  Row row;
  const results::SuiteLink& link = rows.front()->link;
  row.name = link.label;
  row.method = link.method;
  row.control = link.control;
  row.student_model = link.student_model;
  row.role = link.role;
  row.note = note_of_role(row.role);
  row.rerun_command = link.row_rerun_command;
  for (const results::LeaderboardRow* one : rows) {
    row.seeds.push_back(seed_result(*one, options));
    if (one->state != results::RowState::kNotRun) row.verified = one->training.verified;
  }
  sort_seeds(row);
  row.seeds = with_folds_merged(row.seeds);
  summarise(row);
  return row;
}

std::vector<MissingSeeds> missing_seeds(const Row& row) {
  std::map<std::string, std::vector<std::string>> seeds;  // by reason
  std::vector<std::string> order;                         // of the reasons: that of their first seed
  for (const SeedResult& seed : row.seeds) {
    if (seed.missing.empty()) continue;
    if (!seeds.contains(seed.missing)) order.push_back(seed.missing);
    seeds[seed.missing].push_back(fmt::format("{}", seed.seed));
  }
  std::vector<MissingSeeds> groups;
  for (const std::string& reason : order) {
    const std::vector<std::string>& list = seeds[reason];
    groups.push_back({fmt::format("seed{} {}", list.size() == 1 ? "" : "s", join(list)), reason});
  }
  return groups;
}

std::string missing_reasons(const Row& row) {
  std::vector<std::string> reasons;
  for (const MissingSeeds& group : missing_seeds(row)) reasons.push_back(group.seeds + ": " + group.reason);
  return join(reasons, "; ");
}

}  // namespace cmkd::reports
