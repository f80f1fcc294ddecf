// A tiny student, its batches and a training step, for tests that run over every registered method.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <memory>
#include <string>
#include <vector>

#include "cmkd/methods/method.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd::test {

constexpr std::int64_t kClasses = 3;
constexpr std::int64_t kStudentWidth = 4;
constexpr std::int64_t kTeacherWidth = 6;
constexpr std::int64_t kFirstStage = 3;         // channels of the student's first stage
constexpr std::int64_t kTeacherFirstStage = 5;  // and of the teacher's

// Video [B, 3, T, H, W]: each frame's pixels through two layers give a token, their mean the embedding. The stages keep
// a plane of 2 x 2: each channel, and half of it.
class TinyModel final : public Model {
 public:
  TinyModel() {
    first_ = register_module("first", torch::nn::Linear(12, kFirstStage));
    feature_ = register_module("feature", torch::nn::Linear(kFirstStage, kStudentWidth));
    fc_ = register_module("fc", torch::nn::Linear(kStudentWidth, kClasses));
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    const at::Tensor first = first_->forward(input.transpose(1, 2).flatten(2)).tanh();  // [B, T, 3]
    const at::Tensor tokens = feature_->forward(first).tanh();                          // [B, T, D]
    output.embedding = tokens.mean(1);
    output.logits = fc_->forward(output.embedding);
    if (request.tokens) output.tokens = tokens;
    if (request.stages) output.stages = {plane_of(first), plane_of(tokens)};
    return output;
  }

  [[nodiscard]] ModelShape shape() const override {
    return {Modality::kVideo, kClasses, kStudentWidth, kStudentWidth, {kFirstStage, kStudentWidth}};
  }

 private:
  static at::Tensor plane_of(const at::Tensor& tokens) {  // [B, T, D] -> [B, D, T, 2, 2]
    const at::Tensor channels = tokens.transpose(1, 2);
    return at::stack({channels, channels * 0.5, channels * -0.5, channels * 0.25}, -1).unflatten(-1, {2, 2});
  }

  torch::nn::Linear first_{nullptr};
  torch::nn::Linear feature_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

// Audio [B, n] -> a teacher's network, small enough to be trained along.
class TinyTeacher final : public Model {
 public:
  explicit TinyTeacher(std::int64_t width = kTeacherWidth) : width_(width) {
    feature_ = register_module("feature", torch::nn::Linear(4, width));
    fc_ = register_module("fc", torch::nn::Linear(width, kClasses));
  }

  ModelOutput forward(const at::Tensor& input, const OutputRequest& request) override {
    ModelOutput output;
    const at::Tensor tokens = feature_->forward(input.view({input.size(0), -1, 4})).tanh();  // [B, T, D]
    output.embedding = tokens.mean(1);
    output.logits = fc_->forward(output.embedding);
    if (request.tokens) output.tokens = tokens;
    if (request.stages) output.stages = {tokens.transpose(1, 2).unsqueeze(2)};
    return output;
  }

  [[nodiscard]] ModelShape shape() const override {
    return {Modality::kAudio, kClasses, width_, width_, {kTeacherFirstStage, width_}};
  }

 private:
  std::int64_t width_;
  torch::nn::Linear feature_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

// Pseudo-random numbers that are the same on every machine.
inline at::Tensor noise(at::IntArrayRef shape, double salt) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  const at::Tensor wild = ((at::arange(count, at::kDouble) + 1.37 * salt + 1) * 12.9898).sin() * 43758.5453;
  return ((wild - wild.floor()) * 2 - 1).view(shape);
}

constexpr std::int64_t kBatch = 5;  // of FreeOutputs

// A student whose outputs are its parameters, so that the loss is a plain function of them.
class FreeOutputs final : public Model {
 public:
  FreeOutputs() {
    logits_ = register_parameter("logits", noise({kBatch, kClasses}, 1));
    embedding_ = register_parameter("embedding", noise({kBatch, kStudentWidth}, 2));
    tokens_ = register_parameter("tokens", noise({kBatch, 3, kStudentWidth}, 3));
    first_ = register_parameter("first", noise({kBatch, kFirstStage, 4, 2, 2}, 4));
    last_ = register_parameter("last", noise({kBatch, kStudentWidth, 2, 2, 2}, 5));
  }
  ModelOutput forward(const at::Tensor& /*input*/, const OutputRequest& /*request*/) override {
    return {logits_, embedding_, tokens_, {first_, last_}};
  }
  [[nodiscard]] ModelShape shape() const override {
    return {Modality::kVideo, kClasses, kStudentWidth, kStudentWidth, {kFirstStage, kStudentWidth}};
  }

  [[nodiscard]] at::Tensor& logits() { return logits_; }

 private:
  at::Tensor logits_;
  at::Tensor embedding_;
  at::Tensor tokens_;
  at::Tensor first_;
  at::Tensor last_;
};

constexpr std::int64_t kVitSamples = 512;

// One block wide enough for its three heads, for methods that train vision transformers.
inline std::shared_ptr<Model> tiny_vit(Modality modality) {
  const ModelInfo& info = model_registry().get(modality == Modality::kVideo ? "video_vit_tiny" : "audio_vit_tiny");
  ModelConfig config;
  config.classes = kClasses;
  config.frames = 8;
  config.height = config.width = 16;
  config.sample_rate = 1000;
  config.samples = kVitSamples;
  config.parameters = Parameters(info.parameters);
  config.parameters.set("depth", std::int64_t{1});
  if (modality == Modality::kVideo) {
    config.parameters.set("patch_frames", std::int64_t{2});
    config.parameters.set("patch_size", std::int64_t{8});
  } else {
    config.parameters.set("n_fft", std::int64_t{64});
    config.parameters.set("hop_length", std::int64_t{16});
    config.parameters.set("n_mels", std::int64_t{8});
    config.parameters.set("patch_frames", std::int64_t{4});
  }
  return info.make(config);
}

inline Batch tiny_batch(const MethodInfo& info, std::int64_t step, std::int64_t size = 6) {
  Batch batch;
  batch.clip_index = at::arange(size, at::kLong);
  batch.window = at::zeros({size}, at::kLong);
  batch.transfer_index = at::arange(size, at::kLong);
  batch.video = noise({size, 3, 2, 2, 2}, static_cast<double>(step)).to(at::kFloat);
  if (info.needs.both_inputs) {
    batch.video = noise({size, 3, 8, 16, 16}, static_cast<double>(step)).to(at::kFloat);
    batch.audio = noise({size, kVitSamples}, static_cast<double>(step) + 300).to(at::kFloat);
  }
  const at::Tensor labels = at::arange(size, at::kLong).remainder(kClasses);
  batch.label_known = info.needs.all_labels ? at::ones({size}, at::kBool) : at::arange(size).remainder(2).eq(0);
  batch.labels = labels.masked_fill(batch.label_known.logical_not(), -1);
  if (info.needs.teacher) {
    batch.teacher.logits = noise({size, kClasses}, static_cast<double>(step) + 100).to(at::kFloat);
    batch.teacher.embedding = noise({size, kTeacherWidth}, static_cast<double>(step) + 200).to(at::kFloat);
    if (info.needs.teacher_tokens) batch.teacher.tokens = noise({size, 2, kTeacherWidth}, 5).to(at::kFloat);
    if (info.needs.teacher_stages) {
      batch.teacher.stages = {noise({size, kTeacherFirstStage, 3, 4}, 6).to(at::kFloat),
                              noise({size, kTeacherWidth, 2, 2}, 7).to(at::kFloat)};
    }
    if (info.needs.teacher_network) batch.audio = noise({size, 8}, static_cast<double>(step) + 300).to(at::kFloat);
    batch.pseudo_labels = batch.teacher.logits.argmax(1);
  }
  return batch;
}

// Every tensor of a batch, by name: what a step must leave as it is.
inline TensorMap tensors_of(const Batch& batch) {
  TensorMap tensors{{"labels", batch.labels}, {"label_known", batch.label_known}, {"video", batch.video}};
  if (batch.teacher.logits.defined()) {
    tensors.emplace("teacher.logits", batch.teacher.logits);
    tensors.emplace("teacher.embedding", batch.teacher.embedding);
    tensors.emplace("pseudo_labels", batch.pseudo_labels);
  }
  for (std::size_t i = 0; i < batch.teacher.stages.size(); ++i) {
    tensors.emplace("teacher.stage" + std::to_string(i), batch.teacher.stages[i]);
  }
  if (batch.audio.defined()) tensors.emplace("audio", batch.audio);
  return tensors;
}

inline TrainingSetup tiny_setup(const MethodInfo& info, std::shared_ptr<Model> student = nullptr) {
  const ScopedSeed seed(11);
  TrainingSetup setup;
  if (info.needs.both_inputs) {
    setup.student = tiny_vit(Modality::kVideo);
    setup.other = tiny_vit(Modality::kAudio);
  } else {
    setup.student = student ? std::move(student) : std::make_shared<TinyModel>();
  }
  if (info.needs.second_student) {
    if (std::dynamic_pointer_cast<FreeOutputs>(setup.student)) {
      setup.second_student = std::make_shared<FreeOutputs>();
    } else {
      setup.second_student = std::make_shared<TinyModel>();
      load_state(*setup.second_student, state_of(*setup.student), "the student's first weights");
    }
  }
  setup.student_shape = setup.student->shape();
  if (info.needs.teacher) {
    const auto teacher = std::make_shared<TinyTeacher>();
    setup.teacher_shape = teacher->shape();
    if (info.needs.teacher_network) setup.teacher = teacher;
    setup.transfer_pseudo_labels = at::arange(6, at::kLong).remainder(kClasses);
  }
  setup.classes = kClasses;
  setup.transfer_clips = 6;
  setup.transfer_labels =
      at::arange(6, at::kLong).remainder(kClasses).masked_fill(at::arange(6).remainder(2).eq(1), -1);
  setup.parameters = Parameters(info.parameters);
  for (const auto& [name, value] : std::map<std::string, std::int64_t>{{"decoder_width", 16},
                                                                       {"decoder_depth", 1},
                                                                       {"decoder_heads", 2},
                                                                       {"head_hidden", 16},
                                                                       {"head_bottleneck", 8},
                                                                       {"head_out", 12}}) {
    if (setup.parameters.values().contains(name)) setup.parameters.set(name, value);
  }
  return setup;
}

inline std::unique_ptr<Training> make_tiny(const MethodInfo& info, std::shared_ptr<Model> student = nullptr) {
  const TrainingSetup setup = tiny_setup(info, std::move(student));
  const ScopedSeed seed(13);
  return info.make(setup);
}

// One step of plain gradient descent.
inline StepResult take_step(Training& training, const StepContext& context, const Batch& batch) {
  const auto groups = training.groups();
  StepResult result = training.step(context, batch);
  route_gradients(result.terms, groups, context.phase);
  training.after_backward(context);
  {
    const at::NoGradGuard no_grad;
    for (const ModuleGroup& group : groups) {
      if (!trained_in(group, context.phase)) continue;
      for (const at::Tensor& parameter : unique_parameters(*group.module)) {
        if (parameter.grad().defined()) parameter.sub_(parameter.grad(), 0.05 * group.learning_rate_scale);
      }
    }
  }
  training.after_step(context, batch);
  return result;
}

// Of a method of several phases, the first half of six steps is the first phase.
inline void train_step(Training& training, const MethodInfo& info, std::int64_t step) {
  const ScopedSeed seed(static_cast<std::uint64_t>(1000 + step));
  const std::vector<Phase> phases = training.phases();
  StepContext context;
  context.phase = step < 3 ? phases.front().name : phases.back().name;
  context.epochs = 1;
  context.step = step;
  context.steps_per_epoch = 6;
  (void)take_step(training, context, tiny_batch(info, step));
}

// What a checkpoint holds: each group's state and the training's own.
inline TensorMap checkpoint_of(Training& training) {
  TensorMap all;
  for (const ModuleGroup& group : training.groups()) {
    for (const auto& [name, tensor] : state_of(*group.module)) all.emplace(group.name + "/" + name, tensor.clone());
  }
  for (const auto& [name, tensor] : training.state()) all.emplace("state/" + name, tensor.clone());
  return all;
}

inline void restore(Training& training, const TensorMap& checkpoint) {
  const auto part = [&](const std::string& prefix) {
    TensorMap found;
    for (const auto& [name, tensor] : checkpoint) {
      if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
    }
    return found;
  };
  for (const ModuleGroup& group : training.groups()) load_state(*group.module, part(group.name + "/"), group.name);
  training.load_state(part("state/"));
}

}  // namespace cmkd::test
