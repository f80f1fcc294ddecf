// The gradient that a training sends to its student, against finite differences in float64.
#include "catch.h"
//
#include <cmath>

#include "tiny.h"

using namespace cmkd;

namespace {

constexpr std::int64_t kBatch = 5;

// A student whose outputs are its parameters, so that the loss is a plain function of them.
class FreeOutputs final : public Model {
 public:
  FreeOutputs() {
    logits_ = register_parameter("logits", test::noise({kBatch, test::kClasses}, 1));
    embedding_ = register_parameter("embedding", test::noise({kBatch, test::kStudentWidth}, 2));
    tokens_ = register_parameter("tokens", test::noise({kBatch, 3, test::kStudentWidth}, 3));
    first_ = register_parameter("first", test::noise({kBatch, test::kFirstStage, 4, 2, 2}, 4));
    last_ = register_parameter("last", test::noise({kBatch, test::kStudentWidth, 2, 2, 2}, 5));
  }
  ModelOutput forward(const at::Tensor& /*input*/, const OutputRequest& /*request*/) override {
    return {logits_, embedding_, tokens_, {first_, last_}};
  }
  [[nodiscard]] ModelShape shape() const override {
    return {Modality::kVideo,
            test::kClasses,
            test::kStudentWidth,
            test::kStudentWidth,
            {test::kFirstStage, test::kStudentWidth}};
  }

 private:
  at::Tensor logits_;
  at::Tensor embedding_;
  at::Tensor tokens_;
  at::Tensor first_;
  at::Tensor last_;
};

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
    if (info.stops_gradients) continue;
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
