#include "cmkd/harness/group_optimizers.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <algorithm>

namespace cmkd {

namespace {

std::string optimizer_prefix(const std::string& group) { return "optimizer." + group + "."; }

// To a norm over all of at most `most`, by the operators of torch::nn::utils::clip_grad_norm_, which besides reads the
// norm back to the host: a device would wait at every step.
void cut_gradients(const std::vector<at::Tensor>& parameters, double most) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> norms;
  for (const at::Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    gradients.push_back(parameter.grad());
    norms.push_back(parameter.grad().norm(2.0));
  }
  if (gradients.empty()) return;
  const at::Tensor norm = norms.size() == 1 ? norms.front() : at::stack(norms).norm(2.0);
  const at::Tensor factor = (most / (norm + 1e-6)).clamp_max(1.0);
  for (at::Tensor& gradient : gradients) gradient.mul_(factor);
}

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

Optimizer& GroupOptimizers::of(const ModuleGroup& group) {
  return std::ranges::find(optimizers_, group.name, &std::pair<std::string, Optimizer>::first)->second;
}

void GroupOptimizers::keep_rates_on_device() {
  for (auto& [name, optimizer] : optimizers_) optimizer.keep_rate_on_device();
}

void GroupOptimizers::set_rates(const std::vector<ModuleGroup>& groups, const std::string& phase, LearningRate rate) {
  for (const ModuleGroup& group : groups) {
    if (trained_in(group, phase)) of(group).set_rate(rate.peak * group.learning_rate_scale * rate.factor);
  }
}

void GroupOptimizers::step(const std::vector<ModuleGroup>& groups, const std::string& phase, double clip_norm) {
  for (const ModuleGroup& group : groups) {
    if (!trained_in(group, phase)) continue;
    if (clip_norm > 0) cut_gradients(unique_parameters(*group.module), clip_norm);
    of(group).step(group.weight_decay.value_or(weight_decay_));
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
