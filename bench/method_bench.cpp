// A training step of every method on the quick suite's networks: student and loss forward, backward, optimisers, one
// thread. Maps of the teacher that are not cached are computed in the step, as in training.
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench.h"
#include "cmkd/harness/step_graphs.h"
#include "cmkd/harness/training_step.h"
#include "cmkd/methods/method.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd::bench {

namespace {

constexpr std::int64_t kBatch = 64;
constexpr std::int64_t kMethodClasses = 10;
constexpr std::int64_t kTransferClips = 2000;
constexpr std::int64_t kSamples = 8000;

std::shared_ptr<Model> make_model(const std::string& id, std::uint64_t weights) {
  const ModelInfo& info = model_registry().get(id);
  ModelConfig config;
  config.classes = kMethodClasses;
  config.frames = 8;
  config.height = config.width = 32;
  config.sample_rate = 8000;
  config.samples = kSamples;
  config.parameters = Parameters(info.parameters);
  config.parameters.set("width", std::int64_t{48});
  const ScopedSeed seed(weights);
  std::shared_ptr<Model> model = info.make(config);
  model->to(device());
  return model;
}

// One method in training, as the harness drives it.
class Driver {
 public:
  explicit Driver(const MethodInfo& info) : info_(info), teacher_(make_model("audio_cnn", 1)) {
    TrainingSetup setup;
    setup.student = info.role == MethodRole::kTeacher ? teacher_ : make_model("r2plus1d_small", 2);
    setup.student_shape = setup.student->shape();
    setup.classes = kMethodClasses;
    setup.transfer_clips = kTransferClips;
    setup.transfer_labels = at::arange(kTransferClips, at::kLong).remainder(kMethodClasses);
    setup.parameters = Parameters(info.parameters);
    setup.device = device();
    if (info.needs.teacher) {
      setup.teacher_shape = teacher_->shape();
      setup.transfer_pseudo_labels = setup.transfer_labels;
      if (info.needs.teacher_network) setup.teacher = make_model("audio_cnn", 1);
    }
    if (info.needs.second_student) setup.second_student = make_model("r2plus1d_small", 2);
    teacher_->eval();
    modality_ = setup.student_shape.modality;
    const ScopedSeed seed(3);
    training_ = info.make(setup);
    for (const ModuleGroup& group : training_->groups()) {
      group.module->train();
      if (group.name != "student") added_ += count(unique_parameters(*group.module));
    }
    optimizers_ = std::make_unique<GroupOptimizers>(training_->groups(), OptimizerOptions{});
    steps_ = std::make_unique<StepTaker>(*training_, *optimizers_);
    make_batch();
  }

  // Steps are repeated as a graph from now on.
  void use_graphs() { steps_ = std::make_unique<StepGraphs>(*training_, *optimizers_, device(), make_device_graph); }

  void step() {
    const ScopedSeed seed(static_cast<std::uint64_t>(context_.step));
    context_.phase = training_->phases().back().name;
    context_.epochs = 1000;
    context_.epoch = 500;
    context_.steps_per_epoch = 50;
    if (info_.needs.teacher_stages || info_.needs.teacher_tokens) {
      const at::NoGradGuard no_grad;
      const ModelOutput live = teacher_->forward(audio_, {info_.needs.teacher_tokens, info_.needs.teacher_stages});
      batch_.teacher.tokens = live.tokens;
      batch_.teacher.stages = live.stages;
    }
    StepRules rules;
    rules.rate = {1e-4, 1.0};
    const StepResult result = steps_->take(context_, batch_, rules);
    context_.step = context_.step + 1;
    terms_ = result.terms;
  }

  // Every term and every gradient of the student is finite, and some gradient is not zero.
  [[nodiscard]] bool is_right() const {
    for (const LossTerm& term : terms_) {
      if (!term.value.isfinite().item<bool>()) return false;
    }
    double sum = 0;
    for (const ModuleGroup& group : training_->groups()) {
      for (const at::Tensor& parameter : unique_parameters(*group.module)) {
        if (!parameter.grad().defined()) continue;
        if (!parameter.grad().isfinite().all().item<bool>()) return false;
        if (group.name == "student") sum += parameter.grad().abs().sum().item<double>();
      }
    }
    return sum > 0;
  }

  [[nodiscard]] std::int64_t parameters_added() const { return added_; }
  [[nodiscard]] std::int64_t repeated() const { return steps_->repeated(); }

 private:
  static std::int64_t count(const std::vector<at::Tensor>& parameters) {
    std::int64_t sum = 0;
    for (const at::Tensor& parameter : parameters) sum += parameter.numel();
    return sum;
  }

  void make_batch() {
    const ScopedSeed seed(4);
    batch_.clip_index = at::arange(kBatch, at::kLong);
    batch_.transfer_index = at::arange(kBatch, at::kLong);
    batch_.window = at::zeros({kBatch}, at::kLong);
    batch_.video = at::randn({kBatch, 3, 8, 32, 32});
    audio_ = at::randn({kBatch, kSamples}) * 0.1;
    if (modality_ == Modality::kAudio || info_.needs.teacher_network) batch_.audio = audio_;
    batch_.label_known =
        info_.needs.all_labels ? at::ones({kBatch}, at::kBool) : at::arange(kBatch, at::kLong).lt(kBatch / 2);
    batch_.labels =
        at::arange(kBatch, at::kLong).remainder(kMethodClasses).masked_fill(batch_.label_known.logical_not(), -1);
    audio_ = audio_.to(device());
    for (at::Tensor* tensor : {&batch_.transfer_index, &batch_.video, &batch_.label_known, &batch_.labels}) {
      *tensor = tensor->to(device());
    }
    if (batch_.audio.defined()) batch_.audio = audio_;
    if (!info_.needs.teacher) return;
    const at::NoGradGuard no_grad;
    const ModelOutput output = teacher_->forward(audio_);
    batch_.teacher.logits = output.logits;
    batch_.teacher.embedding = output.embedding;
    batch_.pseudo_labels = output.logits.argmax(1);
  }

  const MethodInfo& info_;
  std::shared_ptr<Model> teacher_;
  Modality modality_ = Modality::kVideo;
  std::unique_ptr<Training> training_;
  std::unique_ptr<GroupOptimizers> optimizers_;
  std::unique_ptr<StepTaker> steps_;
  Batch batch_;
  at::Tensor audio_;
  StepContext context_;
  std::vector<LossTerm> terms_;
  std::int64_t added_ = 0;
};

void method_step(benchmark::State& state, const MethodInfo* info, bool graphs) {
  std::optional<WorkStream> stream;
  if (graphs) stream.emplace(device());
  Driver driver(*info);
  if (graphs) driver.use_graphs();
  for (int step = 0; step < 6; ++step) driver.step();
  verify(driver.is_right(), fmt::format("a step of '{}' has no finite loss and gradient", info->id));
  verify(driver.repeated() == (graphs ? 3 : 0),
         fmt::format("{} steps of '{}' were repeated", driver.repeated(), info->id));
  for (auto _ : state) {
    driver.step();
    finish_device();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.counters["parameters_added"] = static_cast<double>(driver.parameters_added());
}

}  // namespace

void register_methods() {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    if (info.needs.both_inputs) continue;  // vision transformers: xkd_bench.cpp
    const auto add = [&](const std::string& name, bool graphs) {
      measure_on_device(benchmark::RegisterBenchmark(name.c_str(), method_step, &info, graphs));
    };
    add(kMethodStep + id, /*graphs=*/false);
    if (!device().is_cpu() && info.repeatable_step) add(kGraphStep + id, /*graphs=*/true);
  }
}

}  // namespace cmkd::bench
