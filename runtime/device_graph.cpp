#include "cmkd/runtime/device_graph.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <exception>
#include <string>

#include "cmkd/core/error.h"

// LibTorch 2.12 and newer have graphs of any device; before, those of CUDA need its headers (cmake/LibTorch.cmake).
#if __has_include(<ATen/accelerator/Graph.h>)
#include <ATen/accelerator/Graph.h>
#elif defined(CMKD_CUDA_HEADERS)
#include <ATen/cuda/CUDAGraph.h>
#endif

namespace cmkd {

namespace {

// Other threads go on making batches meanwhile: only what this one does may spoil the recording.
#if __has_include(<ATen/accelerator/Graph.h>)
using LibTorchGraph = at::accelerator::Graph;
bool has_graphs(c10::Device device) { return at::has_graph_impl(device.type()); }
void begin(LibTorchGraph& graph) { graph.capture_begin({0, 0}, at::GraphCaptureMode::ThreadLocal); }
#elif defined(CMKD_CUDA_HEADERS)
using LibTorchGraph = at::cuda::CUDAGraph;
bool has_graphs(c10::Device device) { return device.is_cuda(); }
void begin(LibTorchGraph& graph) { graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal); }
#else
struct LibTorchGraph {
  void capture_end() {}
  void replay() {}
};
bool has_graphs(c10::Device /*device*/) { return false; }
void begin(LibTorchGraph& /*graph*/) {}
#endif

// For destructors: what a device has met is thrown by the next call that waits for it.
template <typename Work>
void quietly(const Work& work) noexcept {
  try {
    work();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
  }
}

class RecordedGraph final : public DeviceGraph {
 public:
  explicit RecordedGraph(c10::Device device) : device_(device) {}
  // Its memory is not to be given away while a repetition uses it.
  ~RecordedGraph() override {
    quietly([this] { finish_work(device_); });
  }
  RecordedGraph(const RecordedGraph&) = delete;
  RecordedGraph& operator=(const RecordedGraph&) = delete;

  void record(const std::function<void()>& work) override {
    finish_work(device_);
    begin(graph_);
    try {
      work();
    } catch (...) {
      // What went wrong within the recording is what is told, not that it cannot be ended.
      quietly([this] { graph_.capture_end(); });
      throw;
    }
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  c10::Device device_;
  LibTorchGraph graph_;
};

Error no_graphs(c10::Device device, const std::string& where) {
  if (!device.is_cuda()) {
    return {ErrorKind::kUsage,
            {.what = "device '" + device.str() + "' has no graphs", .where = where, .allowed = "--device cuda"}};
  }
  return {ErrorKind::kEnvironment,
          {.what = "this build has no CUDA graphs: its LibTorch is older than 2.12, and CUDA's headers were not found",
           .where = where,
           .fix = "build with a newer LibTorch, or with the CUDA toolkit of this one"}};
}

}  // namespace

std::unique_ptr<DeviceGraph> make_device_graph(c10::Device device) {
  require_graphs(device, "training.graphs");
  return std::make_unique<RecordedGraph>(device);
}

void require_graphs(c10::Device device, const char* setting) {
  if (!device.is_cuda() || !has_graphs(device)) throw no_graphs(device, std::string(setting) + " = true");
}

void finish_work(c10::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

WorkStream::WorkStream(c10::Device device) {
  if (device.is_cpu()) return;
  finish_work(device);
  guard_.emplace(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device));
}

WorkStream::~WorkStream() {
  if (guard_) quietly([this] { guard_->current_stream().synchronize(); });
}

}  // namespace cmkd
