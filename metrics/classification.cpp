#include "cmkd/metrics/classification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

namespace {

void check(const Predictions& predictions) {
  const std::size_t rows = checked_rows(predictions.scores, predictions.classes);
  if (predictions.labels.empty() || rows != predictions.labels.size()) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("{} labels for {} scores", predictions.labels.size(), predictions.scores.size())});
  }
  for (const std::int32_t label : predictions.labels) {
    if (label < 0 || label >= predictions.classes) {
      throw Error(ErrorKind::kInternal,
                  {.what = fmt::format("label {} outside 0 … {}", label, predictions.classes - 1)});
    }
  }
}

Scores row_of(const Predictions& predictions, std::size_t clip) {
  return predictions.scores.row(clip, static_cast<std::size_t>(predictions.classes));
}

double floored(double probability) {
  return std::max(probability, static_cast<double>(std::numeric_limits<float>::min()));
}

}  // namespace

std::vector<std::int32_t> predicted_classes(const Scores& scores, std::int64_t classes) {
  const std::size_t rows = checked_rows(scores, classes);
  const auto width = static_cast<std::size_t>(classes);
  std::vector<std::int32_t> predicted(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const Scores row = scores.row(i, width);
    std::size_t best = 0;
    for (std::size_t c = 1; c < width; ++c) {
      if (row[c] > row[best]) best = c;
    }
    predicted[i] = static_cast<std::int32_t>(best);
  }
  return predicted;
}

double top_k_accuracy(const Predictions& predictions, std::int64_t k) {
  check(predictions);
  std::int64_t right = 0;
  for (std::size_t clip = 0; clip < predictions.labels.size(); ++clip) {
    const Scores row = row_of(predictions, clip);
    const auto label = static_cast<std::size_t>(predictions.labels[clip]);
    std::int64_t rank = 0;  // classes that stand before the true one
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row[c] > row[label] || (row[c] == row[label] && c < label)) ++rank;
    }
    if (rank < k) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(predictions.labels.size());
}

std::vector<std::int64_t> confusion_matrix(const Predictions& predictions) {
  check(predictions);
  const auto width = static_cast<std::size_t>(predictions.classes);
  std::vector<std::int64_t> counts(width * width, 0);
  const std::vector<std::int32_t> predicted = predicted_classes(predictions.scores, predictions.classes);
  for (std::size_t clip = 0; clip < predicted.size(); ++clip) {
    ++counts[static_cast<std::size_t>(predictions.labels[clip]) * width + static_cast<std::size_t>(predicted[clip])];
  }
  return counts;
}

double mean_class_accuracy(const Predictions& predictions) {
  const std::vector<std::int64_t> counts = confusion_matrix(predictions);
  const auto width = static_cast<std::size_t>(predictions.classes);
  double sum = 0;
  std::int64_t present = 0;
  for (std::size_t c = 0; c < width; ++c) {
    std::int64_t clips = 0;
    for (std::size_t other = 0; other < width; ++other) clips += counts[c * width + other];
    if (clips == 0) continue;
    sum += static_cast<double>(counts[c * width + c]) / static_cast<double>(clips);
    ++present;
  }
  return sum / static_cast<double>(present);
}

double expected_calibration_error(const Predictions& predictions, std::int64_t bins) {
  check(predictions);
  std::vector<double> confidence(static_cast<std::size_t>(bins), 0);
  std::vector<double> right(static_cast<std::size_t>(bins), 0);
  const std::vector<std::int32_t> predicted = predicted_classes(predictions.scores, predictions.classes);
  for (std::size_t clip = 0; clip < predicted.size(); ++clip) {
    const double highest = row_of(predictions, clip)[static_cast<std::size_t>(predicted[clip])];
    const auto bin = static_cast<std::int64_t>(std::ceil(highest * static_cast<double>(bins))) - 1;
    const auto index = static_cast<std::size_t>(std::clamp<std::int64_t>(bin, 0, bins - 1));
    confidence[index] += highest;
    right[index] += predicted[clip] == predictions.labels[clip] ? 1 : 0;
  }
  double error = 0;
  for (std::size_t bin = 0; bin < confidence.size(); ++bin) error += std::abs(right[bin] - confidence[bin]);
  return error / static_cast<double>(predicted.size());
}

double negative_log_likelihood(const Predictions& predictions) {
  check(predictions);
  double sum = 0;
  for (std::size_t clip = 0; clip < predictions.labels.size(); ++clip) {
    sum -= std::log(floored(row_of(predictions, clip)[static_cast<std::size_t>(predictions.labels[clip])]));
  }
  return sum / static_cast<double>(predictions.labels.size());
}

double brier_score(const Predictions& predictions) {
  check(predictions);
  double sum = 0;
  for (std::size_t clip = 0; clip < predictions.labels.size(); ++clip) {
    const Scores row = row_of(predictions, clip);
    const auto label = static_cast<std::size_t>(predictions.labels[clip]);
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double error = row[c] - (c == label ? 1.0 : 0.0);
      sum += error * error;
    }
  }
  return sum / static_cast<double>(predictions.labels.size());
}

double agreement(const Scores& a, const Scores& b, std::int64_t classes) {
  const std::vector<std::int32_t> first = predicted_classes(a, classes);
  const std::vector<std::int32_t> second = predicted_classes(b, classes);
  if (first.size() != second.size() || first.empty())
    throw Error(ErrorKind::kInternal, {.what = "agreement of lists of different length"});
  std::int64_t equal = 0;
  for (std::size_t clip = 0; clip < first.size(); ++clip) equal += first[clip] == second[clip] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(first.size());
}

double mean_kl_divergence(const Scores& p, const Scores& q, std::int64_t classes) {
  const std::size_t rows = checked_rows(p, classes);
  if (checked_rows(q, classes) != rows || rows == 0)
    throw Error(ErrorKind::kInternal, {.what = "divergence of lists of different length"});
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += p[i] * std::log(floored(p[i]) / floored(q[i]));
  return sum / static_cast<double>(rows);
}

}  // namespace cmkd::metrics
