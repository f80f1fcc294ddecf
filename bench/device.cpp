// Where steps are computed, and which time counts there.
#include <string>

#include "bench.h"
#include "cmkd/core/error.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/device_graph.h"

namespace cmkd::bench {

namespace {

c10::Device& chosen_device() {
  static c10::Device device = c10::kCPU;
  return device;
}

}  // namespace

c10::Device device() { return chosen_device(); }

void choose_device(const std::string& name) {
  try {
    if (!name.empty()) chosen_device() = parse_device(name);
  } catch (const Error& error) {
    refuse_option("--device=" + name + ": " + error.what());
  }
}

void finish_device() { finish_work(device()); }

void measure_on_device(benchmark::internal::Benchmark* registered) {
  registered->Unit(benchmark::kMillisecond);
  if (!device().is_cpu()) registered->UseRealTime();
}

}  // namespace cmkd::bench
