// The statistics against vectors of SciPy, statsmodels, rliable and of plain enumeration: for `cmkd conformance`.
#pragma once

#include <filesystem>

#include "cmkd/core/vector_check.h"

namespace cmkd::reports {

// `file`: one of vectors/statistics/*.json, with any of the parts "paired", "omnibus", "holm", "aggregate", "mcnemar",
// "wilcoxon_ties", "bootstrap_exact" and "bootstrap_difference_exact"; computed by the functions that the reports use.
// A sign-flip p of null is one that the reference did not compute. Errors and exceptions as of
// metrics::check_metric_vector.
[[nodiscard]] VectorCheck check_statistics_vector(const std::filesystem::path& file);

}  // namespace cmkd::reports
