// One step of a training on a batch that it has: the one way in which the trainer, and whoever measures it, takes one.
#pragma once

#include <c10/core/Device.h>

#include "cmkd/harness/group_optimizers.h"
#include "cmkd/methods/training.h"
#include "cmkd/runtime/precision.h"

namespace cmkd {

struct StepRules {
  LearningRate rate;
  double clip_gradient_norm = 0;  // of each group; 0: no clipping
  Precision precision = Precision::kFloat32;
  c10::Device device = c10::kCPU;
  bool look_for_strays = false;  // terms must not depend on parameters of no group: looks through the whole graph
};

// What a device is given of a step: forward pass and terms in the rules' numbers, gradients by group, and the
// optimisers' step at the rates that were set. Throws what the training throws, and std::runtime_error for a step that
// breaks the rules of step_guard.h.
StepResult compute_step(Training& training, GroupOptimizers& optimizers, const StepContext& context, const Batch& batch,
                        const StepRules& rules);

// All of it: the rates are set, the step is computed, and the training does what it does after one. Throws the same.
StepResult take_step(Training& training, GroupOptimizers& optimizers, const StepContext& context, const Batch& batch,
                     const StepRules& rules);

}  // namespace cmkd
