// A graph of a device that has none: the operators that a step calls, kept with their tensors and called again on them.
// What a CUDA graph would repeat, this repeats: numbers of the host, shapes and memory stay as they were recorded.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <functional>
#include <memory>
#include <vector>

#include "cmkd/runtime/device_graph.h"

namespace cmkd::test {

// On the CPU. As on CUDA, an operator whose result the host reads is refused within a recording.
class OperatorGraph final : public DeviceGraph {
 public:
  void record(const std::function<void()>& work) override;
  void replay() override;

  // Those of all graphs so far.
  [[nodiscard]] static int recordings();

  struct Call {
    c10::OperatorHandle op;
    std::vector<c10::IValue> inputs;
    std::vector<c10::IValue> outputs;
  };

 private:
  std::vector<Call> calls_;
};

// To be given to a run in the place of make_device_graph.
[[nodiscard]] inline std::unique_ptr<DeviceGraph> make_operator_graph(c10::Device /*device*/) {
  return std::make_unique<OperatorGraph>();
}

}  // namespace cmkd::test
