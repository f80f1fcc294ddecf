// The action recognition protocol: one clip in training, several views at test whose softmax scores are averaged;
// top-1, top-5, mean class accuracy, calibration, and agreement with the teacher.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cmkd {

struct Metric {
  std::string name;  // "top1"
  double value = 0;  // a fraction; nats for "nll" and "teacher_kl"
};

// scores [N, C] row-major class probabilities, labels [N]; teacher_scores [N, C], or empty when there is no teacher.
[[nodiscard]] std::vector<Metric> action_recognition_metrics(std::span<const float> scores,
                                                             std::span<const std::int32_t> labels, std::int64_t classes,
                                                             std::span<const float> teacher_scores);

// Names, meaning and direction of the metrics, for `list` and `describe`.
struct MetricDoc {
  std::string name;
  std::string doc;
  bool higher_is_better = true;
};
[[nodiscard]] const std::vector<MetricDoc>& action_recognition_metric_docs();

}  // namespace cmkd
