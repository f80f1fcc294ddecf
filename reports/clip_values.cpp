#include "clip_values.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace cmkd::reports {

namespace {

std::span<const float> row_of_scores(const results::ClipOutputs& outputs, std::size_t clip) {
  const auto width = static_cast<std::size_t>(outputs.width);
  return std::span(outputs.scores).subspan(clip * width, width);
}

// Of equal scores the lower class ranks first, as in metrics/classification.h.
bool label_is_among(std::span<const float> scores, std::int32_t label, std::int64_t k) {
  const float own = scores[static_cast<std::size_t>(label)];
  std::int64_t before = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    before += scores[i] > own || (scores[i] == own && static_cast<std::int32_t>(i) < label) ? 1 : 0;
  }
  return before < k;
}

bool classification_fits(const results::ClipOutputs& outputs) {
  const auto in_range = [&](std::int32_t label) { return label >= 0 && label < outputs.width; };
  return outputs.tags.empty() && std::ranges::all_of(outputs.labels, in_range) &&
         outputs.scores.size() == outputs.labels.size() * static_cast<std::size_t>(outputs.width);
}

// As in metrics/classification.h.
double log_loss_of(std::span<const float> scores, std::int32_t label) {
  const double probability = scores[static_cast<std::size_t>(label)];
  return -std::log(std::max(probability, static_cast<double>(std::numeric_limits<float>::min())));
}

double brier_score_of(std::span<const float> scores, std::int32_t label) {
  double sum = 0;
  for (std::size_t c = 0; c < scores.size(); ++c) {
    const double away = scores[c] - (static_cast<std::int32_t>(c) == label ? 1.0 : 0.0);
    sum += away * away;
  }
  return sum;
}

double value_of_clip(const std::string& metric, std::span<const float> scores, std::int32_t label) {
  if (metric == "nll") return log_loss_of(scores, label);
  if (metric == "brier") return brier_score_of(scores, label);
  return label_is_among(scores, label, metric == "top1" ? 1 : 5) ? 1 : 0;
}

}  // namespace

bool is_mean_over_clips(const std::string& metric) {
  return metric == "top1" || metric == "top5" || metric == "nll" || metric == "brier";
}

std::optional<std::vector<double>> clip_values(const std::string& metric, const results::ClipOutputs& outputs) {
  if (outputs.clip_ids.empty() || !classification_fits(outputs)) return std::nullopt;
  std::vector<double> values;
  for (std::size_t i = 0; i < outputs.labels.size(); ++i) {
    values.push_back(value_of_clip(metric, row_of_scores(outputs, i), outputs.labels[i]));
  }
  return values;
}

}  // namespace cmkd::reports
