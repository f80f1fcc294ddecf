#include "clip_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

namespace cmkd::reports {

namespace {

constexpr std::string_view kRecallPrefix = "recall@";
// Multiplications of a retrieval that a report still repeats: about a second.
constexpr double kMostProducts = 1e9;

// 0: none.
std::int64_t recall_depth(const std::string& metric) {
  std::int64_t depth = 0;
  if (!metric.starts_with(kRecallPrefix)) return 0;
  const char* end = metric.data() + metric.size();
  const auto read = std::from_chars(metric.data() + kRecallPrefix.size(), end, depth);
  return read.ec == std::errc() && read.ptr == end && depth > 0 ? depth : 0;
}

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

struct RankedClip {
  double similarity;
  bool hit;
};

std::vector<double> lengths_of(const results::ClipOutputs& outputs) {
  std::vector<double> lengths;
  for (std::size_t i = 0; i < outputs.labels.size(); ++i) {
    double squares = 0;
    for (const float value : row_of_scores(outputs, i)) squares += static_cast<double>(value) * value;
    lengths.push_back(std::sqrt(squares));
  }
  return lengths;
}

// The gallery by falling similarity; the query itself is left out where all clips ask.
std::vector<RankedClip> ranked_gallery(const results::ClipOutputs& outputs, const std::vector<double>& lengths,
                                       std::size_t query) {
  const bool all_ask = outputs.queries == static_cast<std::int64_t>(outputs.labels.size());
  std::vector<RankedClip> gallery;
  const std::span<const float> own = row_of_scores(outputs, query);
  for (std::size_t i = all_ask ? 0 : static_cast<std::size_t>(outputs.queries); i < outputs.labels.size(); ++i) {
    if (i == query) continue;
    const std::span<const float> other = row_of_scores(outputs, i);
    double product = 0;
    for (std::size_t d = 0; d < own.size(); ++d) product += static_cast<double>(own[d]) * other[d];
    gallery.push_back({product / (lengths[query] * lengths[i]), outputs.labels[i] == outputs.labels[query]});
  }
  std::ranges::stable_sort(gallery, std::ranges::greater(), &RankedClip::similarity);
  return gallery;
}

// A query without a hit has 0.
double average_precision_of(const std::vector<RankedClip>& gallery) {
  double hits = 0;
  double sum = 0;
  for (std::size_t rank = 0; rank < gallery.size(); ++rank) {
    if (!gallery[rank].hit) continue;
    hits += 1;
    sum += hits / static_cast<double>(rank + 1);
  }
  return hits == 0 ? 0 : sum / hits;
}

std::optional<std::vector<double>> retrieval_values(const std::string& metric, const results::ClipOutputs& outputs) {
  const auto queries = static_cast<double>(outputs.queries);
  const auto clips = static_cast<double>(outputs.labels.size());
  const bool fits = outputs.queries > 0 && queries <= clips && outputs.tags.empty() && clips > 1 &&
                    outputs.scores.size() == outputs.labels.size() * static_cast<std::size_t>(outputs.width);
  if (!fits || queries * clips * static_cast<double>(outputs.width) > kMostProducts) return std::nullopt;
  const std::vector<double> lengths = lengths_of(outputs);
  if (std::ranges::find(lengths, 0.0) != lengths.end()) return std::nullopt;
  const std::int64_t depth = recall_depth(metric);
  std::vector<double> values;
  for (std::size_t query = 0; query < static_cast<std::size_t>(outputs.queries); ++query) {
    const std::vector<RankedClip> gallery = ranked_gallery(outputs, lengths, query);
    if (depth == 0) {
      values.push_back(average_precision_of(gallery));
      continue;
    }
    const auto end = gallery.begin() + std::min<std::ptrdiff_t>(depth, std::ssize(gallery));
    values.push_back(std::any_of(gallery.begin(), end, [](const RankedClip& clip) { return clip.hit; }) ? 1 : 0);
  }
  return values;
}

}  // namespace

bool is_mean_over_clips(const std::string& metric) {
  return metric == "top1" || metric == "top5" || metric == "map" || recall_depth(metric) > 0;
}

std::optional<ClipValues> clip_values(const std::string& metric, const results::ClipOutputs& outputs) {
  if (outputs.clip_ids.empty()) return std::nullopt;
  ClipValues result{outputs.clip_ids, outputs.groups, {}};
  if (metric == "top1" || metric == "top5") {
    if (!classification_fits(outputs)) return std::nullopt;
    for (std::size_t i = 0; i < outputs.labels.size(); ++i) {
      result.values.push_back(
          label_is_among(row_of_scores(outputs, i), outputs.labels[i], metric == "top1" ? 1 : 5) ? 1 : 0);
    }
    return result;
  }
  std::optional<std::vector<double>> values = retrieval_values(metric, outputs);
  if (!values) return std::nullopt;
  result.clips.resize(values->size());
  result.groups.resize(values->size());
  result.values = std::move(*values);
  return result;
}

}  // namespace cmkd::reports
