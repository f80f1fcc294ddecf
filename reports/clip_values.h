// A metric as a mean over test clips, from the outputs that the store keeps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmkd/results/records.h"

namespace cmkd::reports {

// Whether the metric is a mean over clips (or queries): top1, top5, map, recall@k.
[[nodiscard]] bool is_mean_over_clips(const std::string& metric);

struct ClipValues {
  std::vector<std::string> clips;   // ids
  std::vector<std::string> groups;  // source videos
  std::vector<double> values;       // 0 or 1; of "map" a query's average precision
};
// Nothing where the outputs do not fit the metric (a set of several labels a clip), and where ranking them again would
// take too long for a report. Requires is_mean_over_clips(metric).
[[nodiscard]] std::optional<ClipValues> clip_values(const std::string& metric, const results::ClipOutputs& outputs);

}  // namespace cmkd::reports
