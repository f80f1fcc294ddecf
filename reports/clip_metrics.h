// Metrics of the test clips when each source video is drawn so many times, from the outputs that the store keeps: what
// a bootstrap over the test clips computes again and again. Private to reports/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "cmkd/results/records.h"

namespace cmkd::reports {

class DrawnMetric {
 public:
  virtual ~DrawnMetric() = default;
  // `draws`: [G] how often each source video is in the resample. NaN where what is drawn has no such metric: no clip,
  // or no clip with a tag. Safe from several threads.
  [[nodiscard]] virtual double value(std::span<const double> draws) const = 0;
};

// Σ over the clips of draws · value / Σ of draws. `groups`: [N] the clip's source video, below `videos`.
[[nodiscard]] std::unique_ptr<DrawnMetric> drawn_mean(std::span<const std::uint32_t> groups,
                                                      std::span<const double> values, std::size_t videos);

// Whether drawn_metric knows it: a metric of all clips together that is no mean over clips. mean_class_accuracy,
// map_macro, map_micro, auc_macro, d_prime, lwlrap (metrics/tagging.h, metrics/classification.h).
[[nodiscard]] bool is_metric_of_all_clips(const std::string& metric);
// Whether it ranks all clips for each class: its work grows with clips × classes.
[[nodiscard]] bool ranks_all_clips(const std::string& metric);

// Null where the outputs do not fit the metric. Requires is_metric_of_all_clips(metric) and groups.size() clips.
[[nodiscard]] std::unique_ptr<DrawnMetric> drawn_metric(const std::string& metric, const results::ClipOutputs& outputs,
                                                        std::span<const std::uint32_t> groups);

}  // namespace cmkd::reports
