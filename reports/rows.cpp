#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "build.h"
#include "cmkd/core/error.h"

namespace cmkd::reports {

namespace {

constexpr std::string_view kSeedOption = " --seed ";

struct SeedInCommand {
  std::size_t begin = std::string::npos;  // of " --seed 3"
  std::size_t end = 0;
  std::int64_t seed = 0;
};

SeedInCommand seed_of_row(const std::string& command) {
  SeedInCommand found;
  found.begin = command.find(kSeedOption);
  if (found.begin == std::string::npos) return found;
  const char* first = command.data() + found.begin + kSeedOption.size();
  const char* last = command.data() + command.size();
  const auto parsed = std::from_chars(first, last, found.seed);
  if (parsed.ec != std::errc() || (parsed.ptr != last && *parsed.ptr != ' ')) return {};
  found.end = static_cast<std::size_t>(parsed.ptr - command.data());
  return found;
}

RowRole role_of(const std::string& note, const std::string& control) {
  if (!control.empty() || note == "control") return RowRole::kControl;
  if (note.empty() || note == "lower bound") return RowRole::kMethod;
  if (note == "teacher") return RowRole::kTeacher;
  if (note == "ceiling") return RowRole::kCeiling;
  return RowRole::kOther;
}

std::string why_seed_is_missing(const results::LeaderboardRow& row, bool has_metric) {
  switch (row.state) {
    case results::RowState::kNotRun:
      return "not run";
    case results::RowState::kFailed:
      return "failed: " + (row.training.reason.empty() ? "no reason recorded" : row.training.reason);
    case results::RowState::kTrained:
      return "trained, not evaluated";
    case results::RowState::kEvaluated:
      break;
  }
  return has_metric ? "" : fmt::format("evaluated without '{}' on split 'test'", row.link.primary_metric);
}

SeedResult seed_result(const results::LeaderboardRow& row, const LeaderboardOptions& options) {
  SeedResult result;
  if (row.state == results::RowState::kNotRun) {
    const SeedInCommand in_command = seed_of_row(row.link.rerun_command);
    result.seed_known = in_command.begin != std::string::npos;
    result.seed = in_command.seed;
  } else {
    result.seed = row.training.seed;
  }
  for (const results::MetricValue& metric : row.metrics) {
    if (metric.split == "transfer") result.transfer[metric.name] = metric.value;
    if (metric.split != "test") continue;
    if (metric.name == row.link.primary_metric) {
      result.value = metric.value;
    } else {
      result.metrics[metric.name] = metric.value;
    }
  }
  result.missing = why_seed_is_missing(row, result.value.has_value());
  result.fold = row.link.fold;
  result.training_key = row.link.training_key;
  result.evaluation_key = row.link.evaluation_key;
  result.initial_weights = row.training.initial_weights_fingerprint;
  result.batch_order = row.training.batch_order_fingerprint;
  result.augmentation = row.training.augmentation_fingerprint;
  result.rerun_command = row.link.rerun_command;
  if (options.cost && row.state != results::RowState::kNotRun) result.measured = row.training.measured;
  return result;
}

void sort_seeds(Row& row) {
  std::ranges::sort(row.seeds, {}, [](const SeedResult& seed) {
    return std::tuple(!seed.seed_known, seed.seed, seed.fold, seed.training_key, seed.evaluation_key);
  });
  for (std::size_t i = 1; i < row.seeds.size(); ++i) {
    const SeedResult& before = row.seeds[i - 1];
    const SeedResult& after = row.seeds[i];
    if (!after.seed_known || !before.seed_known || after.seed != before.seed || after.fold != before.fold) continue;
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
  whole.seed_known = parts.front().seed_known;
  whole.rerun_command = parts.front().rerun_command;
  whole.folds = parts;
  std::vector<double> values;
  for (const SeedResult& part : parts) {
    if (part.value) {
      values.push_back(*part.value);
    } else if (whole.missing.empty()) {
      whole.missing = fmt::format("split {}: {}", part.fold, part.missing);
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
    const auto end = std::find_if(begin, seeds.end(), [&](const SeedResult& seed) {
      return begin->fold.empty() || seed.seed != begin->seed || seed.seed_known != begin->seed_known;
    });
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

std::string without_seed(const std::string& command) {
  const SeedInCommand found = seed_of_row(command);
  if (found.begin == std::string::npos) return command;
  return command.substr(0, found.begin) + command.substr(found.end);
}

std::string label_in_command(const std::string& command) {
  constexpr std::string_view kOnly = " --only ";
  const std::size_t at = command.find(kOnly);
  if (at == std::string::npos) return "";
  const std::string rest = command.substr(at + kOnly.size());
  if (rest.starts_with('\'')) return rest.substr(1, rest.find('\'', 1) - 1);
  return rest.substr(0, rest.find(' '));
}

Row make_row(const std::vector<PlacedRow>& placed, const LeaderboardOptions& options) {
  Row row;
  row.name = placed.front().label;
  row.rerun_command = placed.front().command;
  for (const PlacedRow& one : placed) {
    const results::TrainingRecord& training = one.source->training;
    row.seeds.push_back(seed_result(*one.source, options));
    if (one.source->state == results::RowState::kNotRun) continue;
    row.method = training.method;
    row.control = training.control;
    row.student_model = training.student_model;
    row.verified = training.verified;
  }
  row.note = placed.front().source->link.note;
  row.role = role_of(row.note, row.control);
  if (row.method.empty()) row.method = row.name.substr(0, row.name.find(" ("));
  sort_seeds(row);
  row.seeds = with_folds_merged(row.seeds);
  summarise(row);
  return row;
}

std::vector<MissingSeeds> missing_seeds(const Row& row) {
  std::vector<MissingSeeds> groups;
  std::map<std::pair<std::string, bool>, std::vector<std::string>> seeds;  // in the order of their first seed
  std::vector<std::pair<std::string, bool>> order;
  for (const SeedResult& seed : row.seeds) {
    if (seed.missing.empty()) continue;
    const std::pair<std::string, bool> key{seed.missing, seed.seed_known};
    if (!seeds.contains(key)) order.push_back(key);
    seeds[key].push_back(fmt::format("{}", seed.seed));
  }
  for (const auto& key : order) {
    const std::vector<std::string>& list = seeds[key];
    const char* plural = list.size() == 1 ? "" : "s";
    groups.push_back({key.second ? fmt::format("seed{} {}", plural, join(list))
                                 : fmt::format("{} seed{}, not known which", list.size(), plural),
                      key.first});
  }
  return groups;
}

std::string missing_reasons(const Row& row) {
  std::vector<std::string> reasons;
  for (const MissingSeeds& group : missing_seeds(row)) reasons.push_back(group.seeds + ": " + group.reason);
  return join(reasons, "; ");
}

}  // namespace cmkd::reports
