// One optimiser for each group of modules that a method trains.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cmkd/harness/optimizer.h"
#include "cmkd/methods/training.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

struct LearningRate {
  double peak = 0;
  double factor = 1;  // of the schedule
};

// Not thread-safe.
class GroupOptimizers {
 public:
  // A group that names no weight decay has the options'. Each parameter is stepped once, however often a module is
  // shared.
  GroupOptimizers(const std::vector<ModuleGroup>& groups, OptimizerOptions options);

  // As Optimizer::keep_rate_on_device.
  void keep_rates_on_device();

  // Of the groups that `phase` trains, at `rate` times each group's scale, for the steps to come.
  void set_rates(const std::vector<ModuleGroup>& groups, const std::string& phase, LearningRate rate);
  // Steps the groups that `phase` trains by their gradients. The gradient's norm over a group is cut to `clip_norm`;
  // 0: not. Nothing is read back from the device.
  void step(const std::vector<ModuleGroup>& groups, const std::string& phase, double clip_norm);

  // By "optimizer.GROUP.": `load_state` takes what `state` gave.
  [[nodiscard]] TensorMap state() const;
  void load_state(const TensorMap& tensors);

 private:
  Optimizer& of(const ModuleGroup& group);

  double weight_decay_ = 0;
  std::vector<std::pair<std::string, Optimizer>> optimizers_;  // by group
};

}  // namespace cmkd
