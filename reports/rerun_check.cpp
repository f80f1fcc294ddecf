#include "cmkd/reports/rerun_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "cmkd/core/error.h"
#include "cmkd/metrics/classification.h"
#include "compare_parts.h"
#include "text.h"

namespace cmkd::reports {

namespace {

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool within_tolerance(double stored, double now, double tolerance) {
  if (std::isnan(stored) || std::isnan(now)) return std::isnan(stored) && std::isnan(now);
  return stored == now || std::abs(stored - now) <= tolerance * std::max(1.0, std::abs(stored));
}

// Where the last epoch is taken, nothing depends on the validation curve.
std::vector<results::EpochValue> compared_epochs(const results::TrainingRecord& training) {
  std::vector<results::EpochValue> epochs = training.epochs;
  if (training.selection_rule == results::kLastEpochRule) {
    std::erase_if(epochs, [](const results::EpochValue& value) { return value.kind == "validation"; });
  }
  std::ranges::sort(epochs, {}, [](const results::EpochValue& value) {
    return std::tie(value.phase, value.epoch, value.kind, value.name);
  });
  return epochs;
}

bool same_epochs(const results::TrainingRecord& a, const results::TrainingRecord& b) {
  return std::ranges::equal(compared_epochs(a), compared_epochs(b), [](const auto& left, const auto& right) {
    return std::tie(left.phase, left.epoch, left.kind, left.name) ==
               std::tie(right.phase, right.epoch, right.kind, right.name) &&
           same_bits(left.value, right.value);
  });
}

void check_training(const results::TrainingRecord& stored, const results::TrainingRecord& now, RerunCheck& check) {
  const auto compare = [&](const char* what, const std::string& then, const std::string& again) {
    if (then != again) check.parts.emplace_back(what);
  };
  const auto outcome = [](const results::TrainingRecord& training) {
    return training.status == results::RunStatus::kDone ? std::string("done") : "failed: " + training.reason;
  };
  if (outcome(stored) != outcome(now)) {
    check.parts.push_back(fmt::format("outcome (stored: {}; now: {})", outcome(stored), outcome(now)));
    check.sameness = Sameness::kDifferent;
  }
  compare("initial weights", stored.initial_weights_fingerprint, now.initial_weights_fingerprint);
  compare("batch order", stored.batch_order_fingerprint, now.batch_order_fingerprint);
  compare("augmentation", stored.augmentation_fingerprint, now.augmentation_fingerprint);
  if (!same_epochs(stored, now)) check.parts.emplace_back("values by epoch");
  compare("selected epoch", fmt::format("{}", stored.selected_epoch), fmt::format("{}", now.selected_epoch));
  compare("final weights", stored.final_weights_fingerprint, now.final_weights_fingerprint);
}

const RunContents::Evaluation* find_evaluation(const RunContents& run, const results::EvaluationRecord& wanted) {
  const auto found = std::ranges::find_if(run.evaluations, [&](const RunContents::Evaluation& one) {
    return std::tie(one.record.task, one.record.protocol, one.record.split) ==
           std::tie(wanted.task, wanted.protocol, wanted.split);
  });
  return found == run.evaluations.end() ? nullptr : &*found;
}

void check_metrics(const results::EvaluationRecord& stored, const results::EvaluationRecord& now, RerunCheck& check) {
  for (const results::MetricValue& metric : stored.metrics) {
    const auto again = std::ranges::find_if(now.metrics, [&](const results::MetricValue& one) {
      return one.name == metric.name && one.split == metric.split;
    });
    const double value = again == now.metrics.end() ? std::nan("") : again->value;
    if (same_bits(metric.value, value)) continue;
    check.metrics.push_back({stored.task, metric.name, metric.split, metric.value, value,
                             within_tolerance(metric.value, value, check.tolerance)});
  }
}

bool same_outputs(const results::ClipOutputs& a, const results::ClipOutputs& b) {
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  return a.clip_ids == b.clip_ids && a.labels == b.labels && a.tags == b.tags && a.queries == b.queries &&
         a.width == b.width && std::ranges::equal(a.scores, b.scores, {}, bits, bits);
}

void check_outputs(const results::EvaluationRecord& record, const results::ClipOutputs& stored,
                   const results::ClipOutputs& now, RerunCheck& check) {
  if (stored.clip_ids.empty()) return;
  check.clips += static_cast<std::int64_t>(stored.clip_ids.size());
  if (same_outputs(stored, now)) return;
  check.parts.push_back(fmt::format("per-clip outputs ({})", record.task));
  if (stored.clip_ids != now.clip_ids || stored.width != now.width) {
    check.parts.push_back(fmt::format("the clips themselves or the width of their outputs ({})", record.task));
    check.sameness = Sameness::kDifferent;
    return;
  }
  for (std::size_t i = 0; i < stored.scores.size(); ++i) {
    const double change = std::abs(static_cast<double>(stored.scores[i]) - static_cast<double>(now.scores[i]));
    check.largest_output_change = std::max(check.largest_output_change, change);
  }
  if (what_is_right(record.task) == nullptr || record.task == "retrieval") return;
  const std::vector<std::int32_t> then = metrics::predicted_classes(stored.scores, stored.width);
  const std::vector<std::int32_t> again = metrics::predicted_classes(now.scores, now.width);
  for (std::size_t i = 0; i < then.size(); ++i) check.changed_clips += then[i] == again[i] ? 0 : 1;
}

std::map<std::string, std::string> surroundings(const results::TrainingRecord& training) {
  std::map<std::string, std::string> values = training.environment.values;
  values["shared_code"] = training.shared_code;
  values["decoded_fingerprint"] = training.decoded_fingerprint;
  return values;
}

}  // namespace

RunContents run_contents(const results::Store& store, const std::string& training_key) {
  std::optional<results::TrainingRecord> training = store.training(training_key);
  if (!training) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("there is no training {}", training_key), .where = store.path().string()});
  }
  RunContents contents{std::move(*training), {}};
  for (results::EvaluationRecord& evaluation : store.evaluations(training_key)) {
    results::ClipOutputs outputs = store.outputs(evaluation.key);
    contents.evaluations.push_back({std::move(evaluation), std::move(outputs)});
  }
  return contents;
}

RerunCheck check_rerun(const RunContents& stored, const RunContents& now, double tolerance) {
  RerunCheck check;
  check.tolerance = tolerance;
  check.run =
      fmt::format("{} seed {} ({})", stored.training.label, stored.training.seed, stored.training.key.substr(0, 12));
  check.configuration = json_differences(stored.training.config_json, now.training.config_json);
  check.code_and_environment = map_differences(surroundings(stored.training), surroundings(now.training));
  check_training(stored.training, now.training, check);
  for (const RunContents::Evaluation& one : stored.evaluations) {
    const RunContents::Evaluation* again = find_evaluation(now, one.record);
    if (again == nullptr) {
      check.not_repeated.push_back(
          fmt::format("{}, protocol {}, on {}", one.record.task, one.record.protocol, one.record.split));
      continue;
    }
    check_metrics(one.record, again->record, check);
    check_outputs(one.record, one.outputs, again->outputs, check);
  }
  const bool all_within = std::ranges::all_of(check.metrics, &MetricChange::within);
  if (!all_within) check.sameness = Sameness::kDifferent;
  if (check.sameness != Sameness::kDifferent && !(check.parts.empty() && check.metrics.empty())) {
    check.sameness = Sameness::kWithinTolerance;
  }
  return check;
}

std::string rerun_check_text(const RerunCheck& check) {
  std::string text = fmt::format("{}: {}\n", check.run, to_string(check.sameness));
  const auto differences = [&](const char* what, const std::vector<ValueDifference>& list) {
    if (list.empty()) return;
    text += fmt::format("  {}:\n", what);
    for (const ValueDifference& one : list) {
      text += fmt::format("    {}: stored {}, now {}\n", clean_text(one.name), clean_text(one.a), clean_text(one.b));
    }
  };
  if (!check.parts.empty()) text += fmt::format("  not the same to the byte: {}\n", clean_text(join(check.parts)));
  for (const MetricChange& metric : check.metrics) {
    text += fmt::format("  {} ({}, {}): stored {:.6g}, now {:.6g}{}\n", metric.metric, metric.task, metric.split,
                        metric.stored, metric.now,
                        metric.within ? "" : fmt::format(", beyond the tolerance of {:.6g}", check.tolerance));
  }
  if (check.largest_output_change > 0) {
    text += fmt::format("  a clip's outputs differ by up to {:.3g}; {} of {} clips have another class\n",
                        check.largest_output_change, check.changed_clips, check.clips);
  }
  for (const std::string& one : check.not_repeated) {
    text += fmt::format("  not repeated, it is of another suite or setting: {}\n", clean_text(one));
  }
  differences("configuration (the training has another key)", check.configuration);
  differences("code and environment", check.code_and_environment);
  if (check.configuration.empty() && check.code_and_environment.empty()) {
    text += "  configuration, code and environment are the same\n";
  }
  return text;
}

std::string rerun_check_json(const RerunCheck& check) {
  const auto list = [](const std::vector<ValueDifference>& differences) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    for (const ValueDifference& one : differences) {
      values.push_back({{"name", one.name}, {"stored", one.a}, {"now", one.b}});
    }
    return values;
  };
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json metrics = nlohmann::ordered_json::array();
  for (const MetricChange& metric : check.metrics) {
    metrics.push_back({{"task", metric.task},
                       {"metric", metric.metric},
                       {"split", metric.split},
                       {"stored", number(metric.stored)},
                       {"now", number(metric.now)},
                       {"within_tolerance", metric.within}});
  }
  const nlohmann::ordered_json root{{"run", check.run},
                                    {"result", to_string(check.sameness)},
                                    {"tolerance", check.tolerance},
                                    {"not_the_same", check.parts},
                                    {"metrics", metrics},
                                    {"largest_output_change", number(check.largest_output_change)},
                                    {"changed_clips", check.changed_clips},
                                    {"clips", check.clips},
                                    {"not_repeated", check.not_repeated},
                                    {"configuration", list(check.configuration)},
                                    {"code_and_environment", list(check.code_and_environment)}};
  return root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cmkd::reports
