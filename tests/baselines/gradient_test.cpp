// The gradient that a training sends to its student, against finite differences in float64.
#include "catch.h"
//
#include <cmath>

#include "tiny.h"

using namespace cmkd;

namespace {

using test::FreeOutputs;
using test::kBatch;

Batch double_batch(const MethodInfo& info) {
  Batch batch = test::tiny_batch(info, 0, kBatch);
  for (at::Tensor* tensor : {&batch.teacher.logits, &batch.teacher.embedding}) {
    if (tensor->defined()) *tensor = tensor->to(at::kDouble);
  }
  for (at::Tensor& stage : batch.teacher.stages) stage = stage.to(at::kDouble);
  if (batch.audio.defined()) batch.audio = batch.audio.to(at::kDouble);
  return batch;
}

// Σ weight · value over the terms that train `group`.
double loss_of(Training& training, const Batch& batch, const StepContext& context, const std::string& group) {
  const at::NoGradGuard no_grad;
  const ScopedSeed seed(3);
  double sum = 0.0;
  for (const LossTerm& term : training.step(context, batch).terms) {
    for (const std::string& name : term.trains) {
      if (name == group) sum += term.weight * term.value.item<double>();
    }
  }
  return sum;
}

double gradient_error(Training& training, const Batch& batch, const StepContext& context, const ModuleGroup& group) {
  double worst = 0.0;
  double largest = 1.0;
  for (const at::Tensor& parameter : unique_parameters(*group.module)) {
    const at::Tensor flat = parameter.detach().view({-1});
    const at::Tensor gradient =
        parameter.grad().defined() ? parameter.grad().reshape({-1}).clone() : at::zeros_like(flat);
    for (std::int64_t index = 0; index < flat.numel(); ++index) {
      constexpr double kStep = 1e-5;
      flat[index] += kStep;
      const double above = loss_of(training, batch, context, group.name);
      flat[index] -= 2 * kStep;
      const double below = loss_of(training, batch, context, group.name);
      flat[index] += kStep;
      const double numeric = (above - below) / (2 * kStep);
      worst = std::max(worst, std::abs(numeric - gradient[index].item<double>()));
      largest = std::max(largest, std::abs(numeric));
    }
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("Student and module of every loss agree with finite differences, in every phase") {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    // Terms whose gradient is not that of their value, by their papers' stop-gradients: checked in files of their own.
    if (info.stops_gradients || info.role == MethodRole::kUntrained) continue;
    const auto training = test::make_tiny(info, std::make_shared<FreeOutputs>());
    const auto groups = training->groups();
    for (const ModuleGroup& group : groups) group.module->to(at::kDouble);
    const Batch batch = double_batch(info);
    for (const Phase& phase : training->phases()) {
      StepContext context;
      context.phase = phase.name;
      context.epoch = 1000;  // past every warm-up
      context.epochs = 2000;
      {
        const ScopedSeed seed(3);
        route_gradients(training->step(context, batch).terms, groups, phase.name);
      }
      for (const ModuleGroup& group : groups) {
        if (!trained_in(group, phase.name)) continue;
        INFO(id << ", phase " << phase.name << ", group " << group.name);
        CHECK(gradient_error(*training, batch, context, group) < 1e-6);
      }
    }
  }
}
