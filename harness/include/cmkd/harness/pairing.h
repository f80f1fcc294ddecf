// What pairs the runs of a cell: that they saw the same clips in the same order, augmented alike.
#pragma once

#include <string>
#include <vector>

#include "cmkd/batches/window_reader.h"

namespace cmkd {

// Hash chains over the draws of every step so far.
struct PairingFingerprints {
  std::string batch_order;   // of the clips
  std::string augmentation;  // of the windows, crops and mirrorings

  void add_step(const std::vector<ClipDraw>& draws);
};

}  // namespace cmkd
