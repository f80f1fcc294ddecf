// The process-wide state of LibTorch that results depend on: threads, deterministic algorithms, global generators.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <string>

namespace cmkd {

// [runtime] of a suite file. Part of a training's key.
struct RuntimeOptions {
  int threads = 1;            // intra-op threads of this process
  bool deterministic = true;  // deterministic algorithms; no autotuning

  bool operator==(const RuntimeOptions&) const = default;
};

// Sets threads, deterministic algorithms, TF32 and autotuning. Call once per process, before the first operator;
// a second call with other options throws Error(kInternal). On CUDA it sets CUBLAS_WORKSPACE_CONFIG first.
// Freed memory then stays with the process, which asks for the same again at the next step.
void configure_runtime(const RuntimeOptions& options);

// Gives memory that was freed back to the system, which a configured process keeps: between one training and the next.
void release_freed_memory();

// "cpu", "cuda", "cuda:1", "auto" (the first CUDA device when there is one). Throws Error(kUsage) for another name and
// Error(kEnvironment) for a device that is not there.
[[nodiscard]] c10::Device parse_device(const std::string& name);

// What explains a difference in the last bits: "libtorch", "compiler", "cpu_level", "device", "threads", "blas", ….
[[nodiscard]] std::map<std::string, std::string> describe_runtime(c10::Device device);

// Seeds LibTorch's global generators (CPU, and CUDA where there is one) and puts their former state back on
// destruction. Initialisers and dropout take no generator; under this guard they draw from the named stream, and a
// method that draws more numbers shifts nobody else's.
class ScopedSeed {
 public:
  explicit ScopedSeed(std::uint64_t seed);
  ~ScopedSeed();
  ScopedSeed(const ScopedSeed&) = delete;
  ScopedSeed& operator=(const ScopedSeed&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace cmkd
