#include "cmkd/metrics/vector_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/retrieval.h"
#include "cmkd/metrics/tagging.h"
#include "cmkd/metrics/vector_comparison.h"

namespace cmkd::metrics {

namespace {

std::int64_t columns(const Array& matrix) { return static_cast<std::int64_t>(matrix.sizes[1]); }

void require_rows(const VectorNode& part, const std::string& name, std::size_t found, const std::string& of,
                  std::size_t wanted) {
  if (found != wanted) part.at(name).refuse(fmt::format("{} entries for {} rows of {}", found, wanted, of), "");
}

NamedArrays classification(const VectorNode& part) {
  const Array scores = part.at("scores").matrix();
  const std::vector<std::int32_t> labels = part.at("labels").integers(0);
  require_rows(part, "labels", labels.size(), "scores", scores.sizes[0]);
  const Predictions predictions{scores.values, labels, columns(scores)};
  NamedArrays values{{"top1", array_of(top_k_accuracy(predictions, 1))},
                     {"top5", array_of(top_k_accuracy(predictions, 5))},
                     {"mean_class_accuracy", array_of(mean_class_accuracy(predictions))}};
  Array& confusion = values["confusion"];
  confusion.sizes = {scores.sizes[1], scores.sizes[1]};
  for (const std::int64_t count : confusion_matrix(predictions)) confusion.values.push_back(static_cast<double>(count));
  return values;
}

NamedArrays tagging(const VectorNode& part) {
  const Array scores = part.at("scores").matrix();
  const Array wanted = part.at("truth").matrix();
  if (wanted.sizes != scores.sizes) part.at("truth").refuse("other sizes than those of the scores", "");
  std::vector<std::uint8_t> truth;
  for (const double tag : wanted.values) {
    if (tag != 0 && tag != 1) part.at("truth").refuse(fmt::format("a tag of {}", tag), "0, 1");
    truth.push_back(tag == 1 ? 1 : 0);
  }
  const Tags tags{scores.values, truth, columns(scores)};
  const std::optional<double> auc = macro_roc_auc(tags);
  NamedArrays values{{"map_macro", array_of(macro_average_precision(tags))},
                     {"map_micro", array_of(micro_average_precision(tags))},
                     {"auc_macro", array_of(auc)},
                     {"d_prime", auc ? array_of(d_prime(*auc)) : array_of(auc)},
                     {"lrap", array_of(label_ranking_average_precision(tags))},
                     {"lwlrap", array_of(label_weighted_ranking_precision(tags))}};
  Array& per_class = values["ap_per_class"];
  per_class.sizes = {scores.sizes[1]};
  for (const auto& value : average_precision(tags)) per_class.values.push_back(array_of(value).values[0]);
  return values;
}

NamedArrays retrieval(const VectorNode& part) {
  const Array query = part.at("query").matrix();
  const Array gallery = part.at("gallery").matrix();
  if (query.sizes[1] != gallery.sizes[1]) part.at("gallery").refuse("rows of another width than the queries'", "");
  // A label is only compared: any whole number may be one.
  constexpr std::int32_t kAny = std::numeric_limits<std::int32_t>::min();
  const std::vector<std::int32_t> query_labels = part.at("query_labels").integers(kAny);
  const std::vector<std::int32_t> gallery_labels = part.at("gallery_labels").integers(kAny);
  require_rows(part, "query_labels", query_labels.size(), "queries", query.sizes[0]);
  require_rows(part, "gallery_labels", gallery_labels.size(), "the gallery", gallery.sizes[0]);
  const Ranking ranking(cosine_similarity(query.values, gallery.values, columns(query)), query_labels, gallery_labels);
  const Ranking::Truncated truncated = ranking.truncated_mean_average_precision(part.at("truncate_at").integer(1));
  NamedArrays values{{"map", array_of(ranking.mean_average_precision())},
                     {"map_truncated", array_of(truncated.mean_average_precision)},
                     {"truncated_skipped", array_of(static_cast<double>(truncated.skipped))},
                     {"median_rank", array_of(ranking.median_rank())},
                     {"mean_rank", array_of(ranking.mean_rank())}};
  for (const std::int32_t k : part.at("ks").integers(1)) {
    values["recall@" + std::to_string(k)] = array_of(ranking.recall_at(k));
  }
  return values;
}

}  // namespace

VectorCheck check_metric_vector(const std::filesystem::path& file) {
  static const std::map<std::string, ComputePart> kParts{
      {"classification", classification}, {"tagging", tagging}, {"retrieval", retrieval}};
  return check_vector_file(file, kParts);
}

}  // namespace cmkd::metrics
