// The optimisers of a training: one state a group, LibTorch's fused kernels, named state for checkpoints.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <vector>

#include "cmkd/methods/training.h"
#include "cmkd/runtime/tensors.h"
#include "cmkd/suites/training_budget.h"

namespace cmkd {

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdam;
  double weight_decay = 0;
  double momentum = 0.9;  // kSgd
  double beta1 = 0.9;     // kAdam, kAdamW
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool decay_matrices_only = false;  // no weight decay of parameters of one dimension
};

// Steps the given parameters by their `grad()`; a parameter without gradient is left alone. Not thread-safe.
class Optimizer {
 public:
  // `each` (beside the options): one for each parameter, or empty, when all are alike.
  Optimizer(std::vector<at::Tensor> parameters, const OptimizerOptions& options, std::vector<ParameterRule> each = {});

  // From now on the device reads the learning rate from a float32 of its own memory. A step that a graph repeats
  // (device_graph.h) then follows `set_rate`; a number of the host would stay what it was when the graph was recorded.
  void keep_rate_on_device();

  // Of the steps to come; no part of a recording.
  void set_rate(double learning_rate);
  void step(double weight_decay);

  // Momenta and step counts, as "<index>.exp_avg", …; `load_state` takes what `state` gave.
  [[nodiscard]] TensorMap state() const;
  void load_state(const TensorMap& state);

 private:
  // Those of `which`, which are positions. `Rate`: a number, or a tensor that holds it.
  template <typename Rate>
  void step_some(const std::vector<std::size_t>& which, const Rate& learning_rate, double weight_decay);

  OptimizerOptions options_;
  double rate_ = 0;
  std::map<double, at::Tensor> device_rates_;  // by the scale of a parameter; empty: the host's number is used
  std::vector<at::Tensor> parameters_;
  std::vector<ParameterRule> each_;  // as many
  std::vector<at::Tensor> first_;    // exp_avg, or the momentum buffer
  std::vector<at::Tensor> second_;   // exp_avg_sq; empty for kSgd
  std::vector<at::Tensor> steps_;    // 0-d float, how often each parameter was stepped
};

// Learning rate as a factor of its peak at `step` of `total`: linear warm-up, then the schedule.
[[nodiscard]] double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t total,
                                     std::int64_t warmup_steps);

}  // namespace cmkd
