#include "cmkd/harness/optimizer.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

Optimizer::Optimizer(std::vector<at::Tensor> parameters, const OptimizerOptions& options,
                     std::vector<ParameterRule> each)
    : options_(options), parameters_(std::move(parameters)), each_(std::move(each)) {
  if (each_.empty()) each_.resize(parameters_.size());
  if (each_.size() != parameters_.size()) {
    throw Error(ErrorKind::kInternal, {.what = "an optimiser with rules for another number of parameters"});
  }
  for (const at::Tensor& parameter : parameters_) {
    first_.push_back(at::zeros_like(parameter));
    if (options_.kind != OptimizerKind::kSgd) second_.push_back(at::zeros_like(parameter));
    steps_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
  }
}

void Optimizer::keep_rate_on_device() {
  if (parameters_.empty()) return;
  for (const ParameterRule& rule : each_) {
    device_rates_.try_emplace(rule.learning_rate_scale, at::zeros({}, parameters_[0].options().dtype(at::kFloat)));
  }
  set_rate(rate_);
}

void Optimizer::set_rate(double learning_rate) {
  rate_ = learning_rate;
  for (auto& [scale, rate] : device_rates_) rate.fill_(learning_rate * scale);
}

void Optimizer::step(double weight_decay) {
  // Those of one scale and decay are stepped by one call.
  std::map<std::pair<double, bool>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    const bool decays = each_[i].decays && !(options_.decay_matrices_only && parameters_[i].dim() <= 1);
    alike[{each_[i].learning_rate_scale, decays}].push_back(i);
  }
  for (const auto& [rule, which] : alike) {
    const auto& [scale, decays] = rule;
    const double decay = decays ? weight_decay : 0;
    if (device_rates_.empty()) {
      step_some(which, rate_ * scale, decay);
    } else {
      step_some(which, device_rates_.at(scale), decay);
    }
  }
}

template <typename Rate>
void Optimizer::step_some(const std::vector<std::size_t>& which, const Rate& learning_rate, double weight_decay) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> first;
  std::vector<at::Tensor> second;
  std::vector<at::Tensor> steps;
  for (const std::size_t i : which) {
    parameters.push_back(parameters_[i]);
    gradients.push_back(parameters_[i].grad());
    first.push_back(first_[i]);
    if (!second_.empty()) second.push_back(second_[i]);
    steps.push_back(steps_[i]);
  }
  for (at::Tensor& count : steps) count.add_(1);
  if (options_.kind == OptimizerKind::kSgd) {
    // A zero buffer makes the first step momentum · 0 + gradient: the same as the kernel's own first step. Without
    // momentum the kernel wants no buffers.
    if (options_.momentum == 0) first.clear();
    at::_fused_sgd_(parameters, gradients, first, weight_decay, options_.momentum, learning_rate,
                    /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false);
  } else if (options_.kind == OptimizerKind::kAdamW) {
    at::_fused_adamw_(parameters, gradients, first, second, {}, steps, learning_rate, options_.beta1, options_.beta2,
                      weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  } else {
    at::_fused_adam_(parameters, gradients, first, second, {}, steps, learning_rate, options_.beta1, options_.beta2,
                     weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
}

TensorMap Optimizer::state() const {
  TensorMap state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string index = std::to_string(i);
    state.emplace(index + ".exp_avg", first_[i]);
    if (!second_.empty()) state.emplace(index + ".exp_avg_sq", second_[i]);
    state.emplace(index + ".step", steps_[i]);
  }
  return state;
}

void Optimizer::load_state(const TensorMap& state) { copy_state(state, this->state(), "the checkpoint's optimiser"); }

double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t total, std::int64_t warmup_steps) {
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const double progress = total <= warmup_steps
                              ? 1.0
                              : static_cast<double>(step - warmup_steps) / static_cast<double>(total - warmup_steps);
  switch (schedule) {
    case Schedule::kCosine:
      return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
    case Schedule::kStep:
      return progress < 0.75 ? 1.0 : 0.1;
    case Schedule::kConstant:
      break;
  }
  return 1.0;
}

}  // namespace cmkd
