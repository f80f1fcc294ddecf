// The metrics against vectors of scikit-learn and of the definitions: for `cmkd conformance`.
#pragma once

#include <filesystem>
#include <string>

namespace cmkd::metrics {

struct VectorCheck {
  double error = 0;     // largest |a − b| / max(|b|, 1e-6 · the largest expected magnitude of the part)
  std::string worst;    // "retrieval.map"
  std::string problem;  // a difference that is no number: a missing name, another size, another count; "" when none
};

// `file`: one of vectors/metrics/*.json, with any of the parts "classification", "tagging" and "retrieval". A value
// that the file expects and nothing here computes is a problem. Throws Error(kData) for a file that is no such JSON.
[[nodiscard]] VectorCheck check_metric_vector(const std::filesystem::path& file);

}  // namespace cmkd::metrics
