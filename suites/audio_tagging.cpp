#include "cmkd/suites/audio_tagging.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/tagging.h"

namespace cmkd {

namespace {

double or_nan(const std::optional<double>& value) { return value.value_or(std::numeric_limits<double>::quiet_NaN()); }

std::vector<std::int32_t> tagged_labels_of(std::span<const std::uint8_t> truth, std::int64_t classes) {
  std::vector<std::int32_t> labels;
  const auto width = static_cast<std::size_t>(classes);
  for (std::size_t row = 0; row + width <= truth.size(); row += width) {
    const auto tags = truth.subspan(row, width);
    labels.push_back(static_cast<std::int32_t>(std::ranges::find(tags, std::uint8_t{1}) - tags.begin()));
  }
  return labels;
}

}  // namespace

std::vector<Metric> audio_tagging_metrics(std::span<const float> scores, std::span<const std::uint8_t> truth,
                                          std::int64_t classes, bool single_label) {
  const metrics::Tags tags{scores, truth, classes};
  const std::optional<double> auc = metrics::macro_roc_auc(tags);
  std::vector<Metric> values{{"map_macro", or_nan(metrics::macro_average_precision(tags))},
                             {"map_micro", or_nan(metrics::micro_average_precision(tags))},
                             {"auc_macro", or_nan(auc)},
                             {"d_prime", auc ? metrics::d_prime(*auc) : or_nan(auc)},
                             {"lwlrap", or_nan(metrics::label_weighted_ranking_precision(tags))}};
  if (single_label) {
    const std::vector<std::int32_t> labels = tagged_labels_of(truth, classes);
    values.push_back({"top1", metrics::top_k_accuracy({scores, labels, classes}, 1)});
  }
  return values;
}

const std::vector<MetricDoc>& audio_tagging_metric_docs() {
  static const std::vector<MetricDoc> docs{
      {"map_macro", "average precision of each tag over the test clips, averaged over the tags that occur", true},
      {"map_micro", "average precision of all pairs of clip and tag as one list", true},
      {"auc_macro", "area under the ROC curve of each tag, averaged over the tags that have one", true},
      {"d_prime", "sqrt(2) times the normal quantile of auc_macro", true},
      {"lwlrap", "label-weighted label-ranking average precision: of each true tag, the precision at its rank", true},
      {"top1", "share of test clips whose highest score is the true class (sets of one label a clip)", true}};
  return docs;
}

}  // namespace cmkd
