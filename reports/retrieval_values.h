// A retrieval's metric as values of its queries, from stored embeddings. Private to reports/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmkd/results/records.h"

namespace cmkd::reports {

// "map", "recall@k".
[[nodiscard]] bool is_mean_over_queries(const std::string& metric);

// Multiplications of one evaluation; retrieval_values computes this many, on all threads that there are.
[[nodiscard]] double retrieval_products(const results::ClipOutputs& outputs);

// [queries] average precision over the whole ranking, or whether a hit is among the first k, by falling cosine; of
// equal ones the clip that stands first in the gallery ranks first. Cosines are of floats, as the suite's own are, so
// that near ties may stand otherwise. Nothing where the outputs are no retrieval's. Requires
// is_mean_over_queries(metric).
[[nodiscard]] std::optional<std::vector<double>> retrieval_values(const std::string& metric,
                                                                  const results::ClipOutputs& outputs);

}  // namespace cmkd::reports
