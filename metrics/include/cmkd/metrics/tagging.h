// Metrics of multi-label tagging, from scores. No LibTorch: row-major values. Pure functions, safe from any thread.
// Ties follow scikit-learn, to which the tests compare: equal scores are one threshold.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cmkd/metrics/scores.h"

namespace cmkd::metrics {

// Requires scores.size() == truth.size(), a multiple of `classes`, at least one clip, truth of 0 and 1, and no score
// that is not a number; throws Error(kInternal) otherwise.
struct Tags {
  Scores scores;                        // [N, C] float or double; any monotone score
  std::span<const std::uint8_t> truth;  // [N, C]; 1: the clip has the tag
  std::int64_t classes = 0;
};

// Σ_n (R_n − R_{n−1}) P_n over the distinct thresholds from the highest, for each class; nothing for a class without a
// positive clip.
[[nodiscard]] std::vector<std::optional<double>> average_precision(const Tags& tags);  // [C]

// Mean of the above over the classes that have a positive clip; nothing when none has.
[[nodiscard]] std::optional<double> macro_average_precision(const Tags& tags);

// Average precision of all clip-class pairs as one list; nothing without a positive.
[[nodiscard]] std::optional<double> micro_average_precision(const Tags& tags);

// Area under the ROC curve of each class: the share of pairs of a positive and a negative clip in which the positive
// one scores higher, ties counting half. Nothing for a class without positives or without negatives.
[[nodiscard]] std::vector<std::optional<double>> roc_auc(const Tags& tags);  // [C]

// Mean of the above over the classes that have one; nothing when none has.
[[nodiscard]] std::optional<double> macro_roc_auc(const Tags& tags);

// √2 · Φ⁻¹(auc), Φ the standard normal distribution; ±infinity for 1 and 0.
[[nodiscard]] double d_prime(double auc);

// Label-ranking average precision: mean over the clips of the mean over their tags of (tags that score at least as
// high) / (classes that score at least as high). A clip with no tag or with all counts 1, as in scikit-learn.
[[nodiscard]] double label_ranking_average_precision(const Tags& tags);

// The same summand averaged over all tags of all clips instead, so that each tag of the data set weighs the same
// (label- weighted label-ranking average precision; Fonseca et al., DCASE 2019). Nothing without a tag.
[[nodiscard]] std::optional<double> label_weighted_ranking_precision(const Tags& tags);

}  // namespace cmkd::metrics
