// Metrics of drawn clips against the same metrics of clips that are there so many times.
#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "clip_metrics.h"
#include "clip_values.h"
#include "cmkd/core/random.h"
#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/tagging.h"
#include "retrieval_values.h"

namespace cmkd::reports {
namespace {

constexpr std::int64_t kClasses = 4;
constexpr std::size_t kVideos = 5;

struct MadeClips {
  results::ClipOutputs outputs;
  std::vector<std::uint32_t> groups;
};

// Scores of few different values, so that many tie; of tags a clip may have none.
MadeClips made_clips(std::uint64_t key, bool tagged) {
  RandomStream stream(key);
  MadeClips made;
  made.outputs.width = kClasses;
  for (std::size_t i = 0; i < 23; ++i) {
    made.groups.push_back(static_cast<std::uint32_t>(stream.integer(0, kVideos - 1)));
    made.outputs.labels.push_back(tagged ? -1 : static_cast<std::int32_t>(stream.integer(0, kClasses - 1)));
    if (tagged) made.outputs.tags.emplace_back();
    for (std::int32_t c = 0; c < kClasses; ++c) {
      made.outputs.scores.push_back(static_cast<float>(stream.integer(0, 6)) / 8.0F);
      if (tagged && stream.bernoulli(0.3)) made.outputs.tags.back().push_back(c);
    }
    made.outputs.clip_ids.push_back(std::to_string(i));
    made.outputs.groups.push_back(std::to_string(made.groups.back()));
  }
  return made;
}

// Each clip as often as its video is drawn.
struct Repeated {
  std::vector<float> scores;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> truth;
};
Repeated repeated(const MadeClips& made, const std::vector<double>& draws) {
  Repeated result;
  for (std::size_t i = 0; i < made.groups.size(); ++i) {
    for (int n = 0; n < static_cast<int>(draws[made.groups[i]]); ++n) {
      for (std::int32_t c = 0; c < kClasses; ++c) {
        result.scores.push_back(made.outputs.scores[i * kClasses + static_cast<std::size_t>(c)]);
        const auto& tags = made.outputs.tags;
        const bool has = tags.empty() ? made.outputs.labels[i] == c : std::ranges::find(tags[i], c) != tags[i].end();
        result.truth.push_back(has ? 1 : 0);
      }
      result.labels.push_back(made.outputs.labels[i]);
    }
  }
  return result;
}

double of_repeated(const std::string& metric, const Repeated& clips) {
  const metrics::Tags tags{metrics::Scores(clips.scores), clips.truth, kClasses};
  if (metric == "map_macro") return metrics::macro_average_precision(tags).value();
  if (metric == "map_micro") return metrics::micro_average_precision(tags).value();
  if (metric == "auc_macro") return metrics::macro_roc_auc(tags).value();
  if (metric == "d_prime") return metrics::d_prime(metrics::macro_roc_auc(tags).value());
  if (metric == "lwlrap") return metrics::label_weighted_ranking_precision(tags).value();
  return metrics::mean_class_accuracy({metrics::Scores(clips.scores), clips.labels, kClasses});
}

const std::vector<std::vector<double>> kDraws{
    {1, 1, 1, 1, 1}, {0, 2, 1, 0, 2}, {3, 0, 0, 1, 1}, {0, 0, 4, 1, 0}, {1, 2, 0, 2, 0}};

TEST_CASE("a metric of drawn clips is that of the clips as often as they are drawn") {
  for (const bool tagged : {true, false}) {
    for (std::uint64_t key = 1; key <= 6; ++key) {
      const MadeClips made = made_clips(key, tagged);
      for (const std::string metric :
           {"map_macro", "map_micro", "auc_macro", "d_prime", "lwlrap", "mean_class_accuracy"}) {
        if (tagged && metric == "mean_class_accuracy") continue;
        CHECK(is_metric_of_all_clips(metric));
        const auto drawn = drawn_metric(metric, made.outputs, made.groups);
        REQUIRE(drawn != nullptr);
        for (const std::vector<double>& draws : kDraws) {
          INFO(metric << (tagged ? " of tags, key " : " of labels, key ") << key);
          CHECK(drawn->value(draws) == Approx(of_repeated(metric, repeated(made, draws))).epsilon(1e-12));
        }
      }
    }
  }
}

TEST_CASE("where nothing is drawn that has a tag there is no average precision") {
  MadeClips made = made_clips(1, true);
  for (std::size_t i = 0; i < made.groups.size(); ++i) {
    if (made.groups[i] != 0) made.outputs.tags[i].clear();
  }
  const auto drawn = drawn_metric("map_macro", made.outputs, made.groups);
  CHECK(std::isnan(drawn->value(std::vector<double>{0, 2, 1, 1, 1})));
  CHECK(std::isfinite(drawn->value(std::vector<double>{1, 1, 1, 1, 1})));
}

TEST_CASE("outputs that do not fit a metric give none") {
  MadeClips made = made_clips(1, true);
  CHECK(drawn_metric("mean_class_accuracy", made.outputs, made.groups) == nullptr);  // of tags
  made.outputs.tags[3] = {kClasses};
  CHECK(drawn_metric("map_macro", made.outputs, made.groups) == nullptr);
  MadeClips labels = made_clips(1, false);
  labels.outputs.scores.pop_back();
  CHECK(drawn_metric("auc_macro", labels.outputs, labels.groups) == nullptr);
}

TEST_CASE("the metric's values by clip have the metric as their mean") {
  MadeClips made = made_clips(2, false);
  for (float& score : made.outputs.scores) score = (score + 0.25F) / 4;
  const metrics::Predictions all{metrics::Scores(made.outputs.scores), made.outputs.labels, kClasses};
  for (const auto& [metric, wanted] : {std::pair<std::string, double>{"top1", metrics::top_k_accuracy(all, 1)},
                                       {"nll", metrics::negative_log_likelihood(all)},
                                       {"brier", metrics::brier_score(all)}}) {
    const std::vector<double> values = clip_values(metric, made.outputs).value();
    double sum = 0;
    for (const double value : values) sum += value;
    CHECK(sum / static_cast<double>(values.size()) == Approx(wanted).epsilon(1e-12));
  }
  CHECK_FALSE(clip_values("top1", made_clips(2, true).outputs).has_value());
}

// By sorting all that is not the query, in doubles.
double sorted_precision(const results::ClipOutputs& outputs, std::size_t query, std::size_t first) {
  const auto width = static_cast<std::size_t>(outputs.width);
  const auto cosine = [&](std::size_t a, std::size_t b) {
    double product = 0;
    double of_a = 0;
    double of_b = 0;
    for (std::size_t d = 0; d < width; ++d) {
      const double x = outputs.scores[a * width + d];
      const double y = outputs.scores[b * width + d];
      product += x * y;
      of_a += x * x;
      of_b += y * y;
    }
    return product / std::sqrt(of_a * of_b);
  };
  std::vector<std::size_t> gallery;
  for (std::size_t i = first; i < outputs.labels.size(); ++i) {
    if (i != query) gallery.push_back(i);
  }
  std::ranges::stable_sort(gallery, std::ranges::greater(), [&](std::size_t i) { return cosine(query, i); });
  double hits = 0;
  double sum = 0;
  for (std::size_t rank = 0; rank < gallery.size(); ++rank) {
    const auto& tags = outputs.tags;
    const bool hit = tags.empty() ? outputs.labels[query] == outputs.labels[gallery[rank]]
                                  : std::ranges::any_of(tags[query], [&](std::int32_t tag) {
                                      return std::ranges::find(tags[gallery[rank]], tag) != tags[gallery[rank]].end();
                                    });
    if (!hit) continue;
    hits += 1;
    sum += hits / static_cast<double>(rank + 1);
  }
  return hits == 0 ? 0 : sum / hits;
}

TEST_CASE("average precision of a query is that of the sorted gallery, of labels and of tags") {
  for (const bool tagged : {false, true}) {
    for (const std::int64_t queries : {std::int64_t{6}, std::int64_t{23}}) {
      MadeClips made = made_clips(3, tagged);
      RandomStream stream(11);
      made.outputs.width = 20;  // no whole number of the product's steps
      made.outputs.scores.clear();
      for (std::size_t i = 0; i < 23UL * 20; ++i) made.outputs.scores.push_back(static_cast<float>(stream.normal()));
      made.outputs.queries = queries;
      const std::vector<double> values = retrieval_values("map", made.outputs).value();
      REQUIRE(values.size() == static_cast<std::size_t>(queries));
      for (std::size_t q = 0; q < values.size(); ++q) {
        CHECK(values[q] == Approx(sorted_precision(made.outputs, q, queries == 23 ? 0 : 6)));
      }
    }
  }
}

TEST_CASE("of equal cosines the clip that stands first in the gallery ranks first") {
  results::ClipOutputs outputs;
  outputs.clip_ids = {"q", "a", "b", "c"};
  outputs.groups = outputs.clip_ids;
  outputs.labels = {0, 1, 0, 0};
  outputs.width = 1;
  outputs.scores = {1, 2, 3, 4};  // all cosines are 1: a, b (hit), c (hit)
  outputs.queries = 1;
  CHECK(retrieval_values("map", outputs).value().front() == Approx((1.0 / 2 + 2.0 / 3) / 2));
  CHECK(retrieval_values("recall@1", outputs).value().front() == 0);
  CHECK(retrieval_values("recall@2", outputs).value().front() == 1);
  outputs.scores[2] = 0;  // no direction
  CHECK_FALSE(retrieval_values("map", outputs).has_value());
  CHECK_FALSE(is_mean_over_queries("recall@0"));
  CHECK_FALSE(is_mean_over_queries("recall@x"));
}

}  // namespace
}  // namespace cmkd::reports
