// A training step of every model: forward, backward and optimiser, one thread.
#include <fmt/format.h>

#include <cmath>

#include "bench.h"
#include "model_step.h"

namespace cmkd::bench {

namespace {

// Small models at the sizes of the quick suites, large ones at those of their papers (with few clips: a CPU is
// measured).
constexpr StepInput kInputs[] = {
    {"r2plus1d_small", 64, 8, 32, 0}, {"image_cnn", 64, 1, 28, 0},   {"audio_cnn", 64, 0, 0, 16000},
    {"resnet18", 2, 1, 112, 0},       {"resnet34", 2, 1, 112, 0},    {"resnet50", 2, 1, 112, 0},
    {"r3d_18", 1, 8, 112, 0},         {"r2plus1d_18", 1, 8, 112, 0},
};

void train_step(benchmark::State& state, const StepInput& input) {
  ModelStep step(input);
  verify(std::isfinite(step.step()), std::string("the loss is not finite: ") + input.model);
  for (auto _ : state) benchmark::DoNotOptimize(step.step());
  state.SetItemsProcessed(state.iterations() * input.batch);
}

}  // namespace

void register_models() {
  for (const StepInput& input : kInputs) {
    const std::string size = input.samples > 0 ? fmt::format("{} samples", input.samples)
                                               : fmt::format("{} x {} x {}", input.frames, input.side, input.side);
    measure_on_device(benchmark::RegisterBenchmark(
        fmt::format("training step, {}, {} (clips/s)", input.model, size).c_str(), train_step, input));
  }
}

}  // namespace cmkd::bench
