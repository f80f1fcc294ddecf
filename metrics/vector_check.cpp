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
#include "vector_json.h"

namespace cmkd::metrics {

namespace {

using Values = std::map<std::string, Array>;  // nothing is NaN

Array number(const std::optional<double>& value) {
  return {{}, {value.value_or(std::numeric_limits<double>::quiet_NaN())}};
}

std::int64_t columns(const Array& matrix) { return static_cast<std::int64_t>(matrix.sizes[1]); }

void require_rows(const VectorNode& part, const std::string& name, std::size_t found, const std::string& of,
                  std::size_t wanted) {
  if (found != wanted) part.at(name).refuse(fmt::format("{} entries for {} rows of {}", found, wanted, of), "");
}

Values classification(const VectorNode& part) {
  const Array scores = part.at("scores").matrix();
  const std::vector<std::int32_t> labels = part.at("labels").integers(0);
  require_rows(part, "labels", labels.size(), "scores", scores.sizes[0]);
  const Predictions predictions{scores.values, labels, columns(scores)};
  Values values{{"top1", number(top_k_accuracy(predictions, 1))},
                {"top5", number(top_k_accuracy(predictions, 5))},
                {"mean_class_accuracy", number(mean_class_accuracy(predictions))}};
  Array& confusion = values["confusion"];
  confusion.sizes = {scores.sizes[1], scores.sizes[1]};
  for (const std::int64_t count : confusion_matrix(predictions)) confusion.values.push_back(static_cast<double>(count));
  return values;
}

Values tagging(const VectorNode& part) {
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
  Values values{{"map_macro", number(macro_average_precision(tags))},
                {"map_micro", number(micro_average_precision(tags))},
                {"auc_macro", number(auc)},
                {"d_prime", auc ? number(d_prime(*auc)) : number(auc)},
                {"lrap", number(label_ranking_average_precision(tags))},
                {"lwlrap", number(label_weighted_ranking_precision(tags))}};
  Array& per_class = values["ap_per_class"];
  per_class.sizes = {scores.sizes[1]};
  for (const auto& value : average_precision(tags)) per_class.values.push_back(number(value).values[0]);
  return values;
}

Values retrieval(const VectorNode& part) {
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
  Values values{{"map", number(ranking.mean_average_precision())},
                {"map_truncated", number(truncated.mean_average_precision)},
                {"truncated_skipped", number(static_cast<double>(truncated.skipped))},
                {"median_rank", number(ranking.median_rank())},
                {"mean_rank", number(ranking.mean_rank())}};
  for (const std::int32_t k : part.at("ks").integers(1)) {
    values["recall@" + std::to_string(k)] = number(ranking.recall_at(k));
  }
  return values;
}

double largest_magnitude(const Array& array) {
  double largest = 0;
  for (const double value : array.values) largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : largest;
  return largest;
}

// Infinity where anything but a finite difference parts them.
double difference(double computed, double wanted) {
  if (computed == wanted || (std::isnan(computed) && std::isnan(wanted))) return 0;
  const bool finite = std::isfinite(computed) && std::isfinite(wanted);
  return finite ? std::abs(computed - wanted) : std::numeric_limits<double>::infinity();
}

class Comparison {
 public:
  // `scale`: the largest magnitude that the case expects anywhere.
  explicit Comparison(double scale) : scale_(scale) {}

  void part(const std::string& name, const Values& computed, const std::map<std::string, Array>& expected) {
    if (expected.empty()) note(name + " expects nothing");
    for (const auto& [metric, value] : expected) {
      const auto found = computed.find(metric);
      if (found == computed.end()) {
        note(name + "." + metric + " is not computed");
      } else {
        compare(name + "." + metric, found->second, value);
      }
    }
    for (const auto& [metric, value] : computed) {
      if (!expected.contains(metric)) check_.not_compared.push_back(name + "." + metric);
    }
  }
  void note(const std::string& problem) {
    if (check_.problem.empty()) check_.problem = problem;
  }
  [[nodiscard]] const VectorCheck& result() const { return check_; }

 private:
  void compare(const std::string& name, const Array& computed, const Array& wanted) {
    if (computed.sizes != wanted.sizes) {
      note(fmt::format("{}: computed [{}], expected [{}]", name, fmt::join(computed.sizes, ", "),
                       fmt::join(wanted.sizes, ", ")));
      return;
    }
    check_.compared.push_back(name);
    double largest = 0;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      largest = std::max(largest, difference(computed.values[i], wanted.values[i]));
    }
    if (std::isinf(largest)) note(name + ": a value is not finite on one side only");
    if (largest == 0 || std::isinf(largest)) return;
    const double error = largest / std::max(largest_magnitude(wanted), 1e-6 * scale_);
    if (error <= check_.error) return;
    check_.error = error;
    check_.worst = name;
  }

  VectorCheck check_;
  double scale_;
};

using Compute = Values (*)(const VectorNode&);

// What the metrics themselves refuse has no place in the file but its part.
Values computed_of(Compute compute, const VectorNode& part) {
  try {
    return compute(part);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kData) throw;
    const std::string& where = error.parts().where;
    part.refuse(where.empty() ? error.parts().what : error.parts().what + " (" + where + ")", "");
  }
}

}  // namespace

VectorCheck check_metric_vector(const std::filesystem::path& file) {
  static const std::map<std::string, Compute> kParts{
      {"classification", classification}, {"tagging", tagging}, {"retrieval", retrieval}};
  const nlohmann::json document = read_vector_json(file);
  const VectorNode whole(document, file.string());
  std::map<std::string, std::map<std::string, Array>> expected;
  double scale = 0;
  for (const std::string& part : whole.names()) {
    if (!kParts.contains(part)) continue;
    const VectorNode wanted = whole.at(part).at("expected");
    for (const std::string& metric : wanted.names()) {
      scale = std::max(scale, largest_magnitude(expected[part][metric] = wanted.at(metric).array()));
    }
  }
  Comparison comparison(scale);
  if (whole.names().empty()) comparison.note("the file holds no part");
  for (const std::string& part : whole.names()) {
    const auto known = kParts.find(part);
    if (known == kParts.end()) {
      comparison.note("nothing here computes the part '" + part + "'");
    } else {
      comparison.part(part, computed_of(known->second, whole.at(part)), expected[part]);
    }
  }
  return comparison.result();
}

}  // namespace cmkd::metrics
