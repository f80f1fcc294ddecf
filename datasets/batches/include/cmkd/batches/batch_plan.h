// Which clips make up the batches of a training.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/random.h"

namespace cmkd {

// Which clips make up each step. A batch is a pure function of (seed, epoch, step): resuming needs no state.
// Semi-labelled: `labelled_per_batch` clips from endless shuffles of the labelled clips, then `unlabelled_per_batch`
// from one shuffle an epoch of the others. Fully labelled (no unlabelled clips): both counts together, from one shuffle
// an epoch. Thread-safe.
class BatchPlan {
 public:
  struct Settings {
    std::int64_t labelled_per_batch = 32;
    std::int64_t unlabelled_per_batch = 32;
  };
  BatchPlan(std::vector<std::int64_t> transfer, std::vector<std::int64_t> labelled, const Settings& settings,
            RandomStreams streams);

  [[nodiscard]] std::int64_t steps_per_epoch() const noexcept { return steps_per_epoch_; }
  // The draws of one step; `epoch` counts over all phases.
  [[nodiscard]] std::vector<ClipDraw> step(std::int64_t epoch, std::int64_t step, const WindowReader& reader) const;

 private:
  struct Pass {
    std::int64_t number = -1;
    std::vector<std::int64_t> order;
  };
  // Position `index` of the endless sequence of shuffles of `clips`; `pass` remembers the current shuffle.
  [[nodiscard]] std::int64_t clip_at(const std::vector<std::int64_t>& clips, const char* purpose, std::int64_t index,
                                     Pass& pass, std::int64_t* pass_number) const;

  std::vector<std::int64_t> labelled_;
  std::vector<std::int64_t> unlabelled_;
  Settings settings_;
  RandomStreams streams_;
  std::int64_t steps_per_epoch_ = 0;
  mutable std::mutex passes_;
  mutable Pass labelled_pass_;
  mutable Pass unlabelled_pass_;
};

}  // namespace cmkd
