// Whether a clip is right, from its stored outputs.
#include <algorithm>
#include <cmath>
#include <span>

#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/retrieval.h"
#include "compare_parts.h"

namespace cmkd::reports {

namespace {

bool shares_class(const results::ClipOutputs& outputs, std::size_t first, std::size_t second) {
  if (outputs.tags.empty()) return outputs.labels[first] == outputs.labels[second];
  return std::ranges::any_of(outputs.tags[first], [&](std::int32_t tag) {
    return std::ranges::find(outputs.tags[second], tag) != outputs.tags[second].end();
  });
}

// The nearest clip of the gallery by cosine, rounded as the protocol rounds it, the first of equals.
std::size_t nearest_clip(const results::ClipOutputs& outputs, std::size_t query) {
  const std::size_t clips = outputs.clip_ids.size();
  const auto width = static_cast<std::size_t>(outputs.width);
  const bool leave_one_out = static_cast<std::size_t>(outputs.queries) == clips;
  const std::size_t first = leave_one_out ? 0 : static_cast<std::size_t>(outputs.queries);
  const std::span<const float> all(outputs.scores);
  const std::vector<double> similarity =
      metrics::cosine_similarity(all.subspan(query * width, width), all.subspan(first * width), outputs.width);
  std::size_t best = clips;
  double highest = 0;
  for (std::size_t i = 0; i < similarity.size(); ++i) {
    if (leave_one_out && i == query) continue;
    const double score = std::round(similarity[i] * 1e6);
    if (best != clips && score <= highest) continue;
    best = first + i;
    highest = score;
  }
  return best;
}

std::vector<bool> right_queries(const results::ClipOutputs& outputs) {
  std::vector<bool> right;
  for (std::size_t query = 0; query < static_cast<std::size_t>(outputs.queries); ++query) {
    const std::size_t nearest = nearest_clip(outputs, query);
    right.push_back(nearest < outputs.clip_ids.size() && shares_class(outputs, query, nearest));
  }
  return right;
}

}  // namespace

const char* what_is_right(const std::string& task) {
  if (task == "retrieval") return "the nearest clip of the gallery shares a class with the query";
  if (task == "action_recognition" || task == "audio_tagging") return "the class with the highest score is the clip's";
  return nullptr;
}

std::vector<bool> right_clips(const std::string& task, const results::ClipOutputs& outputs) {
  if (task == "retrieval") return right_queries(outputs);
  const std::vector<std::int32_t> predicted = metrics::predicted_classes(outputs.scores, outputs.width);
  std::vector<bool> right;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    right.push_back(outputs.tags.empty() ? predicted[i] == outputs.labels[i]
                                         : std::ranges::find(outputs.tags[i], predicted[i]) != outputs.tags[i].end());
  }
  return right;
}

}  // namespace cmkd::reports
