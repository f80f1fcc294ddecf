#include "cmkd/harness/pairing.h"

#include "cmkd/core/hash.h"

namespace cmkd {

void PairingFingerprints::add_step(const std::vector<ClipDraw>& draws) {
  Hasher order;
  Hasher augmented;
  order.field(batch_order);
  augmented.field(augmentation);
  for (const ClipDraw& draw : draws) {
    order.field(draw.clip);
    augmented.field(draw.window).field(draw.top).field(draw.left).field(draw.mirrored ? 1 : 0);
  }
  batch_order = order.hex();
  augmentation = augmented.hex();
}

}  // namespace cmkd
