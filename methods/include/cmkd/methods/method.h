// How a method presents itself, and the adapter for the usual case: a loss on frozen teacher outputs, with at most one
// module of its own. A baseline is one file that derives from `Method` and ends with one registration object.
#pragma once

#include <c10/core/Device.h>
#include <torch/nn/module.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/core/registry.h"
#include "cmkd/methods/training.h"
#include "cmkd/models/model.h"

namespace cmkd {

// How far a method is verified against its official code.
enum class Verified { kStep, kLoss, kPart, kNone };
[[nodiscard]] const char* to_string(Verified verified) noexcept;  // "step", "loss", "part", "none"

// What a row of a leaderboard means.
enum class MethodRole {
  kMethod,      // a distillation method, ranked
  kLowerBound,  // student
  kCeiling,     // oracle_labels: sees labels that others do not
  kTeacher,     // the teacher itself, on its own modality
  kUpperBound,  // multimodal: both modalities at test
  kUntrained,   // untrained: no step changes anything
};
[[nodiscard]] const char* to_string(MethodRole role) noexcept;  // "method", "lower bound", "ceiling", …

// What the harness must provide for each batch.
struct Needs {
  bool teacher = true;           // logits and embedding of the frozen teacher, and its pseudo-labels
  bool teacher_tokens = false;   // kept for every clip while they fit a budget, else computed anew at each step
  bool teacher_stages = false;   // likewise; see Training::teacher_maps
  bool teacher_network = false;  // the trained network itself (TrainingSetup::teacher), and its input in every batch
  bool both_inputs = false;      // both modalities of each clip, and an untrained network for the other one
                                 // (TrainingSetup::other): trains on two modalities without a teacher
  bool second_student = false;   // a further network like the student's, with the same first weights
                                 // (TrainingSetup::second_student): trained beside it, and not evaluated
  bool student_tokens = false;
  bool student_stages = false;
  bool strong_view = false;  // a second, strongly augmented view of the student's input (strong_view.h)
  bool all_labels = false;   // oracle_labels: true labels of unlabelled clips
};

// What a training is built from. The student is made by the harness, with the same weights for every method of a cell.
struct TrainingSetup {
  std::shared_ptr<Model> student;
  ModelShape student_shape;
  std::optional<ModelShape> teacher_shape;  // absent when the method has no teacher
  std::int64_t classes = 0;
  bool multi_label = false;         // clips have any number of tags
  std::int64_t transfer_clips = 0;  // clips of the training batches
  // [transfer_clips] int64 on the host: what may be known of each clip of the training beforehand. Labels are −1 where
  // hidden; the teacher's argmax is undefined without a teacher.
  at::Tensor transfer_labels;
  at::Tensor transfer_pseudo_labels;
  std::shared_ptr<Model>
      teacher;  // needs.teacher_network only: a copy of the cell's trained teacher, this training's own
  std::shared_ptr<Model> other;           // needs.both_inputs only: the suite's teacher network with its first weights
  std::shared_ptr<Model> second_student;  // needs.second_student only
  PixelScale pixels;                      // of the batches' video
  Parameters parameters;
  c10::Device device = c10::kCPU;
};

// A conformance case: the tensors of one file, by name.
class VectorCase {
 public:
  // All but "hyper.*" are moved to the device, where the check computes.
  explicit VectorCase(TensorMap tensors, c10::Device device = c10::kCPU);
  [[nodiscard]] c10::Device device() const noexcept { return device_; }
  [[nodiscard]] const at::Tensor& at(const std::string& name) const;  // throws Error(kData) naming what is missing
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }
  [[nodiscard]] double hyper(const std::string& name) const;  // "hyper." + name
  // Entries whose name begins with `prefix`, with the prefix removed.
  [[nodiscard]] TensorMap with_prefix(const std::string& prefix) const;
  // A leaf copy that requires a gradient.
  [[nodiscard]] at::Tensor leaf(const std::string& name) const;

 private:
  TensorMap tensors_;
  c10::Device device_;
};

// Computes, with the very code that trains and on the case's device, everything under "expected." of the case: "loss",
// "term.csc", "grad.student", "grad.param.attn.in_proj_weight", "buffer.…". What is not computed counts as a mismatch.
using ConformanceCheck = std::function<TensorMap(const VectorCase&)>;

// One dimension of a method's search space. Numbers are drawn from [low, high], uniformly or in their logarithm;
// with `choices`, one of these is drawn.
struct SearchRange {
  std::string parameter;
  double low = 0.0;
  double high = 0.0;
  bool logarithmic = true;
  std::vector<ParameterValue> choices = {};
};

struct MethodInfo {
  std::string id;       // "kd"
  std::string title;    // "Knowledge Distillation"
  std::string paper;    // "Hinton et al. 2015, arXiv 1503.02531"
  std::string formula;  // in words and symbols, for `describe`
  Verified verified = Verified::kNone;
  MethodRole role = MethodRole::kMethod;
  std::vector<ParameterSpec> parameters;
  std::map<std::string, std::map<std::string, ParameterValue>> presets;  // "paper" -> values
  Needs needs;
  // Some term's gradient is, by the paper's stop-gradients, not the derivative of its value: tests then do not compare
  // it with finite differences.
  bool stops_gradients = false;
  // Takes clips of several tags (Batch::labels [B, C]): nothing but classification_term reads its labels, and its own
  // loss is not one of a softmax over classes.
  bool multi_label = false;
  std::vector<SearchRange> search;  // what `cmkd tune` varies
  std::string unlabelled;           // what it does with a clip whose label is hidden, in words
  std::string cost = {};            // of a step, what does not follow from `needs`, in words; "": nothing
  std::function<std::unique_ptr<Training>(const TrainingSetup&)> make;
  std::map<std::string, ConformanceCheck> conformance;  // vector folder -> check
  // A step can be recorded as a graph and repeated on the next batch (training.graphs): what differs from one to the
  // next comes from the batch, the device's generator or the context. Numbers that the method counts itself, draws on
  // the host, shapes that depend on values and members that `after_step` empties would stay what they were.
  bool repeatable_step = false;
  // False: no classifier is trained. What it learns is judged by a classifier on its features, or by retrieval.
  bool classifies = true;
  // Of the source that only this method uses (source_code.h): part of its trainings' keys. "": as the build hashed
  // `source_file`, which the registration fills.
  std::string source_hash = {};
  std::string source_file = {};
};

[[nodiscard]] Registry<MethodInfo>& method_registry();

// Throws Error(kInternal) when the file that registers the method is in no SourceTable.
[[nodiscard]] std::string source_hash_of(const MethodInfo& info);

struct MethodRegistration {
  explicit MethodRegistration(MethodInfo info, const char* file = __builtin_FILE());
};

// ---- The adapter -------------------------------------------------------------------------------------------------

// What a loss sees. Teacher outputs carry no gradient.
struct MethodInput {
  ModelOutput student;  // of nothing when the method does not use the student in this phase
  ModelOutput strong;   // of the student on the strongly augmented view; undefined unless needs.strong_view
  ModelOutput teacher;
  at::Tensor labels;          // [B] int64, −1 where hidden
  at::Tensor label_known;     // [B] bool
  at::Tensor pseudo_labels;   // [B] int64, teacher's argmax; undefined without a teacher
  at::Tensor transfer_index;  // [B] int64: position of the clip among the training's clips
};

// A loss with its own parameters (register them, as in any module). Terms name the groups "student" and "method".
class Method : public torch::nn::Module {
 public:
  [[nodiscard]] virtual StepResult loss(const MethodInput& input, const StepContext& context) = 0;
  // The own module's learning rate relative to the student's.
  [[nodiscard]] virtual double learning_rate_scale() const { return 1.0; }
  // Methods of more than one phase override these three. Phases run in order; the default is the single phase "main".
  [[nodiscard]] virtual std::vector<Phase> phases() const { return {Phase{}}; }
  // False: no forward pass of the student in this phase.
  [[nodiscard]] virtual bool uses_student(const std::string& /*phase*/) const { return true; }
  // The groups of the own parameters, each in exactly one. Empty (default): one group "method" of all of them.
  [[nodiscard]] virtual std::vector<ModuleGroup> own_groups() { return {}; }
  // See Training::teacher_maps.
  [[nodiscard]] virtual std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                                             const std::vector<at::Tensor>& /*student*/) const {
    return stages;
  }
  // See Training::clip_signals; in eval mode.
  [[nodiscard]] virtual TensorMap clip_signals(const MethodInput& /*input*/) { return {}; }
  // After the optimisers' step, in train mode and without gradient (memories, moving averages).
  virtual void after_step(const StepContext& /*context*/) {}
  // What a checkpoint must hold beyond parameters and buffers.
  [[nodiscard]] virtual TensorMap extra_state() { return {}; }
  virtual void load_extra_state(const TensorMap& /*state*/) {}
};

// For trainings of their own, too: throws Error(kInternal) when the batch lacks what `needs` names, or when an output
// of the frozen teacher carries a gradient. `modality` is the student's.
void require_batch(const Batch& batch, const Needs& needs, Modality modality);

// `make` of a MethodInfo whose method is a `Method`: a training with the group "student" and the method's own groups;
// the predictor is the student.
[[nodiscard]] std::unique_ptr<Training> make_distillation(const TrainingSetup& setup, const Needs& needs,
                                                          std::shared_ptr<Method> method);

}  // namespace cmkd
