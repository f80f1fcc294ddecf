// Metrics computed again from the stored per-clip outputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/results/store.h"

namespace cmkd::apps {

struct Recomputed {
  std::int64_t evaluations = 0;
  std::int64_t metrics = 0;              // compared
  std::vector<std::string> differences;  // "kd seed 3, top1: stored 0.5, from the outputs 0.25"
  std::vector<std::string> left_out;     // evaluations without outputs, and why
};

// Every evaluation that the suite links to. Equal means: both undefined, or within 1e-9.
[[nodiscard]] Recomputed recompute(const results::Store& store, const std::string& suite);

}  // namespace cmkd::apps
