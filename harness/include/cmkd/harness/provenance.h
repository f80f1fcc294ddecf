// What results are made with, beyond what their keys hold: the shared code, LibTorch, the kind of device, the CPU's
// instruction level. Rows that differ in it are never mixed in silence.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/results/store.h"

namespace cmkd {

// Of what this program makes on `device`.
[[nodiscard]] results::Origin origin_here(c10::Device device);

// "shared code 1a2b3c4d5e (here 5e6f7a8b9c), LibTorch 2.11.0 (here 2.13.0)"; "" when nothing differs.
[[nodiscard]] std::string difference_text(const results::Origin& stored, const results::Origin& here);

// How what is stored of a training and of its evaluation differs from what this program would make `here`: the text
// above, with the evaluation's code where only that is another. "" when nothing differs, and for a training that is not
// done.
[[nodiscard]] std::string stored_difference(const results::Store& store, const PlannedTraining& planned,
                                            const results::Origin& here);

// The evaluations of the plan that the store does not have, by key.
[[nodiscard]] std::vector<std::string> missing_evaluations(const results::Store& store, const PlannedTraining& planned);
// None is missing.
[[nodiscard]] bool is_evaluated(const results::Store& store, const PlannedTraining& planned);

}  // namespace cmkd
