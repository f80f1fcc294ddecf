#include "cmkd/probes/linear_weights.h"

#include <algorithm>
#include <limits>

#include "products.h"

namespace cmkd::probes {

std::vector<std::int64_t> rows_of_classes(const Targets& targets, std::int64_t rows) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(targets.classes), 0);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += targets.shows(row, c) ? 1 : 0;
  }
  return counts;
}

std::vector<float> LinearClassifier::decision_values(const FeatureMatrix& rows) const {
  const std::vector<float> scaled = scaler_.apply(rows, "test");
  std::vector<double> values = affine(scaled.data(), rows.rows, rows.width, fitted_.weights, fitted_.biases, threads_);
  const std::size_t classes = fitted_.biases.size();
  const std::vector<bool>& unnamed = fitted_.without_rows;
  for (std::size_t first = 0; first < values.size() && std::ranges::count(unnamed, true) > 0; first += classes) {
    double lowest = std::numeric_limits<double>::max();
    for (std::size_t c = 0; c < classes; ++c) {
      if (!unnamed[c]) lowest = std::min(lowest, values[first + c]);
    }
    for (std::size_t c = 0; c < classes; ++c) {
      if (unnamed[c]) values[first + c] = lowest - 1;
    }
  }
  return {values.begin(), values.end()};
}

}  // namespace cmkd::probes
