// The metrics against vectors of scikit-learn and of the definitions: for `cmkd conformance`.
#pragma once

#include <filesystem>

#include "cmkd/core/vector_check.h"

namespace cmkd::metrics {

// `file`: one of vectors/metrics/*.json, with any of the parts "classification", "tagging" and "retrieval". A value
// that the file expects and nothing here computes is a problem, and so is a part that expects nothing. null and NaN
// are a metric that is not defined. Errors are max|a - b| / max(max|b|, 1e-6 * m) over a name's values, b expected, m
// the case's largest magnitude. Throws Error(kData), naming the place in the file, for what is no such JSON.
[[nodiscard]] VectorCheck check_metric_vector(const std::filesystem::path& file);

}  // namespace cmkd::metrics
