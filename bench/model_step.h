// A training step of a model by itself: forward, cross-entropy, backward, Adam. One thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "cmkd/harness/optimizer.h"
#include "cmkd/models/model.h"

namespace cmkd::bench {

// A model and what it takes, of 10 classes.
struct StepInput {
  const char* model;
  std::int64_t batch;
  std::int64_t frames;
  std::int64_t side;         // pixels
  std::int64_t samples = 0;  // of a model that hears, at 16 kHz
};

class ModelStep {
 public:
  explicit ModelStep(const StepInput& input, bool channels_last = false);

  // On made data, always the same; the loss before the step.
  double step();
  // On `data`, as the model takes it, and labels [B] int64.
  double step(const at::Tensor& data, const at::Tensor& labels, double learning_rate);

 private:
  StepInput input_;
  std::shared_ptr<Model> model_;
  std::unique_ptr<Optimizer> optimizer_;
  at::Tensor data_;  // made at the first step that wants it
  at::Tensor labels_;
};

}  // namespace cmkd::bench
