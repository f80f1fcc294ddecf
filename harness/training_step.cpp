#include "cmkd/harness/training_step.h"

#include <vector>

#include "cmkd/harness/step_guard.h"

namespace cmkd {

namespace {

StepResult terms_of(Training& training, const StepContext& context, const Batch& batch, const StepRules& rules) {
  const ScopedAutocast autocast(rules.precision, rules.device);
  return training.step(context, batch);
}

}  // namespace

StepResult compute_step(Training& training, GroupOptimizers& optimizers, const StepContext& context, const Batch& batch,
                        const StepRules& rules) {
  const BatchGuard guard(batch);
  const ScopedTf32 tf32(rules.precision);
  StepResult result = terms_of(training, context, batch, rules);
  guard.require_unchanged();
  require_scalar_terms(result.terms);
  const std::vector<ModuleGroup> groups = training.groups();
  if (rules.look_for_strays) require_owned(result.terms, groups);
  route_gradients(result.terms, groups, context.phase);
  training.after_backward(context);
  optimizers.step(groups, context.phase, rules.clip_gradient_norm);
  return result;
}

StepResult take_step(Training& training, GroupOptimizers& optimizers, const StepContext& context, const Batch& batch,
                     const StepRules& rules) {
  const BatchGuard guard(batch);
  optimizers.set_rates(training.groups(), context.phase, rules.rate);
  StepResult result = compute_step(training, optimizers, context, batch, rules);
  training.after_step(context, batch);
  guard.require_unchanged();
  return result;
}

}  // namespace cmkd
