// Steps of a training as a graph: recorded once, repeated with each batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cmkd/harness/training_step.h"
#include "cmkd/runtime/device_graph.h"

namespace cmkd {

// For a training whose method says that its step can be repeated (MethodInfo::repeatable_step). The first steps of a
// phase are computed as ever; the next one is recorded, and from then on the graph is repeated. A step that reads the
// epoch is recorded anew in each; one that reads the count of steps never is. Not thread-safe.
class StepGraphs final : public StepTaker {
 public:
  // Steps are taken within a WorkStream; their results hold no graph of autograd. The optimisers' rates move to the
  // device.
  StepGraphs(Training& training, GroupOptimizers& optimizers, c10::Device device, MakeDeviceGraph make);
  ~StepGraphs() override;
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  [[nodiscard]] std::int64_t repeated() const noexcept override { return repeated_; }

 private:
  // The batch's values, in the memory that the graph reads.
  const Batch& place(const StepContext& context, const Batch& batch) override;
  StepResult computed(const StepContext& context, const Batch& placed, const StepRules& rules) override;
  void begin_phase(const std::string& phase);

  c10::Device device_;
  MakeDeviceGraph make_;
  std::string phase_;
  Batch held_;
  std::int64_t computed_ = 0;  // of the phase, as ever
  bool reads_epoch_ = false;
  bool reads_step_ = false;
  std::int64_t recorded_epoch_ = -1;
  std::unique_ptr<DeviceGraph> graph_;
  StepResult result_;  // of the graph
  std::int64_t repeated_ = 0;
};

}  // namespace cmkd
