// The regularisation that does best on validation rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cmkd/probes/probe.h"

namespace cmkd::probes {

// Scores of the validation clips [clips, classes] to one number, higher for the better: top-1 accuracy for labels, mean
// average precision for tags (metrics/). It must not be NaN.
using ClipScore = std::function<double(std::span<const float> decision_values)>;

struct ValidationRows {
  FeatureMatrix features;
  std::span<const std::int64_t> clip_of_row;  // [rows], 0 … clips − 1
  std::int64_t clips = 0;
};

struct RegularisationTrial {
  double regularisation = 0;
  double score = 0;
  Convergence convergence;
};

struct RegularisationChoice {
  double regularisation = 0;
  std::unique_ptr<Probe> probe;             // fitted with it
  std::vector<RegularisationTrial> trials;  // of every candidate, in the order given
};

// Fits the trainer with each candidate and takes the one with the best score of the validation clips, each the average
// of its rows' decision values; of equal scores the one that regularises most (XKD's scripts keep the last of equals,
// which changes no score that they report). Deterministic. Throws Error(kUsage) without candidates and for a candidate
// that stands twice, Error(kInternal) for a score that is NaN, and as fit, decision_values and average_by_clip.
[[nodiscard]] RegularisationChoice choose_c(const ProbeTrainer& trainer, std::span<const double> candidates,
                                            const ValidationRows& validation, const ClipScore& score);

}  // namespace cmkd::probes
