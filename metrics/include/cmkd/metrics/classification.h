// Metrics of single-label classification, from class scores. No LibTorch: spans of row-major values.
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cmkd/metrics/scores.h"

namespace cmkd::metrics {

// Scores of N clips and C classes, row-major, and the true classes. Requires scores.size() == labels.size() * classes,
// at least one clip, labels in 0 … C − 1, and no score that is not a number; throws Error(kInternal) otherwise.
struct Predictions {
  Scores scores;  // [N, C] float or double; any monotone score for the accuracies, probabilities for calibration
  std::span<const std::int32_t> labels;
  std::int64_t classes = 0;
};

// The class with the highest score; the first of equals.
[[nodiscard]] std::vector<std::int32_t> predicted_classes(const Scores& scores, std::int64_t classes);

// Share of clips whose true class is among the k highest scores. Of equal scores the lower class index ranks first.
[[nodiscard]] double top_k_accuracy(const Predictions& predictions, std::int64_t k);

// Mean over the classes that occur of the share of their clips that are recognised (balanced accuracy).
[[nodiscard]] double mean_class_accuracy(const Predictions& predictions);

// [C, C] counts, row = true class, column = predicted class.
[[nodiscard]] std::vector<std::int64_t> confusion_matrix(const Predictions& predictions);

// Expected calibration error (Naeini et al., AAAI 2015; Guo et al., arXiv 1706.04599, eq. 3): `bins` equal-width bins
// of the highest probability, |accuracy − confidence| weighted by the share of clips. Bin b holds confidences in
// (b/bins, (b+1)/bins].
[[nodiscard]] double expected_calibration_error(const Predictions& predictions, std::int64_t bins = 15);

// Mean of −ln p(true class), in nats; p is floored at the smallest positive normal float.
[[nodiscard]] double negative_log_likelihood(const Predictions& predictions);

// Mean over the clips of Σ_c (p_c − y_c)², y the one-hot true class: the multi-class score of Brier (Monthly Weather
// Review 78, 1950), from 0 to 2.
[[nodiscard]] double brier_score(const Predictions& predictions);

// Share of clips on which both name the same class.
[[nodiscard]] double agreement(const Scores& a, const Scores& b, std::int64_t classes);

// Mean of KL(p ‖ q) in nats over the clips, p and q probabilities; both floored at the smallest positive normal float.
[[nodiscard]] double mean_kl_divergence(const Scores& p, const Scores& q, std::int64_t classes);

}  // namespace cmkd::metrics
