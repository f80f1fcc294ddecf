#include "cmkd/metrics/tagging.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

namespace {

struct Judged {
  double score = 0;
  bool positive = false;
};

// A run of equal scores, from the highest.
struct Threshold {
  double positives = 0;
  double negatives = 0;
};

std::vector<Threshold> thresholds(std::vector<Judged> list) {
  std::ranges::sort(list, std::ranges::greater{}, &Judged::score);
  std::vector<Threshold> result;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i == 0 || list[i].score != list[i - 1].score) result.emplace_back();
    (list[i].positive ? result.back().positives : result.back().negatives) += 1;
  }
  return result;
}

std::optional<double> average_precision_of_class(const std::vector<Threshold>& steps) {
  double hits = 0;
  double seen = 0;
  double sum = 0;
  for (const Threshold& step : steps) {
    hits += step.positives;
    seen += step.positives + step.negatives;
    sum += step.positives * hits / seen;
  }
  return hits > 0 ? std::optional(sum / hits) : std::nullopt;
}

std::optional<double> auc_of(const std::vector<Threshold>& steps) {
  double positives = 0;
  double negatives = 0;
  double won = 0;  // pairs in which the positive one stands higher
  for (const Threshold& step : steps) {
    won += step.negatives * (positives + step.positives / 2);
    positives += step.positives;
    negatives += step.negatives;
  }
  return positives > 0 && negatives > 0 ? std::optional(won / (positives * negatives)) : std::nullopt;
}

std::size_t checked_clips(const Tags& tags) {
  const std::size_t clips = checked_rows(tags.scores, tags.classes);
  const bool binary = std::ranges::all_of(tags.truth, [](std::uint8_t tag) { return tag <= 1; });
  if (clips == 0 || tags.truth.size() != tags.scores.size() || !binary) {
    throw Error(ErrorKind::kInternal, {.what = "tags that do not fit their scores, or are not 0 and 1"});
  }
  return clips;
}

template <typename Of>
std::vector<std::optional<double>> for_each_class(const Tags& tags, Of of) {
  const std::size_t clips = checked_clips(tags);
  const auto width = static_cast<std::size_t>(tags.classes);
  std::vector<std::optional<double>> result;
  for (std::size_t c = 0; c < width; ++c) {
    std::vector<Judged> list;
    for (std::size_t i = 0; i < clips; ++i)
      list.push_back({tags.scores[i * width + c], tags.truth[i * width + c] != 0});
    result.push_back(of(thresholds(std::move(list))));
  }
  return result;
}

std::optional<double> mean_of_present(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  std::int64_t present = 0;
  for (const auto& value : values) {
    if (!value) continue;
    sum += *value;
    ++present;
  }
  return present > 0 ? std::optional(sum / static_cast<double>(present)) : std::nullopt;
}

// For each tag of one clip the precision of the ranking down to it.
std::vector<double> precisions_at_tags(const Tags& tags, std::size_t clip) {
  const auto width = static_cast<std::size_t>(tags.classes);
  const Scores row = tags.scores.row(clip, width);
  const auto truth = tags.truth.subspan(clip * width, width);
  std::vector<double> precisions;
  for (std::size_t tag = 0; tag < width; ++tag) {
    if (truth[tag] == 0) continue;
    double above = 0;
    double tags_above = 0;
    for (std::size_t c = 0; c < width; ++c) {
      if (row[c] < row[tag]) continue;
      above += 1;
      tags_above += truth[c];
    }
    precisions.push_back(tags_above / above);
  }
  return precisions;
}

}  // namespace

std::vector<std::optional<double>> average_precision(const Tags& tags) {
  return for_each_class(tags, average_precision_of_class);
}

std::optional<double> macro_average_precision(const Tags& tags) { return mean_of_present(average_precision(tags)); }

std::optional<double> micro_average_precision(const Tags& tags) {
  checked_clips(tags);
  std::vector<Judged> list;
  for (std::size_t i = 0; i < tags.truth.size(); ++i) list.push_back({tags.scores[i], tags.truth[i] != 0});
  return average_precision_of_class(thresholds(std::move(list)));
}

std::vector<std::optional<double>> roc_auc(const Tags& tags) { return for_each_class(tags, auc_of); }

std::optional<double> macro_roc_auc(const Tags& tags) { return mean_of_present(roc_auc(tags)); }

double d_prime(double auc) {
  if (!(auc >= 0 && auc <= 1)) throw Error(ErrorKind::kInternal, {.what = "an area under the curve outside [0, 1]"});
  if (auc == 0 || auc == 1) return (auc == 1 ? 1 : -1) * std::numeric_limits<double>::infinity();
  return std::sqrt(2.0) * boost::math::quantile(boost::math::normal(), auc);
}

double label_ranking_average_precision(const Tags& tags) {
  const std::size_t clips = checked_clips(tags);
  double sum = 0;
  for (std::size_t i = 0; i < clips; ++i) {
    const std::vector<double> precisions = precisions_at_tags(tags, i);
    double of_clip = 0;
    for (const double precision : precisions) of_clip += precision;
    sum += precisions.empty() ? 1 : of_clip / static_cast<double>(precisions.size());
  }
  return sum / static_cast<double>(clips);
}

std::optional<double> label_weighted_ranking_precision(const Tags& tags) {
  const std::size_t clips = checked_clips(tags);
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < clips; ++i) {
    for (const double precision : precisions_at_tags(tags, i)) {
      sum += precision;
      ++count;
    }
  }
  return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

}  // namespace cmkd::metrics
