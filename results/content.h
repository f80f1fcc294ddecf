// What of a record must come out the same when it is made again. Private to results/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cmkd/results/records.h"

namespace cmkd::results {

// Named parts, each short enough to show; long ones as fingerprints.
using Content = std::vector<std::pair<std::string, std::string>>;

// All but what explains or was measured: label, verified, weights file, environment, measured.
[[nodiscard]] Content content_of(const TrainingRecord& training);
[[nodiscard]] Content content_of(const EvaluationRecord& evaluation, const std::string& outputs_fingerprint);

[[nodiscard]] std::string fingerprint_of(const Content& content);

// "final weights: stored 1f…, now 2e…; epoch values: …", for the parts that differ.
[[nodiscard]] std::string describe_difference(const Content& stored, const Content& now, const char* first = "stored",
                                              const char* second = "now");

}  // namespace cmkd::results
