#include "cmkd/metrics/classification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

namespace {

std::size_t row_width(std::span<const float> scores, std::int64_t classes) {
  const auto width = static_cast<std::size_t>(classes);
  if (classes < 1 || scores.size() % width != 0) {
    throw Error(ErrorKind::kInternal,
                {fmt::format("{} scores do not make rows of {} classes", scores.size(), classes), "", "", ""});
  }
  return width;
}

void check(const Predictions& predictions) {
  const std::size_t width = row_width(predictions.scores, predictions.classes);
  if (predictions.labels.empty() || predictions.scores.size() != predictions.labels.size() * width) {
    throw Error(
        ErrorKind::kInternal,
        {fmt::format("{} labels for {} scores", predictions.labels.size(), predictions.scores.size()), "", "", ""});
  }
  for (const std::int32_t label : predictions.labels) {
    if (label < 0 || label >= predictions.classes) {
      throw Error(ErrorKind::kInternal,
                  {fmt::format("label {} outside 0 … {}", label, predictions.classes - 1), "", "", ""});
    }
  }
}

std::span<const float> row_of(const Predictions& predictions, std::size_t clip) {
  const auto width = static_cast<std::size_t>(predictions.classes);
  return predictions.scores.subspan(clip * width, width);
}

double floored(float probability) {
  return std::max(static_cast<double>(probability), static_cast<double>(std::numeric_limits<float>::min()));
}

}  // namespace

std::vector<std::int32_t> predicted_classes(std::span<const float> scores, std::int64_t classes) {
  const std::size_t width = row_width(scores, classes);
  std::vector<std::int32_t> predicted;
  predicted.reserve(scores.size() / width);
  for (std::size_t start = 0; start < scores.size(); start += width) {
    const auto row = scores.subspan(start, width);
    predicted.push_back(static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin()));
  }
  return predicted;
}

double top_k_accuracy(const Predictions& predictions, std::int64_t k) {
  check(predictions);
  std::int64_t right = 0;
  for (std::size_t clip = 0; clip < predictions.labels.size(); ++clip) {
    const auto row = row_of(predictions, clip);
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

double agreement(std::span<const float> a, std::span<const float> b, std::int64_t classes) {
  const std::vector<std::int32_t> first = predicted_classes(a, classes);
  const std::vector<std::int32_t> second = predicted_classes(b, classes);
  if (first.size() != second.size() || first.empty())
    throw Error(ErrorKind::kInternal, {"agreement of lists of different length", "", "", ""});
  std::int64_t equal = 0;
  for (std::size_t clip = 0; clip < first.size(); ++clip) equal += first[clip] == second[clip] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(first.size());
}

double mean_kl_divergence(std::span<const float> p, std::span<const float> q, std::int64_t classes) {
  const std::size_t width = row_width(p, classes);
  if (p.size() != q.size() || p.empty())
    throw Error(ErrorKind::kInternal, {"divergence of lists of different length", "", "", ""});
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += static_cast<double>(p[i]) * std::log(floored(p[i]) / floored(q[i]));
  return sum / static_cast<double>(p.size() / width);
}

}  // namespace cmkd::metrics
