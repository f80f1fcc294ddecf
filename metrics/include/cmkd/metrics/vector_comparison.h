// What was computed against what a JSON vector expects, name by name: shared by the checks of metrics and of
// statistics.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "cmkd/core/vector_check.h"
#include "cmkd/metrics/vector_json.h"

namespace cmkd::metrics {

using NamedArrays = std::map<std::string, Array>;

// A single number; nothing is NaN.
[[nodiscard]] Array array_of(const std::optional<double>& value);

// Computes the names of one part of a vector file. Error(kData) names the place in the file; another cmkd::Error is
// given that of the part.
using ComputePart = std::function<NamedArrays(const VectorNode& part)>;

// `file`: a JSON object of parts, each with its "expected". A value that the file expects and nothing here computes is
// a problem, and so are a part that expects nothing and one that `parts` does not have. null and NaN are a number that
// is not defined. Errors are max|a - b| / max(max|b|, 1e-6 * m) over a name's values, b expected, m the case's largest
// magnitude. Throws Error(kData), naming the place in the file, for what is no such JSON.
[[nodiscard]] VectorCheck check_vector_file(const std::filesystem::path& file,
                                            const std::map<std::string, ComputePart>& parts);

}  // namespace cmkd::metrics
