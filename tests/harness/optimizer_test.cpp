// The optimisers against their update rules worked out in double precision, and the schedules by hand.
#include "catch.h"
//
#include <ATen/Functions.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/harness/group_optimizers.h"
#include "cmkd/harness/optimizer.h"

using namespace cmkd;

namespace {

const at::Tensor& fixed_gradient() {
  static const at::Tensor gradient = at::tensor({0.5, -1.0, 2.0}, at::kDouble);
  return gradient;
}

at::Tensor parameter_with_gradient() {
  at::Tensor parameter = at::tensor({1.0, 2.0, -3.0}, at::kDouble).requires_grad_();
  parameter.mutable_grad() = fixed_gradient().clone();
  return parameter;
}

// `rule(parameter, gradient, step)` gives the next value; the gradient stays the same.
template <typename Rule>
void check_rule(const OptimizerOptions& options, double learning_rate, Rule rule) {
  at::Tensor parameter = parameter_with_gradient();
  Optimizer optimizer({parameter}, options);
  std::vector<double> expected{1.0, 2.0, -3.0};
  for (int step = 1; step <= 4; ++step) {
    optimizer.set_rate(learning_rate);
    optimizer.step(options.weight_decay);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = rule(i, expected[i], fixed_gradient()[static_cast<std::int64_t>(i)].item<double>(), step);
      CAPTURE(to_string(options.kind), step, i);
      CHECK(parameter[static_cast<std::int64_t>(i)].item<double>() == Approx(expected[i]).epsilon(1e-9));
    }
  }
}

std::shared_ptr<torch::nn::Linear::ContainedType> linear_with_gradient(double gradient) {
  auto linear = std::make_shared<torch::nn::LinearImpl>(torch::nn::LinearOptions(2, 1).bias(false));
  linear->weight.set_data(at::zeros({1, 2}));
  linear->weight.mutable_grad() = at::full({1, 2}, gradient);
  return linear;
}

double weight_of(const std::shared_ptr<torch::nn::LinearImpl>& linear) { return linear->weight[0][0].item<double>(); }

}  // namespace

TEST_CASE("sgd with momentum and weight decay follows its rule") {
  std::vector<double> buffer(3, 0.0);
  check_rule({.kind = OptimizerKind::kSgd, .weight_decay = 0.1, .momentum = 0.8}, 0.05,
             [&](std::size_t i, double value, double gradient, int) {
               buffer[i] = 0.8 * buffer[i] + gradient + 0.1 * value;
               return value - 0.05 * buffer[i];
             });
}

TEST_CASE("adam adds its weight decay to the gradient, adamw takes it off the weights") {
  for (const bool decoupled : {false, true}) {
    std::vector<double> first(3, 0.0);
    std::vector<double> second(3, 0.0);
    check_rule({.kind = decoupled ? OptimizerKind::kAdamW : OptimizerKind::kAdam, .weight_decay = 0.1}, 0.05,
               [&](std::size_t i, double value, double gradient, int step) {
                 if (decoupled) value *= 1 - 0.05 * 0.1;
                 if (!decoupled) gradient += 0.1 * value;
                 first[i] = 0.9 * first[i] + 0.1 * gradient;
                 second[i] = 0.999 * second[i] + 0.001 * gradient * gradient;
                 const double mean = first[i] / (1 - std::pow(0.9, step));
                 const double variance = second[i] / (1 - std::pow(0.999, step));
                 return value - 0.05 * mean / (std::sqrt(variance) + 1e-8);
               });
  }
}

TEST_CASE("a parameter without a gradient is left alone, and an optimiser's state takes up where it was") {
  for (const OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    CAPTURE(to_string(kind));
    at::Tensor whole = parameter_with_gradient();
    at::Tensor idle = at::ones({2}, at::kDouble);
    Optimizer uninterrupted({whole, idle}, {.kind = kind});
    at::Tensor half = parameter_with_gradient();
    Optimizer before({half, idle.clone()}, {.kind = kind});
    for (Optimizer* optimizer : {&uninterrupted, &before}) optimizer->set_rate(0.1);
    for (int step = 0; step < 3; ++step) uninterrupted.step(0);
    before.step(0);
    TensorMap kept;
    for (const auto& [name, tensor] : before.state()) kept.emplace(name, tensor.clone());
    at::Tensor resumed = half.detach().clone().requires_grad_();
    resumed.mutable_grad() = fixed_gradient().clone();
    Optimizer after({resumed, idle.clone()}, {.kind = kind});
    after.load_state(kept);
    after.set_rate(0.1);
    after.step(0);
    after.step(0);
    CHECK(at::equal(resumed, whole));
    CHECK(at::equal(idle, at::ones({2}, at::kDouble)));
  }
}

TEST_CASE("a state of other parameters is refused") {
  Optimizer two({parameter_with_gradient(), parameter_with_gradient()}, {.kind = OptimizerKind::kAdam});
  Optimizer one({parameter_with_gradient()}, {.kind = OptimizerKind::kAdam});
  CHECK_THROWS_AS(two.load_state(one.state()), Error);
}

TEST_CASE("schedules: warm-up, then cosine, step or constant") {
  CHECK(schedule_factor(Schedule::kConstant, 0, 10, 0) == 1.0);
  CHECK(schedule_factor(Schedule::kConstant, 9, 10, 0) == 1.0);
  CHECK(schedule_factor(Schedule::kCosine, 0, 10, 0) == 1.0);
  CHECK(schedule_factor(Schedule::kCosine, 5, 10, 0) == Approx(0.5));
  CHECK(schedule_factor(Schedule::kCosine, 9, 10, 0) == Approx(0.5 * (1 + std::cos(std::acos(-1.0) * 0.9))));
  CHECK(schedule_factor(Schedule::kStep, 7, 10, 0) == 1.0);
  CHECK(schedule_factor(Schedule::kStep, 8, 10, 0) == 0.1);
  // Of four steps of warm-up the first has a quarter, the last all; then the cosine goes over what is left.
  CHECK(schedule_factor(Schedule::kCosine, 0, 12, 4) == 0.25);
  CHECK(schedule_factor(Schedule::kCosine, 3, 12, 4) == 1.0);
  CHECK(schedule_factor(Schedule::kCosine, 4, 12, 4) == 1.0);
  CHECK(schedule_factor(Schedule::kCosine, 8, 12, 4) == Approx(0.5));
}

TEST_CASE("groups are stepped in their phases, at their scale and weight decay, with their gradients cut") {
  const auto student = linear_with_gradient(1.0);
  const auto method = linear_with_gradient(1.0);
  std::vector<ModuleGroup> groups(2);
  groups[0] = {.name = "student", .module = student, .weight_decay = {}, .phases = {}};
  groups[1] = {
      .name = "method", .module = method, .learning_rate_scale = 3.0, .weight_decay = 0.5, .phases = {"second"}};
  GroupOptimizers optimizers(groups, {.kind = OptimizerKind::kSgd, .weight_decay = 0, .momentum = 0});
  optimizers.set_rates(groups, "first", {.peak = 0.1, .factor = 0.5});
  optimizers.step(groups, "first", 0);
  CHECK(weight_of(student) == Approx(-0.05));
  CHECK(weight_of(method) == 0.0);
  optimizers.set_rates(groups, "second", {.peak = 0.1, .factor = 0.5});
  optimizers.step(groups, "second", 0);
  CHECK(weight_of(student) == Approx(-0.1));
  CHECK(weight_of(method) == Approx(-0.15));
  // Now its own weight decay, 0.5 of −0.15, is part of its gradient.
  optimizers.set_rates({groups[1]}, "second", {.peak = 0.1});
  optimizers.step({groups[1]}, "second", 0);
  CHECK(weight_of(method) == Approx(-0.15 - 0.3 * (1.0 - 0.075)));
  // The gradient [1, 1] has the norm √2; cut to 0.1 it is [0.0707, 0.0707].
  optimizers.set_rates({groups[0]}, "second", {.peak = 1.0});
  optimizers.step({groups[0]}, "second", 0.1);
  CHECK(weight_of(student) == Approx(-0.1 - 0.1 / std::sqrt(2.0)).epsilon(1e-4));
}

TEST_CASE("a group's rule gives each parameter its rate and decay by name, whatever the optimiser's state is called") {
  // Weight 2 and bias 3, gradients 1; weight decay 0.1 of sgd is part of the gradient.
  const auto linear = std::make_shared<torch::nn::LinearImpl>(torch::nn::LinearOptions(1, 1));
  linear->weight.set_data(at::full({1, 1}, 2.0));
  linear->bias.set_data(at::full({1}, 3.0));
  linear->weight.mutable_grad() = at::ones({1, 1});
  linear->bias.mutable_grad() = at::ones({1});
  std::vector<ModuleGroup> groups(1);
  groups[0] = {.name = "student", .module = linear, .learning_rate_scale = 2.0, .weight_decay = {}, .phases = {}};
  groups[0].rule_of = [](const std::string& name) {
    return name == "weight" ? ParameterRule{0.25, true} : ParameterRule{1.0, false};
  };
  GroupOptimizers optimizers(groups, {.kind = OptimizerKind::kSgd, .weight_decay = 0.1, .momentum = 0});
  optimizers.set_rates(groups, "main", {.peak = 0.1, .factor = 0.5});
  optimizers.step(groups, "main", 0);
  // 0.1 · 0.5 · 2 = 0.1 times the rule's: 2 − 0.025 (1 + 0.1 · 2) and 3 − 0.1 · 1.
  CHECK(linear->weight.item<double>() == Approx(1.97));
  CHECK(linear->bias.item<double>() == Approx(2.9));
  CHECK(optimizers.state().contains("optimizer.student.0.step"));
  CHECK(optimizers.state().contains("optimizer.student.1.step"));
  Optimizer alike({at::ones({1}), at::ones({1})}, {.kind = OptimizerKind::kAdam});
  CHECK(alike.state().size() == 6);
  CHECK_THROWS_AS(Optimizer({at::ones({1})}, {.kind = OptimizerKind::kAdam}, std::vector<ParameterRule>(2)), Error);
}

TEST_CASE("the state of all groups is kept by their names") {
  const std::vector<ModuleGroup> groups{
      {.name = "student", .module = linear_with_gradient(1.0), .weight_decay = {}, .phases = {}},
      {.name = "method", .module = linear_with_gradient(2.0), .weight_decay = {}, .phases = {}}};
  GroupOptimizers optimizers(groups, {.kind = OptimizerKind::kAdam});
  optimizers.set_rates(groups, "main", {.peak = 0.1});
  optimizers.step(groups, "main", 0);
  const TensorMap state = optimizers.state();
  CHECK(state.contains("optimizer.student.0.exp_avg"));
  CHECK(state.contains("optimizer.method.0.exp_avg_sq"));
  CHECK(state.size() == 6);
}
