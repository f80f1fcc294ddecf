// Plain supervised training, which student, teacher and oracle_labels share: they differ in network, clips and labels
// only, and those are the harness's to choose.
#pragma once

#include "cmkd/methods/method.h"

namespace cmkd {

// A method without teacher whose loss is classification_weight · CE(z, y), averaged over the labelled clips of the
// batch; z [B, C] student logits, y [B] labels. Its id, title, role and texts are left to the caller; so are further
// needs.
[[nodiscard]] MethodInfo supervised_method();

}  // namespace cmkd
