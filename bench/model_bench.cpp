// A training step of every model: forward, backward and optimiser, one thread.
#include <ATen/Functions.h>
#include <fmt/format.h>

#include <cmath>

#include "bench.h"
#include "cmkd/harness/optimizer.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd::bench {

namespace {

struct Input {
  const char* model;
  std::int64_t batch;
  std::int64_t frames;
  std::int64_t side;     // pixels
  std::int64_t samples;  // at 16 kHz
};

// Small models at the sizes of the quick suites, large ones at those of their papers (with few clips: a CPU is
// measured).
constexpr Input kInputs[] = {
    {"r2plus1d_small", 64, 8, 32, 0}, {"image_cnn", 64, 1, 28, 0},   {"audio_cnn", 64, 0, 0, 16000},
    {"resnet18", 2, 1, 112, 0},       {"resnet34", 2, 1, 112, 0},    {"resnet50", 2, 1, 112, 0},
    {"r3d_18", 1, 8, 112, 0},         {"r2plus1d_18", 1, 8, 112, 0},
};

void train_step(benchmark::State& state, const Input& input) {
  ModelConfig config;
  config.classes = 10;
  config.frames = input.frames;
  config.height = config.width = input.side;
  config.sample_rate = 16000;
  config.samples = input.samples;
  const ModelInfo& info = model_registry().get(input.model);
  config.parameters = Parameters(info.parameters);
  const ScopedSeed seed(1);
  const auto model = info.make(config);
  Optimizer optimizer(unique_parameters(*model), {});
  const at::Tensor data = input.samples > 0 ? at::rand({input.batch, input.samples})
                                            : at::rand({input.batch, 3, input.frames, input.side, input.side});
  const at::Tensor labels = at::arange(input.batch, at::kLong).remainder(10);
  const auto step = [&] {
    model->zero_grad();
    const at::Tensor loss = at::cross_entropy_loss(model->forward(data).logits, labels);
    loss.backward();
    optimizer.step(1e-4);
    return loss.item<double>();
  };
  verify(std::isfinite(step()), std::string("the loss is not finite: ") + input.model);
  for (auto _ : state) benchmark::DoNotOptimize(step());
  state.SetItemsProcessed(state.iterations() * input.batch);
}

}  // namespace

void register_models() {
  for (const Input& input : kInputs) {
    const std::string size = input.samples > 0 ? fmt::format("{} samples", input.samples)
                                               : fmt::format("{} x {} x {}", input.frames, input.side, input.side);
    benchmark::RegisterBenchmark(fmt::format("training step, {}, {} (clips/s)", input.model, size).c_str(), train_step,
                                 input)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace cmkd::bench
