// A training step in the memory formats that a suite can choose, float32, one thread.
#include <fmt/format.h>

#include <cmath>

#include "bench.h"
#include "model_step.h"

namespace cmkd::bench {

namespace {

constexpr StepInput kFormatInputs[] = {
    {"r2plus1d_small", 32, 8, 32}, {"image_cnn", 64, 1, 28}, {"resnet18", 4, 1, 112}, {"r2plus1d_18", 1, 8, 112}};

struct StepFormat {
  const char* name;
  bool channels_last;
};
constexpr StepFormat kStepFormats[] = {{"contiguous", false}, {"channels last", true}};

// The first loss is that of the contiguous format but for rounding; the optimiser makes the difference larger from step
// to step.
void verify_format(const StepInput& input, const StepFormat& format) {
  ModelStep other(input, format.channels_last);
  const double expected = ModelStep(input).step();
  const double got = other.step();
  verify(std::abs(got - expected) <= 1e-4 * expected,
         fmt::format("{}, {}: the first loss is {}, not {}", input.model, format.name, got, expected));
  verify(std::isfinite(other.step()), fmt::format("{}, {}: the second loss is not finite", input.model, format.name));
}

void format_step(benchmark::State& state, const StepInput& input, const StepFormat& format) {
  verify_format(input, format);
  ModelStep step(input, format.channels_last);
  (void)step.step();
  for (auto _ : state) benchmark::DoNotOptimize(step.step());
  state.SetItemsProcessed(state.iterations() * input.batch);
}

}  // namespace

void register_formats() {
  for (const StepInput& input : kFormatInputs) {
    for (const StepFormat& format : kStepFormats) {
      measure_on_device(benchmark::RegisterBenchmark(
          fmt::format("{}{}, {}", kFormatStep, input.model, format.name).c_str(), format_step, input, format));
    }
  }
}

}  // namespace cmkd::bench
