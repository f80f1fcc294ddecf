// The audio tagging protocol: which tags does a clip have. Sets with one label a clip count as tags of one; scores are
// then softmax probabilities, and sigmoid ones of sets with several.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cmkd/suites/action_recognition.h"

namespace cmkd {

// scores [N, C] row-major probabilities, truth [N, C] of 0 and 1. A metric that is undefined (no tag has a positive and
// a negative clip) is NaN. `single_label`: one tag a clip, for which top-1 is told too.
[[nodiscard]] std::vector<Metric> audio_tagging_metrics(std::span<const float> scores,
                                                        std::span<const std::uint8_t> truth, std::int64_t classes,
                                                        bool single_label);

[[nodiscard]] const std::vector<MetricDoc>& audio_tagging_metric_docs();

}  // namespace cmkd
