#include "cmkd/metrics/vector_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/retrieval.h"
#include "cmkd/metrics/tagging.h"

namespace cmkd::metrics {

namespace {

using nlohmann::json;
using Values = std::map<std::string, std::vector<double>>;  // a number is a list of one; nothing is NaN

struct Matrix {
  std::vector<double> values;  // row-major
  std::int64_t columns = 0;
};

// Flat numbers of nested lists; null is NaN.
void flatten(const json& node, std::vector<double>& into) {
  if (node.is_array()) {
    for (const json& part : node) flatten(part, into);
  } else {
    into.push_back(node.is_null() ? std::numeric_limits<double>::quiet_NaN() : node.get<double>());
  }
}

Matrix matrix(const json& rows) {
  Matrix result;
  flatten(rows, result.values);
  result.columns = rows.empty() ? 0 : static_cast<std::int64_t>(rows.front().size());
  return result;
}

double number(const std::optional<double>& value) { return value.value_or(std::numeric_limits<double>::quiet_NaN()); }

Values classification(const json& part) {
  const Matrix scores = matrix(part.at("scores"));
  const auto labels = part.at("labels").get<std::vector<std::int32_t>>();
  const Predictions predictions{scores.values, labels, scores.columns};
  Values values{{"top1", {top_k_accuracy(predictions, 1)}},
                {"top5", {top_k_accuracy(predictions, 5)}},
                {"mean_class_accuracy", {mean_class_accuracy(predictions)}}};
  for (const std::int64_t count : confusion_matrix(predictions)) {
    values["confusion"].push_back(static_cast<double>(count));
  }
  return values;
}

Values tagging(const json& part) {
  const Matrix scores = matrix(part.at("scores"));
  std::vector<std::uint8_t> truth;
  for (const double tag : matrix(part.at("truth")).values) truth.push_back(tag != 0 ? 1 : 0);
  const Tags tags{scores.values, truth, scores.columns};
  const std::optional<double> auc = macro_roc_auc(tags);
  Values values{{"map_macro", {number(macro_average_precision(tags))}},
                {"map_micro", {number(micro_average_precision(tags))}},
                {"auc_macro", {number(auc)}},
                {"d_prime", {auc ? d_prime(*auc) : number(auc)}},
                {"lrap", {label_ranking_average_precision(tags)}},
                {"lwlrap", {number(label_weighted_ranking_precision(tags))}}};
  for (const auto& value : average_precision(tags)) values["ap_per_class"].push_back(number(value));
  return values;
}

Values retrieval(const json& part) {
  const Matrix query = matrix(part.at("query"));
  const Matrix gallery = matrix(part.at("gallery"));
  const auto query_labels = part.at("query_labels").get<std::vector<std::int32_t>>();
  const auto gallery_labels = part.at("gallery_labels").get<std::vector<std::int32_t>>();
  const Ranking ranking(cosine_similarity(query.values, gallery.values, query.columns), query_labels, gallery_labels);
  const Ranking::Truncated truncated = ranking.truncated_mean_average_precision(part.at("truncate_at"));
  Values values{{"map", {ranking.mean_average_precision()}},
                {"map_truncated", {number(truncated.mean_average_precision)}},
                {"truncated_skipped", {static_cast<double>(truncated.skipped)}},
                {"median_rank", {number(ranking.median_rank())}},
                {"mean_rank", {number(ranking.mean_rank())}}};
  for (const std::int64_t k : part.at("ks")) values["recall@" + std::to_string(k)] = {ranking.recall_at(k)};
  return values;
}

void compare(const std::string& name, const std::vector<double>& computed, const json& expected, VectorCheck& check) {
  std::vector<double> wanted;
  flatten(expected, wanted);
  if (computed.size() != wanted.size()) {
    check.problem = name + ": " + std::to_string(computed.size()) + " values where " + std::to_string(wanted.size()) +
                    " are expected";
    return;
  }
  double scale = 0;
  for (const double value : wanted) scale = std::isfinite(value) ? std::max(scale, std::abs(value)) : scale;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool same = computed[i] == wanted[i] || (std::isnan(computed[i]) && std::isnan(wanted[i]));
    if (same) continue;
    if (!std::isfinite(computed[i]) || !std::isfinite(wanted[i])) {
      check.problem = name + ": a value is not finite on one side only";
      return;
    }
    const double error = std::abs(computed[i] - wanted[i]) / std::max(std::abs(wanted[i]), 1e-6 * scale);
    if (error > check.error) {
      check.error = error;
      check.worst = name;
    }
  }
}

void check_part(const std::string& part, const Values& computed, const json& expected, VectorCheck& check) {
  for (const auto& [name, value] : expected.items()) {
    const auto found = computed.find(name);
    if (found == computed.end()) {
      check.problem = part + "." + name + " is not computed";
      return;
    }
    compare(part + "." + name, found->second, value, check);
  }
}

}  // namespace

VectorCheck check_metric_vector(const std::filesystem::path& file) {
  static const std::map<std::string, Values (*)(const json&)> kParts{
      {"classification", classification}, {"tagging", tagging}, {"retrieval", retrieval}};
  VectorCheck check;
  try {
    std::ifstream stream(file);
    const json whole = json::parse(stream);
    if (whole.empty()) check.problem = "the file holds no part";
    for (const auto& [part, content] : whole.items()) {
      const auto known = kParts.find(part);
      if (known == kParts.end()) {
        check.problem = "nothing here computes the part '" + part + "'";
      } else {
        check_part(part, known->second(content), content.at("expected"), check);
      }
    }
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kData, {std::string("no metric vector: ") + error.what(), file.string(), "", ""});
  }
  return check;
}

}  // namespace cmkd::metrics
