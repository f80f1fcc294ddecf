// First weights from a file, as [student] and [teacher] of a suite ask for: `weights = "resnet18.pth"`.
#pragma once

#include <string>
#include <vector>

#include "cmkd/harness/suite_data.h"
#include "cmkd/models/load_weights.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// Hash of the file's bytes; "" without `weights`. Part of a training's key, in place of the path. A file of unchanged
// size and time is read once a process. Throws Error(kData) when it cannot be read.
[[nodiscard]] std::string weights_hash(const ModelEntry& entry);

// Copies the file's weights into the model, on the host; nothing without `weights`. Throws Error naming the setting
// when the file is not readable, does not fit, or has another content than `expected_hash` (when that is given): it
// changed while the suite ran.
WeightsReport load_pretrained(Model& model, const ModelEntry& entry, const std::string& expected_hash = "");

struct WeightsLine {
  std::string role;  // "student", "teacher"
  WeightsReport report;
  std::string pretrained_on;
};
// Builds the models whose entries name weights and loads these. Stand-in data will do: for `cmkd plan`.
[[nodiscard]] std::vector<WeightsLine> check_weights(const Suite& suite, const SuiteData& data);

}  // namespace cmkd
