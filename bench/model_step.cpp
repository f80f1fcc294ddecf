#include "model_step.h"

#include <ATen/Functions.h>

#include "bench.h"
#include "cmkd/models/memory_layout.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd::bench {

ModelStep::ModelStep(const StepInput& input, bool channels_last) : input_(input) {
  ModelConfig config;
  config.classes = 10;
  config.frames = input.frames;
  config.height = config.width = input.side;
  config.sample_rate = 16000;
  config.samples = input.samples;
  const ModelInfo& info = model_registry().get(input.model);
  config.parameters = Parameters(info.parameters);
  const ScopedSeed seed(1);
  model_ = info.make(config);
  if (channels_last) lay_channels_last(*model_);
  model_->to(device());
  optimizer_ = std::make_unique<Optimizer>(unique_parameters(*model_), OptimizerOptions{});
}

double ModelStep::step() {
  if (!data_.defined()) {
    const ScopedSeed seed(2);
    data_ = input_.samples > 0 ? at::rand({input_.batch, input_.samples})
                               : at::rand({input_.batch, 3, input_.frames, input_.side, input_.side});
    data_ = data_.to(device());
    labels_ = at::arange(input_.batch, at::kLong).remainder(10).to(device());
  }
  return step(data_, labels_, 1e-4);
}

double ModelStep::step(const at::Tensor& data, const at::Tensor& labels, double learning_rate) {
  model_->zero_grad();
  const at::Tensor loss = at::cross_entropy_loss(model_->forward(data).logits, labels);
  loss.backward();
  optimizer_->set_rate(learning_rate);
  optimizer_->step(/*weight_decay=*/0);
  return loss.item<double>();
}

}  // namespace cmkd::bench
