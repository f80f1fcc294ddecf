// One step of a training on a batch that it has: the one way in which the trainer, and whoever measures it, takes one.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

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

// Takes the steps of a training, each computed when it is taken. StepGraphs repeats what it has computed. Not
// thread-safe.
class StepTaker {
 public:
  // Both outlive it.
  StepTaker(Training& training, GroupOptimizers& optimizers) : training_(training), optimizers_(optimizers) {}
  virtual ~StepTaker();
  StepTaker(const StepTaker&) = delete;
  StepTaker& operator=(const StepTaker&) = delete;

  // The rates are set, the step is computed, and the training does what it does after one. Throws what the training
  // throws, and std::runtime_error for a step that breaks the rules of step_guard.h.
  StepResult take(const StepContext& context, const Batch& batch, const StepRules& rules);

  // How many of the steps were repetitions of a graph.
  [[nodiscard]] virtual std::int64_t repeated() const noexcept { return 0; }

 protected:
  // Forward pass and terms in the rules' numbers, gradients by group, and the optimisers' step at the rates that were
  // set.
  StepResult compute(const StepContext& context, const Batch& batch, const StepRules& rules);

 private:
  // The batch, where the step reads it.
  virtual const Batch& place(const StepContext& /*context*/, const Batch& batch) { return batch; }
  // What `compute` gives, for a batch that was placed.
  virtual StepResult computed(const StepContext& context, const Batch& placed, const StepRules& rules) {
    return compute(context, placed, rules);
  }

  Training& training_;
  GroupOptimizers& optimizers_;
};

}  // namespace cmkd
