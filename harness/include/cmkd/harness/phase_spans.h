// The phases of a training as stretches of its epochs.
#pragma once

#include <cstdint>
#include <vector>

#include "cmkd/methods/training.h"

namespace cmkd {

struct PhaseSpan {
  Phase phase;                   // with its number of epochs
  std::int64_t first_epoch = 0;  // over all phases
  // Which epoch of the random streams its first is. The last phase begins at 0, so that a method of several phases sees
  // there what the methods of one see; earlier phases come from beyond it.
  std::int64_t stream_epoch = 0;
  bool is_last = true;
};

// A phase that names no number of epochs has `epochs`.
[[nodiscard]] std::vector<PhaseSpan> phase_spans(const std::vector<Phase>& phases, std::int64_t epochs);
[[nodiscard]] std::int64_t total_epochs(const std::vector<PhaseSpan>& spans);

}  // namespace cmkd
