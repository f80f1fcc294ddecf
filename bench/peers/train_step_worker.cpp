// This suite's training step beside PyTorch's (train_step.py): one JSON object a line on standard input, one answer a
// line on standard output.
//
// {"do": "hello"}                  -> versions
// {"do": "make", "case", "batch", "device", "threads", "folder"}
//     -> clips (of a step), rate, weight_decay, runtime; writes the first weights of every trained group
//        (weights.safetensors, "GROUP.parameter") and the one batch of all steps (batch.safetensors) into `folder`
// {"do": "steps", "count"}         -> terms (names, in order), weights, losses (of each step, by term), seconds, cpu,
//        faults
//
// A step is what the trainer does with a batch that it has, in deterministic mode as a training runs: guards, forward,
// gradients by group, optimisers, sums of the epoch. Losses are read after the clock, which waits for the device.
#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/harness/epoch_log.h"
#include "cmkd/harness/training_step.h"
#include "cmkd/methods/method.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/device_graph.h"
#include "worker.h"

namespace cmkd::peers {

namespace {

using nlohmann::json;

constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kSamples = 8000;  // a second for the teacher
constexpr double kRate = 3e-4;           // Adam's, and its weight decay: MNF + CSC's own (arXiv 2304.07775)
constexpr double kWeightDecay = 5e-4;

struct Case {
  const char* name;
  const char* model;
  const char* method;
  std::int64_t width;  // of the model's parameter; 0: it has none
  std::int64_t frames;
  std::int64_t side;  // pixels
};

// The last: the networks and sizes of suites/quick.toml.
constexpr Case kCases[] = {{"r2plus1d_18", "r2plus1d_18", "student", 0, 16, 112},
                           {"r2plus1d_small", "r2plus1d_small", "student", 64, 16, 112},
                           {"resnet18", "resnet18", "student", 0, 1, 112},
                           {"mnf_csc", "r2plus1d_small", "mnf_csc", 48, 8, 32}};

std::shared_ptr<Model> make_model(const std::string& id, const Case& chosen, std::uint64_t weights) {
  const ModelInfo& info = model_registry().get(id);
  ModelConfig config;
  config.classes = kClasses;
  config.frames = chosen.frames;
  config.height = config.width = chosen.side;
  config.sample_rate = kSamples;
  config.samples = kSamples;
  config.parameters = Parameters(info.parameters);
  if (chosen.width > 0) config.parameters.set("width", chosen.width);
  const ScopedSeed seed(weights);
  return info.make(config);
}

// One training, as the harness steps it.
class Stepper {
 public:
  Stepper(const Case& chosen, std::int64_t clips, c10::Device device)
      : info_(method_registry().get(chosen.method)), device_(device), log_(chosen.method) {
    TrainingSetup setup;
    setup.student = make_model(chosen.model, chosen, 2);
    setup.student->to(device);
    setup.student_shape = setup.student->shape();
    setup.classes = kClasses;
    setup.transfer_clips = clips;
    setup.transfer_labels = at::arange(clips, at::kLong).remainder(kClasses);
    setup.parameters = Parameters(info_.parameters);
    setup.device = device;
    make_batch(chosen, clips);
    if (info_.needs.teacher) add_teacher(chosen, setup);
    const ScopedSeed seed(3);
    training_ = info_.make(setup);
    for (const ModuleGroup& group : training_->groups()) group.module->train();
    OptimizerOptions options;
    options.weight_decay = kWeightDecay;
    optimizers_ = std::make_unique<GroupOptimizers>(training_->groups(), options);
  }

  void write(const std::filesystem::path& folder) {
    SafetensorsFile weights;
    for (const ModuleGroup& group : training_->groups()) {
      add_with_prefix(weights.tensors, group.name + ".", state_of(*group.module));
    }
    write_safetensors(folder / "weights.safetensors", weights);
    SafetensorsFile batch;
    batch.tensors = {{"video", batch_.video}, {"labels", batch_.labels}, {"label_known", batch_.label_known}};
    if (info_.needs.teacher) {
      batch.tensors.emplace("teacher_embedding", batch_.teacher.embedding);
      batch.tensors.emplace("pseudo_labels", batch_.pseudo_labels);
    }
    write_safetensors(folder / "batch.safetensors", batch);
  }

  json steps(std::int64_t count) {
    json answer;
    std::vector<std::vector<at::Tensor>> values;
    const Stopwatch watch;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(step(answer));
    finish_work(device_);
    watch.read_into(answer);
    answer["losses"] = json::array();
    for (const std::vector<at::Tensor>& terms : values) {
      json row = json::array();
      for (const at::Tensor& term : terms) row.push_back(term.item<double>());
      answer["losses"].push_back(row);
    }
    return answer;
  }

 private:
  std::vector<at::Tensor> step(json& answer) {
    const ScopedSeed seed(static_cast<std::uint64_t>(context_.step));
    StepRules rules;
    rules.rate = {kRate, 1.0};
    rules.device = device_;
    rules.look_for_strays = context_.step == 0;
    const StepResult result = StepTaker(*training_, *optimizers_).take(context_, batch_, rules);
    log_.add(result);
    context_.step = context_.step + 1;
    std::vector<at::Tensor> values;
    answer["terms"] = answer["weights"] = json::array();
    for (const LossTerm& term : result.terms) {
      values.push_back(term.value.detach());
      answer["terms"].push_back(term.name);
      answer["weights"].push_back(term.weight);
    }
    return values;
  }

  void make_batch(const Case& chosen, std::int64_t clips) {
    const ScopedSeed seed(4);
    batch_.clip_index = at::arange(clips, at::kLong);
    batch_.window = at::zeros({clips}, at::kLong);
    batch_.transfer_index = batch_.clip_index.to(device_);
    batch_.video = at::randn({clips, 3, chosen.frames, chosen.side, chosen.side}).to(device_);
    // With a teacher half of the clips have no label, as in suites/quick.toml.
    const std::int64_t labelled = info_.needs.teacher ? clips / 2 : clips;
    const at::Tensor known = at::arange(clips, at::kLong).lt(labelled);
    const at::Tensor labels = at::arange(clips, at::kLong).remainder(kClasses);
    batch_.label_known = known.to(device_);
    batch_.labels = labels.masked_fill(known.logical_not(), -1).to(device_);
  }

  // The teacher's outputs of every clip are at hand in a training, and so here.
  void add_teacher(const Case& chosen, TrainingSetup& setup) {
    const auto teacher = make_model("audio_cnn", chosen, 1);
    teacher->eval();
    setup.teacher_shape = teacher->shape();
    setup.transfer_pseudo_labels = setup.transfer_labels;
    const ScopedSeed seed(5);
    const at::NoGradGuard no_grad;
    const ModelOutput output = teacher->forward(at::randn({batch_.labels.size(0), kSamples}) * 0.1);
    batch_.teacher.logits = output.logits.to(device_);
    batch_.teacher.embedding = output.embedding.to(device_);
    batch_.pseudo_labels = output.logits.argmax(1).to(device_);
  }

  const MethodInfo& info_;
  c10::Device device_;
  std::unique_ptr<Training> training_;
  std::unique_ptr<GroupOptimizers> optimizers_;
  EpochLog log_;
  Batch batch_;
  StepContext context_{.phase = "main", .epoch = 0, .epochs = 100, .step = 0, .steps_per_epoch = 1000};
};

const Case& case_named(const std::string& name) {
  const auto* found = std::ranges::find(kCases, name, &Case::name);
  if (found == std::end(kCases)) throw Error(ErrorKind::kUsage, {.what = "unknown case '" + name + "'"});
  return *found;
}

json make(const json& request, std::unique_ptr<Stepper>& stepper) {
  configure_runtime({.threads = request.at("threads"), .deterministic = true});
  const c10::Device device = parse_device(request.at("device"));
  const std::int64_t clips = request.at("batch");
  stepper = std::make_unique<Stepper>(case_named(request.at("case")), clips, device);
  stepper->write(request.at("folder").get<std::string>());
  return {{"clips", clips}, {"rate", kRate}, {"weight_decay", kWeightDecay}, {"runtime", describe_runtime(device)}};
}

json answer_to(const json& request, std::unique_ptr<Stepper>& stepper) {
  const std::string what = request.at("do");
  if (what == "hello") {
    return {{"versions", {{"cmkd", CMKD_VERSION}, {"LibTorch", describe_runtime(c10::kCPU)["libtorch"]}}}};
  }
  if (what == "make") return make(request, stepper);
  if (what == "steps" && stepper) return stepper->steps(request.at("count"));
  return {{"error", "unknown request '" + what + "', or no case made yet"}};
}

}  // namespace

}  // namespace cmkd::peers

int main(int argc, char** /*argv*/) {
  if (argc != 1) {
    std::cerr << "usage: train_step_worker   (requests on standard input: the head of its source)\n";
    return 4;
  }
  std::unique_ptr<cmkd::peers::Stepper> stepper;
  return cmkd::peers::serve([&](const nlohmann::json& request) { return cmkd::peers::answer_to(request, stepper); });
}
