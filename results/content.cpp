#include "content.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"

namespace cmkd::results {

namespace {

// Every NaN is the same NaN: the database keeps none of their bits.
std::int64_t bits_of(double value) {
  return std::bit_cast<std::int64_t>(std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value);
}

std::string fingerprint_of(std::vector<EpochValue> values) {
  const auto order = [](const EpochValue& v) { return std::tie(v.phase, v.epoch, v.kind, v.name); };
  std::sort(values.begin(), values.end(),
            [&](const EpochValue& a, const EpochValue& b) { return order(a) < order(b); });
  Hasher hasher;
  for (const EpochValue& value : values) {
    hasher.field(value.phase).field(value.epoch).field(value.kind).field(value.name).field(bits_of(value.value));
  }
  return hasher.hex();
}

std::string fingerprint_of(std::vector<MetricValue> metrics) {
  const auto order = [](const MetricValue& m) { return std::tie(m.split, m.name); };
  std::sort(metrics.begin(), metrics.end(),
            [&](const MetricValue& a, const MetricValue& b) { return order(a) < order(b); });
  Hasher hasher;
  for (const MetricValue& metric : metrics) {
    hasher.field(metric.split).field(metric.name).field(bits_of(metric.value)).field(metric.clips);
  }
  return hasher.hex();
}

// Where the last epoch is taken, the validation curve is of the task that happened to train it: nothing depends on it.
std::vector<EpochValue> reproducible_epochs(const TrainingRecord& training) {
  std::vector<EpochValue> epochs = training.epochs;
  if (training.selection_rule == kLastEpochRule) {
    std::erase_if(epochs, [](const EpochValue& value) { return value.kind == "validation"; });
  }
  return epochs;
}

}  // namespace

Content content_of(const TrainingRecord& training) {
  return {{"status", training.status == RunStatus::kDone ? "done" : "failed"},
          {"reason", training.reason},
          {"configuration", hash_hex(training.config_json)},
          {"cell", training.cell_key},
          {"dataset", training.dataset_fingerprint},
          {"decoded clips", training.decoded_fingerprint},
          {"method", training.method},
          {"control", training.control},
          {"direction", training.direction},
          {"student", training.student_model},
          {"teacher", training.teacher_model},
          {"teacher's training", training.teacher_key},
          {"seed", std::to_string(training.seed)},
          {"initial weights", training.initial_weights_fingerprint},
          {"batch order", training.batch_order_fingerprint},
          {"augmentations", training.augmentation_fingerprint},
          {"final weights", training.final_weights_fingerprint},
          {"selected epoch", std::to_string(training.selected_epoch)},
          {"selection rule", training.selection_rule},
          {"epoch values", fingerprint_of(reproducible_epochs(training))}};
}

Content content_of(const EvaluationRecord& evaluation, const std::string& outputs_fingerprint) {
  return {{"configuration", hash_hex(evaluation.config_json)},
          {"training", evaluation.training_key},
          {"task", evaluation.task},
          {"protocol", evaluation.protocol},
          {"split", evaluation.split},
          {"metrics", fingerprint_of(evaluation.metrics)},
          {"per-clip outputs", outputs_fingerprint}};
}

std::string fingerprint_of(const Content& content) {
  Hasher hasher;
  for (const auto& [name, value] : content) hasher.field(name).field(value);
  return hasher.hex();
}

std::string describe_difference(const Content& stored, const Content& now, const char* first, const char* second) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] == now[i]) continue;
    parts.push_back(
        fmt::format("{}: {} '{}', {} '{}'", stored[i].first, first, stored[i].second, second, now[i].second));
  }
  return join(parts, "; ");
}

}  // namespace cmkd::results
