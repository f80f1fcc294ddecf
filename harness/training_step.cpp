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

StepTaker::~StepTaker() = default;

StepResult StepTaker::compute(const StepContext& context, const Batch& batch, const StepRules& rules) {
  const BatchGuard guard(batch);
  const ScopedTf32 tf32(rules.precision);
  StepResult result = terms_of(training_, context, batch, rules);
  guard.require_unchanged();
  require_scalar_terms(result.terms);
  const std::vector<ModuleGroup> groups = training_.groups();
  if (rules.look_for_strays) require_owned(result.terms, groups);
  route_gradients(result.terms, groups, context.phase);
  training_.after_backward(context);
  optimizers_.step(groups, context.phase, rules.clip_gradient_norm);
  return result;
}

StepResult StepTaker::take(const StepContext& context, const Batch& batch, const StepRules& rules) {
  optimizers_.set_rates(training_.groups(), context.phase, rules.rate);
  const Batch& placed = place(context, batch);
  StepResult result = computed(context, placed, rules);
  const BatchGuard guard(placed);
  training_.after_step(context, placed);
  guard.require_unchanged();
  return result;
}

}  // namespace cmkd
