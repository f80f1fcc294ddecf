#include "clip_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/tagging.h"

namespace cmkd::reports {

namespace {

constexpr double kNoMetric = std::numeric_limits<double>::quiet_NaN();

// --- Ratios of sums: means over clips, over classes, over tags ---

// What a source video adds to a ratio when it is drawn once.
struct VideoShare {
  std::uint32_t video;
  double above;  // of the numerator
  double below;
};
using Ratio = std::vector<VideoShare>;

Ratio ratio_of(const std::map<std::uint32_t, std::pair<double, double>>& sums) {
  Ratio ratio;
  for (const auto& [video, of] : sums) ratio.push_back({video, of.first, of.second});
  return ratio;
}

// The mean of the ratios of which something is drawn.
class MeanOfRatios : public DrawnMetric {
 public:
  explicit MeanOfRatios(std::vector<Ratio> ratios) : ratios_(std::move(ratios)) {}

  [[nodiscard]] double value(std::span<const double> draws) const override {
    double sum = 0;
    double present = 0;
    for (const Ratio& ratio : ratios_) {
      double above = 0;
      double below = 0;
      for (const VideoShare& share : ratio) {
        above += draws[share.video] * share.above;
        below += draws[share.video] * share.below;
      }
      if (below == 0) continue;
      sum += above / below;
      present += 1;
    }
    return present == 0 ? kNoMetric : sum / present;
  }

 private:
  std::vector<Ratio> ratios_;
};

std::unique_ptr<DrawnMetric> drawn_class_accuracy(const results::ClipOutputs& outputs,
                                                  std::span<const std::uint32_t> groups) {
  const std::vector<std::int32_t> predicted =
      metrics::predicted_classes(metrics::Scores(outputs.scores), outputs.width);
  std::map<std::int32_t, std::map<std::uint32_t, std::pair<double, double>>> classes;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& [right, clips] = classes[outputs.labels[i]][groups[i]];
    right += predicted[i] == outputs.labels[i] ? 1 : 0;
    clips += 1;
  }
  std::vector<Ratio> ratios;
  ratios.reserve(classes.size());
  for (const auto& [label, sums] : classes) ratios.push_back(ratio_of(sums));
  return std::make_unique<MeanOfRatios>(std::move(ratios));
}

// Tags of a clip, of one label too.
std::span<const std::int32_t> tags_of(const results::ClipOutputs& outputs, std::size_t clip) {
  return outputs.tags.empty() ? std::span(&outputs.labels[clip], 1) : std::span(outputs.tags[clip]);
}

std::unique_ptr<DrawnMetric> drawn_label_ranking(const results::ClipOutputs& outputs,
                                                 std::span<const std::uint32_t> groups) {
  const auto width = static_cast<std::size_t>(outputs.width);
  std::map<std::uint32_t, std::pair<double, double>> sums;
  std::vector<std::uint8_t> truth(width);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::span<const std::int32_t> tags = tags_of(outputs, i);
    if (tags.empty()) continue;
    std::ranges::fill(truth, std::uint8_t{0});
    for (const std::int32_t tag : tags) truth[static_cast<std::size_t>(tag)] = 1;
    // Of one clip alone, weighted by its tags: the sum over them.
    const metrics::Tags one{std::span(outputs.scores).subspan(i * width, width), truth, outputs.width};
    auto& [precisions, count] = sums[groups[i]];
    precisions += *metrics::label_weighted_ranking_precision(one) * static_cast<double>(tags.size());
    count += static_cast<double>(tags.size());
  }
  return std::make_unique<MeanOfRatios>(std::vector<Ratio>{ratio_of(sums)});
}

// --- Rankings of all clips ---

// A class's clips by falling score, in steps: the clips above the next threshold that has a positive clip, then that
// threshold's. Positions are of `clips`.
struct RankedStep {
  std::uint32_t passed;     // end of the negatives before the threshold
  std::uint32_t negatives;  // end of the threshold's own negatives
  std::uint32_t positives;  // end of the threshold's positives
};
struct RankedClass {
  std::vector<std::uint32_t> clips;
  std::vector<RankedStep> steps;
};

struct ScoredClip {
  float score;
  bool positive;
  std::uint32_t clip;
};

RankedClass ranked_class(std::vector<ScoredClip> scored) {
  // Within a threshold the negatives first.
  std::ranges::sort(scored, [](const ScoredClip& a, const ScoredClip& b) {
    return std::tuple(-a.score, a.positive, a.clip) < std::tuple(-b.score, b.positive, b.clip);
  });
  RankedClass ranked;
  for (std::size_t begin = 0; begin < scored.size();) {
    std::size_t end = begin;
    std::size_t first_positive = scored.size();
    while (end < scored.size() && scored[end].score == scored[begin].score) {
      if (scored[end].positive) first_positive = std::min(first_positive, end);
      ++end;
    }
    if (first_positive < end) {
      ranked.steps.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(first_positive),
                              static_cast<std::uint32_t>(end)});
    }
    begin = end;
  }
  for (const ScoredClip& one : scored) ranked.clips.push_back(one.clip);
  return ranked;
}

double weight_between(const RankedClass& ranked, std::span<const std::uint32_t> weights, std::size_t begin,
                      std::size_t end) {
  // Whole numbers, so that the order of the sum is free.
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += weights[ranked.clips[i]];
  return static_cast<double>(sum);
}

// As average_precision_of_class in metrics/tagging.cpp, with weights.
std::optional<double> weighted_precision(const RankedClass& ranked, std::span<const std::uint32_t> weights) {
  double hits = 0;
  double seen = 0;
  double sum = 0;
  std::size_t at = 0;
  for (const RankedStep& step : ranked.steps) {
    const double positives = weight_between(ranked, weights, step.negatives, step.positives);
    hits += positives;
    seen += weight_between(ranked, weights, at, step.negatives) + positives;
    if (seen > 0) sum += positives * hits / seen;
    at = step.positives;
  }
  return hits > 0 ? std::optional(sum / hits) : std::nullopt;
}

// As auc_of there.
std::optional<double> weighted_area(const RankedClass& ranked, std::span<const std::uint32_t> weights) {
  double positives = 0;
  double negatives = 0;
  double won = 0;
  std::size_t at = 0;
  for (const RankedStep& step : ranked.steps) {
    const double passed = weight_between(ranked, weights, at, step.passed);
    const double tied = weight_between(ranked, weights, step.passed, step.negatives);
    const double own = weight_between(ranked, weights, step.negatives, step.positives);
    won += passed * positives + tied * (positives + own / 2);
    positives += own;
    negatives += passed + tied;
    at = step.positives;
  }
  const double rest = weight_between(ranked, weights, at, ranked.clips.size());
  won += rest * positives;
  negatives += rest;
  return positives > 0 && negatives > 0 ? std::optional(won / (positives * negatives)) : std::nullopt;
}

enum class OfClass { kPrecision, kArea, kAreaAsDPrime };

// The mean over the classes that have one.
class MeanOfRankings : public DrawnMetric {
 public:
  MeanOfRankings(OfClass of, std::vector<RankedClass> classes, std::span<const std::uint32_t> groups)
      : of_(of), classes_(std::move(classes)), groups_(groups.begin(), groups.end()) {}

  [[nodiscard]] double value(std::span<const double> draws) const override {
    std::vector<std::uint32_t> weights;
    weights.reserve(groups_.size());
    for (const std::uint32_t group : groups_) weights.push_back(static_cast<std::uint32_t>(draws[group]));
    double sum = 0;
    double present = 0;
    for (const RankedClass& ranked : classes_) {
      const std::optional<double> one =
          of_ == OfClass::kPrecision ? weighted_precision(ranked, weights) : weighted_area(ranked, weights);
      if (!one) continue;
      sum += *one;
      present += 1;
    }
    if (present == 0) return kNoMetric;
    return of_ == OfClass::kAreaAsDPrime ? metrics::d_prime(std::clamp(sum / present, 0.0, 1.0)) : sum / present;
  }

 private:
  OfClass of_;
  std::vector<RankedClass> classes_;
  std::vector<std::uint32_t> groups_;  // [N]
};

// All clips once for each class; as one list of clips and classes where `together`.
std::vector<RankedClass> ranked_classes(const results::ClipOutputs& outputs, bool together) {
  const auto width = static_cast<std::size_t>(outputs.width);
  const std::size_t clips = outputs.labels.size();
  std::vector<RankedClass> classes;
  std::vector<ScoredClip> scored;
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t i = 0; i < clips; ++i) {
      const bool positive =
          std::ranges::find(tags_of(outputs, i), static_cast<std::int32_t>(c)) != tags_of(outputs, i).end();
      scored.push_back({outputs.scores[i * width + c], positive, static_cast<std::uint32_t>(i)});
    }
    if (together && c + 1 < width) continue;
    classes.push_back(ranked_class(std::move(scored)));
    scored.clear();
  }
  return classes;
}

bool tags_fit(const results::ClipOutputs& outputs) {
  const auto in_range = [&](std::int32_t tag) { return tag >= 0 && tag < outputs.width; };
  if (outputs.scores.size() != outputs.labels.size() * static_cast<std::size_t>(outputs.width)) return false;
  if (outputs.tags.empty()) return std::ranges::all_of(outputs.labels, in_range);
  return outputs.tags.size() == outputs.labels.size() &&
         std::ranges::all_of(outputs.tags, [&](const auto& tags) { return std::ranges::all_of(tags, in_range); });
}

}  // namespace

std::unique_ptr<DrawnMetric> drawn_mean(std::span<const std::uint32_t> groups, std::span<const double> values,
                                        std::size_t videos) {
  Ratio ratio(videos);
  for (std::size_t g = 0; g < videos; ++g) ratio[g].video = static_cast<std::uint32_t>(g);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    ratio[groups[i]].above += values[i];
    ratio[groups[i]].below += 1;
  }
  std::erase_if(ratio, [](const VideoShare& share) { return share.below == 0; });
  return std::make_unique<MeanOfRatios>(std::vector<Ratio>{std::move(ratio)});
}

bool ranks_all_clips(const std::string& metric) {
  return metric == "map_macro" || metric == "map_micro" || metric == "auc_macro" || metric == "d_prime";
}

bool is_metric_of_all_clips(const std::string& metric) {
  return ranks_all_clips(metric) || metric == "mean_class_accuracy" || metric == "lwlrap";
}

std::unique_ptr<DrawnMetric> drawn_metric(const std::string& metric, const results::ClipOutputs& outputs,
                                          std::span<const std::uint32_t> groups) {
  if (!tags_fit(outputs)) return nullptr;
  if (metric == "mean_class_accuracy") {
    if (!outputs.tags.empty()) return nullptr;
    return drawn_class_accuracy(outputs, groups);
  }
  if (metric == "lwlrap") return drawn_label_ranking(outputs, groups);
  const OfClass of = metric == "auc_macro" ? OfClass::kArea
                     : metric == "d_prime" ? OfClass::kAreaAsDPrime
                                           : OfClass::kPrecision;
  return std::make_unique<MeanOfRankings>(of, ranked_classes(outputs, metric == "map_micro"), groups);
}

}  // namespace cmkd::reports
