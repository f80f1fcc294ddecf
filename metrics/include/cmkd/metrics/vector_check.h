// The metrics against vectors of scikit-learn and of the definitions: for `cmkd conformance`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cmkd::metrics {

struct VectorCheck {
  // Largest max|a - b| / max(max|b|, 1e-6 * m) of a name's values, b expected, m the case's largest magnitude.
  double error = 0;
  std::string worst;                      // "retrieval.map"
  std::string problem;                    // a difference that is no number: a missing name, other sizes; "" when none
  std::vector<std::string> compared;      // "retrieval.map"
  std::vector<std::string> not_compared;  // computed here, but the file expects no value for it
};

// `file`: one of vectors/metrics/*.json, with any of the parts "classification", "tagging" and "retrieval". A value
// that the file expects and nothing here computes is a problem, and so is a part that expects nothing. null and NaN
// are a metric that is not defined. Throws Error(kData), naming the place in the file, for what is no such JSON.
[[nodiscard]] VectorCheck check_metric_vector(const std::filesystem::path& file);

}  // namespace cmkd::metrics
