#include "cmkd/runtime/determinism.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <fmt/format.h>
#include <malloc.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <cstdlib>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/runtime/precision.h"

namespace cmkd {

namespace {

std::optional<RuntimeOptions>& configured() {
  static std::optional<RuntimeOptions> options;
  return options;
}

// A step frees what the next one asks for again. The C library gives large blocks back to the kernel in between, and
// each page then costs a fault: up to a quarter of a step (docs/measurements.md). Nothing that is computed depends on
// it.
void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

}  // namespace

void release_freed_memory() {
#ifdef __GLIBC__
  (void)::malloc_trim(0);
#endif
}

void configure_runtime(const RuntimeOptions& options) {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  if (const auto& earlier = configured()) {
    if (*earlier == options) return;
    throw Error(ErrorKind::kInternal, {.what = "the runtime is configured twice, differently"});
  }
  configured() = options;
  keep_freed_memory();
  const bool deterministic = options.deterministic;
  // cuBLAS reads this when its first handle is made: a fixed workspace makes its reductions repeatable.
  if (deterministic) ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  at::set_num_threads(options.threads);
  at::set_num_interop_threads(1);
  at::globalContext().setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  at::globalContext().setDeterministicCuDNN(deterministic);
  at::globalContext().setBenchmarkCuDNN(!deterministic);
  allow_tf32(false);  // only where a step asks for it: ScopedTf32
}

c10::Device parse_device(const std::string& name) {
  if (name == "cpu") return {c10::kCPU};
  const auto cuda_devices = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (name == "auto") return cuda_devices > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  int index = -1;
  if (name == "cuda") {
    index = 0;
  } else if (name.starts_with("cuda:") && name.size() > 5 &&
             name.find_first_not_of("0123456789", 5) == std::string::npos) {
    index = std::atoi(name.c_str() + 5);
  } else {
    throw Error(ErrorKind::kUsage, {.what = "unknown device '" + name + "'", .allowed = "auto, cpu, cuda, cuda:N"});
  }
  if (index >= cuda_devices) {
    throw Error(
        ErrorKind::kEnvironment,
        {.what = "device '" + name + "' is not there: LibTorch sees " + std::to_string(cuda_devices) + " CUDA devices",
         .fix = "use --device cpu, or install a CUDA build of LibTorch ('cmkd doctor' tells)"});
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

std::map<std::string, std::string> describe_runtime(c10::Device device) {
  std::map<std::string, std::string> values;
  values["libtorch"] = TORCH_VERSION;
  values["cpu_level"] = at::get_cpu_capability();
  values["device"] = device.str();
  values["threads"] = std::to_string(at::get_num_threads());
  values["blas"] = at::globalContext().hasMKL() ? "MKL" : "other";
  values["deterministic"] = at::globalContext().deterministicAlgorithms() ? "true" : "false";
  values["compiler"] =
#ifdef __clang__
      fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
      fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
  return values;
}

struct ScopedSeed::State {
  struct Saved {
    at::Generator generator;
    at::Tensor state;
  };
  std::vector<Saved> saved;
};

ScopedSeed::ScopedSeed(std::uint64_t seed) : state_(new State) {
  std::vector<at::Generator> generators{at::detail::getDefaultCPUGenerator()};
  if (torch::cuda::is_available()) {
    const c10::DeviceIndex devices = torch::cuda::device_count();
    for (c10::DeviceIndex i = 0; i < devices; ++i) {
      const c10::Device device(c10::kCUDA, i);
      generators.push_back(at::globalContext().defaultGenerator(device));
    }
  }
  for (at::Generator& generator : generators) {
    const std::scoped_lock lock(generator.mutex());
    state_->saved.push_back({generator, generator.get_state()});
    generator.set_current_seed(seed);
  }
}

ScopedSeed::~ScopedSeed() {
  for (State::Saved& saved : state_->saved) {
    const std::scoped_lock lock(saved.generator.mutex());
    saved.generator.set_state(saved.state);
  }
  delete state_;
}

}  // namespace cmkd
