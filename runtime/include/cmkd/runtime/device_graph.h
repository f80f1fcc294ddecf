// Work that a device was given once, recorded, and given to it again as one: a CUDA graph.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/StreamGuard.h>

#include <functional>
#include <memory>
#include <optional>

namespace cmkd {

// Not thread-safe.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  // Records what `work` gives to the current stream, which must be a WorkStream's; none of it is done. Tensors that
  // `work` makes live in memory of the graph, and hold values after the first `replay`. Once.
  virtual void record(const std::function<void()>& work) = 0;
  // Does what was recorded, in the memory that it was recorded with. Draws follow the generator as it is now.
  virtual void replay() = 0;
};

using MakeDeviceGraph = std::function<std::unique_ptr<DeviceGraph>(c10::Device)>;

// Of CUDA devices. Throws Error(kUsage) for another device, and Error(kEnvironment) where this build has no graphs.
[[nodiscard]] std::unique_ptr<DeviceGraph> make_device_graph(c10::Device device);

// Throws the same, naming the setting that asks for graphs.
void require_graphs(c10::Device device, const char* setting);

// Waits until the device has done what it was given. On the CPU: nothing.
void finish_work(c10::Device device);

// A stream of its own for what the calling thread gives the device while this lives: the default one cannot be
// recorded. What was given before is done first, and what is given here before this ends. On the CPU: nothing.
class WorkStream {
 public:
  explicit WorkStream(c10::Device device);
  ~WorkStream();
  WorkStream(const WorkStream&) = delete;
  WorkStream& operator=(const WorkStream&) = delete;

 private:
  std::optional<c10::StreamGuard> guard_;
};

}  // namespace cmkd
