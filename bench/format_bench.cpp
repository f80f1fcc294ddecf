// A training step in the memory formats that a suite can choose, float32, one thread.
#include <ATen/Functions.h>
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <optional>

#include "bench.h"
#include "cmkd/harness/optimizer.h"
#include "cmkd/models/memory_layout.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd::bench {

namespace {

struct FormatInput {
  const char* model;
  std::int64_t batch;
  std::int64_t frames;
  std::int64_t side;  // pixels
};
constexpr FormatInput kFormatInputs[] = {
    {"r2plus1d_small", 32, 8, 32}, {"image_cnn", 64, 1, 28}, {"resnet18", 4, 1, 112}, {"r2plus1d_18", 1, 8, 112}};

struct StepFormat {
  const char* name;
  bool channels_last;
};
constexpr StepFormat kStepFormats[] = {{"contiguous", false}, {"channels last", true}};

class FormattedStep {
 public:
  FormattedStep(const FormatInput& input, const StepFormat& format) {
    ModelConfig config;
    config.classes = 10;
    config.frames = input.frames;
    config.height = config.width = input.side;
    const ModelInfo& info = model_registry().get(input.model);
    config.parameters = Parameters(info.parameters);
    const ScopedSeed seed(1);
    model_ = info.make(config);
    if (format.channels_last) lay_channels_last(*model_);
    optimizer_.emplace(unique_parameters(*model_), OptimizerOptions{});
    data_ = at::rand({input.batch, 3, input.frames, input.side, input.side});
    labels_ = at::arange(input.batch, at::kLong).remainder(10);
  }

  double step() {
    model_->zero_grad();
    const at::Tensor loss = at::cross_entropy_loss(model_->forward(data_).logits, labels_);
    loss.backward();
    optimizer_->step(1e-4);
    return loss.item<double>();
  }

 private:
  std::shared_ptr<Model> model_;
  std::optional<Optimizer> optimizer_;
  at::Tensor data_;
  at::Tensor labels_;
};

// The first loss is that of the contiguous format but for rounding; the optimiser makes the difference larger from step
// to step.
void verify_format(const FormatInput& input, const StepFormat& format) {
  FormattedStep other(input, format);
  const double expected = FormattedStep(input, kStepFormats[0]).step();
  const double got = other.step();
  verify(std::abs(got - expected) <= 1e-4 * expected,
         fmt::format("{}, {}: the first loss is {}, not {}", input.model, format.name, got, expected));
  verify(std::isfinite(other.step()), fmt::format("{}, {}: the second loss is not finite", input.model, format.name));
}

void format_step(benchmark::State& state, const FormatInput& input, const StepFormat& format) {
  verify_format(input, format);
  FormattedStep step(input, format);
  (void)step.step();
  for (auto _ : state) benchmark::DoNotOptimize(step.step());
  state.SetItemsProcessed(state.iterations() * input.batch);
}

}  // namespace

void register_formats() {
  for (const FormatInput& input : kFormatInputs) {
    for (const StepFormat& format : kStepFormats) {
      benchmark::RegisterBenchmark(fmt::format("{}{}, {}", kFormatStep, input.model, format.name).c_str(), format_step,
                                   input, format)
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace cmkd::bench
