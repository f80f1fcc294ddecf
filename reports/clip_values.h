// A metric as a mean over test clips, from the outputs that the store keeps. Private to reports/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmkd/results/records.h"

namespace cmkd::reports {

// Whether the metric is a mean over clips of one label each: top1, top5, nll, brier.
[[nodiscard]] bool is_mean_over_clips(const std::string& metric);

// [N] the metric is their mean. Nothing where the outputs do not fit (a set of several labels a clip). Requires
// is_mean_over_clips(metric).
[[nodiscard]] std::optional<std::vector<double>> clip_values(const std::string& metric,
                                                             const results::ClipOutputs& outputs);

}  // namespace cmkd::reports
