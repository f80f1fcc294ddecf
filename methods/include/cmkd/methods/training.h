// The general interface of a training, stepped by the harness: what is trained, by which terms, in which phases.
//
// The harness owns the loop: it hands over batches, calls backward (with each group's parameters as inputs), clips,
// steps the optimisers, logs terms and writes checkpoints. A training computes terms; it never calls backward.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/core/random.h"
#include "cmkd/runtime/batch.h"
#include "cmkd/runtime/tensors.h"

namespace torch::nn {
class Module;
}

namespace cmkd {

// A part of the whole loss. Group g receives the gradient of the sum of weight · value over the terms that name g.
struct LossTerm {
  std::string name;  // "csc"
  at::Tensor value;  // 0-d, unweighted
  double weight = 1.0;
  std::vector<std::string> trains;  // names of groups: {"student"}, {"student", "method"}
};

// A number worth recording each epoch (the mean over its steps). 0-d tensor on the device: no transfer inside a step.
struct Diagnostic {
  std::string name;  // "gate_mean"
  at::Tensor value;
};

struct StepResult {
  std::vector<LossTerm> terms;
  std::vector<Diagnostic> diagnostics;
};

// Of Adam and AdamW: how slowly the averages of gradient and squared gradient follow.
struct AdamBetas {
  double gradient = 0.9;
  double squared = 0.999;
};

// Of one parameter of a group, on top of the group's own settings.
struct ParameterRule {
  double learning_rate_scale = 1.0;  // times the group's
  bool decays = true;                // false: no weight decay
};

struct ModuleGroup {
  std::string name;  // "student", "method", "teacher"
  std::shared_ptr<torch::nn::Module> module;
  double learning_rate_scale = 1.0;    // times the suite's learning rate
  std::optional<double> weight_decay;  // instead of the suite's; may differ from step to step
  std::vector<std::string> phases;     // in which it is trained; empty: in all
  bool decay_matrices_only = false;    // no weight decay of biases and other parameters of one dimension
  AdamBetas betas = {};                // the same at every call
  // By the parameter's name in the module; none: all alike. The same at every call.
  std::function<ParameterRule(const std::string&)> rule_of = {};
};

struct Phase {
  std::string name = "main";
  std::int64_t epochs = 0;  // 0: the suite's number of epochs
};

// A count that can note that it was read: a step that reads it differs from the steps before it, and cannot be repeated
// as it was.
class StepNumber {
 public:
  StepNumber(std::int64_t value = 0) noexcept : value_(value) {}  // a number, to all who write and read one
  operator std::int64_t() const noexcept {
    if (read_ != nullptr) *read_ = true;
    return value_;
  }
  // `*read` becomes true when this, or a copy of it, is read; it must outlive them.
  void note_reads(bool* read) noexcept { read_ = read; }

 private:
  std::int64_t value_;
  bool* read_ = nullptr;
};

// Where in the training a step stands.
struct StepContext {
  std::string phase = "main";
  StepNumber epoch = 0;     // within the phase
  std::int64_t epochs = 0;  // of the phase
  StepNumber step = 0;      // within the phase
  std::int64_t steps_per_epoch = 0;
};

// What is evaluated, on which modalities. `predict` runs without gradient and in eval mode (the harness sets both).
struct Predictor {
  std::vector<Modality> modalities;
  std::vector<std::shared_ptr<torch::nn::Module>> modules;  // put into eval mode before, into train mode after
  std::function<ModelOutput(const Batch&)> predict;
};

// What a masked autoencoder makes of clips, in the form that its network takes: [B, 3, T, H, W] or [B, 1, F, T].
struct Reconstruction {
  Modality modality = Modality::kVideo;
  at::Tensor input;    // all of it
  at::Tensor hidden;   // 1 where the encoder saw nothing, else 0
  at::Tensor rebuilt;  // the input where it was seen, else what the decoder says
};

// One modality's features [B, D] as they are; those of several side by side, each row of each at length 1, as XKD's
// script for both modalities has them.
[[nodiscard]] at::Tensor joined_features(const std::vector<at::Tensor>& features);

class Training {
 public:
  virtual ~Training() = default;

  // The same groups at every call; each module already on the device.
  [[nodiscard]] virtual std::vector<ModuleGroup> groups() = 0;
  [[nodiscard]] virtual std::vector<Phase> phases() { return {Phase{}}; }
  // One forward pass. Must not change the batch, the teacher's outputs or the global random state beyond drawing.
  [[nodiscard]] virtual StepResult step(const StepContext& context, const Batch& batch) = 0;
  // After the backward pass, before the suite's clipping and the optimisers' step: gradients may be changed here.
  virtual void after_backward(const StepContext& /*context*/) {}
  // After the optimisers' step (EMA teachers, memories).
  virtual void after_step(const StepContext& /*context*/, const Batch& /*batch*/) {}
  [[nodiscard]] virtual Predictor predictor() = 0;
  // The same, but with the embeddings of these modalities, joined_features: for trainings of a network for each.
  // Throws Error(kUsage) when there are no such.
  [[nodiscard]] virtual Predictor encoders(const std::vector<Modality>& modalities);
  // What the steps read of the frozen teacher's stages: each clip's maps by themselves, as small as they may be. The
  // harness calls it before it puts `stages` into a batch, and keeps the result of every clip while that fits its
  // budget. A step must take maps that went through it and maps that did not.
  // `student` are the student's stages of one clip, for their sizes.
  [[nodiscard]] virtual std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                                             const std::vector<at::Tensor>& /*student*/) const {
    return stages;
  }

  // How far it trusts what the teacher says of each clip: name -> [B], more trust is higher. Called in eval mode and
  // without gradient, on pairs whose damage is known (corruption.h); empty: it does not judge clips.
  [[nodiscard]] virtual TensorMap clip_signals(const Batch& /*batch*/) { return {}; }

  // Of each modality that it rebuilds; in eval mode and without gradient. What is hidden is drawn from LibTorch's
  // generator of the host. Empty: it rebuilds nothing.
  [[nodiscard]] virtual std::vector<Reconstruction> reconstructions(const Batch& /*batch*/) { return {}; }

  // What a checkpoint must hold beyond the groups' parameters and buffers (memory banks, EMA weights).
  [[nodiscard]] virtual TensorMap state() { return {}; }
  virtual void load_state(const TensorMap& /*state*/) {}
};

[[nodiscard]] bool trained_in(const ModuleGroup& group, const std::string& phase);

// Backward for every group of `groups` that is trained in `phase`: fills (overwrites) the gradients of exactly their
// parameters, so that a term moves no group that it does not name. The one place where gradients are routed: training
// and conformance both call it. `extra_inputs` (conformance only) maps a group's name to input tensors that receive the
// gradient which that group's upstream part would receive; such a group need not be among `groups`. A parameter that no
// term reaches ends with an undefined gradient. Throws Error(kInternal) for a term that names an unknown group.
struct RoutedInputs {
  std::string group;
  std::vector<at::Tensor> tensors;  // leaves that require a gradient
};
void route_gradients(const std::vector<LossTerm>& terms, const std::vector<ModuleGroup>& groups,
                     const std::string& phase, const std::vector<RoutedInputs>& extra_inputs = {});

}  // namespace cmkd
