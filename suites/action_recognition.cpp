#include "cmkd/suites/action_recognition.h"

#include "cmkd/metrics/classification.h"

namespace cmkd {

std::vector<Metric> action_recognition_metrics(std::span<const float> scores, std::span<const std::int32_t> labels,
                                               std::int64_t classes, std::span<const float> teacher_scores) {
  const metrics::Predictions predictions{scores, labels, classes};
  std::vector<Metric> values{{"top1", metrics::top_k_accuracy(predictions, 1)}};
  if (classes > 5) values.push_back({"top5", metrics::top_k_accuracy(predictions, 5)});
  values.push_back({"mean_class_accuracy", metrics::mean_class_accuracy(predictions)});
  values.push_back({"ece", metrics::expected_calibration_error(predictions)});
  values.push_back({"brier", metrics::brier_score(predictions)});
  values.push_back({"nll", metrics::negative_log_likelihood(predictions)});
  if (!teacher_scores.empty()) {
    values.push_back({"teacher_agreement", metrics::agreement(teacher_scores, scores, classes)});
    values.push_back({"teacher_kl", metrics::mean_kl_divergence(teacher_scores, scores, classes)});
  }
  return values;
}

const std::vector<MetricDoc>& action_recognition_metric_docs() {
  static const std::vector<MetricDoc> docs{
      {"top1", "share of test clips whose highest score is the true class", true},
      {"top5", "share of test clips whose true class is among the five highest scores (more than five classes)", true},
      {"mean_class_accuracy", "mean over classes of the share of their clips that are recognised", true},
      {"ece", "expected calibration error, 15 equal-width bins of the highest probability", false},
      {"brier", "mean over clips of the squared distance of the scores from the true class, from 0 to 2", false},
      {"nll", "mean negative log-likelihood of the true class, in nats", false},
      {"teacher_agreement", "share of test clips on which student and teacher name the same class", true},
      {"teacher_kl", "mean KL(teacher || student) of the test scores, in nats", false}};
  return docs;
}

}  // namespace cmkd
