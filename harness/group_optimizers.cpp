#include "cmkd/harness/group_optimizers.h"

#include <torch/nn/module.h>
#include <torch/nn/utils/clip_grad.h>

#include <algorithm>

namespace cmkd {

namespace {

std::string optimizer_prefix(const std::string& group) { return "optimizer." + group + "."; }

}  // namespace

GroupOptimizers::GroupOptimizers(const std::vector<ModuleGroup>& groups, OptimizerOptions options)
    : weight_decay_(options.weight_decay) {
  for (const ModuleGroup& group : groups) {
    options.decay_matrices_only = group.decay_matrices_only;
    options.beta1 = group.betas.gradient;
    options.beta2 = group.betas.squared;
    std::vector<at::Tensor> parameters;
    std::vector<ParameterRule> each;
    for (const auto& [name, parameter] : unique_named_parameters(*group.module)) {
      parameters.push_back(parameter);
      each.push_back(group.rule_of ? group.rule_of(name) : ParameterRule{});
    }
    optimizers_.emplace_back(group.name, Optimizer(std::move(parameters), options, std::move(each)));
  }
}

void GroupOptimizers::step(const std::vector<ModuleGroup>& groups, const std::string& phase, LearningRate rate,
                           double clip_norm) {
  for (const ModuleGroup& group : groups) {
    if (!trained_in(group, phase)) continue;
    if (clip_norm > 0) torch::nn::utils::clip_grad_norm_(unique_parameters(*group.module), clip_norm);
    const auto found = std::ranges::find(optimizers_, group.name, &std::pair<std::string, Optimizer>::first);
    found->second.step(rate.peak * group.learning_rate_scale * rate.factor, group.weight_decay.value_or(weight_decay_));
  }
}

TensorMap GroupOptimizers::state() const {
  TensorMap tensors;
  for (const auto& [name, optimizer] : optimizers_) add_with_prefix(tensors, optimizer_prefix(name), optimizer.state());
  return tensors;
}

void GroupOptimizers::load_state(const TensorMap& tensors) {
  for (auto& [name, optimizer] : optimizers_) optimizer.load_state(with_prefix(tensors, optimizer_prefix(name)));
}

}  // namespace cmkd
