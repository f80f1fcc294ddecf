// The adapter that makes a Training of a Method.
#include <ATen/ATen.h>

#include <unordered_set>

#include "cmkd/core/error.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/strong_view.h"

namespace cmkd {

namespace {

void require_frozen(const ModelOutput& teacher) {
  const auto grows = [](const at::Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); };
  bool any = grows(teacher.logits) || grows(teacher.embedding) || grows(teacher.tokens);
  for (const at::Tensor& stage : teacher.stages) any = any || grows(stage);
  if (any) throw Error(ErrorKind::kInternal, {.what = "an output of the frozen teacher requires a gradient"});
}

void require_given(const Batch& batch, const Needs& needs, Modality modality) {
  const auto require = [](bool given, const std::string& what) {
    if (!given) throw Error(ErrorKind::kInternal, {.what = "the batch lacks what the method needs: " + what});
  };
  require(batch.input(modality).defined(), std::string("the student's input, ") + to_string(modality));
  if (!needs.teacher) return;
  require(batch.teacher.logits.defined(), "teacher logits");
  require(batch.teacher.embedding.defined(), "teacher embedding");
  require(batch.pseudo_labels.defined(), "pseudo-labels");
  require(!needs.teacher_tokens || batch.teacher.tokens.defined(), "teacher tokens");
  require(!needs.teacher_network || batch.input(opposite(modality)).defined(), "the teacher's input");
  require(!needs.teacher_stages || !batch.teacher.stages.empty(), "teacher stages");
}

// A method whose own module has no parameters in this setup (a projection between equal widths) need not know that.
void forget_group(StepResult& result, const std::string& name) {
  for (LossTerm& term : result.terms) std::erase(term.trains, name);
}

class Distillation final : public Training {
 public:
  Distillation(const TrainingSetup& setup, const Needs& needs, std::shared_ptr<Method> method)
      : student_(setup.student), method_(std::move(method)), needs_(needs), modality_(setup.student_shape.modality) {
    method_->to(setup.device);
    method_->train();
  }

  std::vector<ModuleGroup> groups() override {
    std::vector<ModuleGroup> groups{{"student", student_, 1.0, std::nullopt, {}}};
    std::vector<ModuleGroup> own = method_->own_groups();
    if (own.empty() && has_parameters()) {
      own.push_back({"method", method_, method_->learning_rate_scale(), std::nullopt, {}});
    }
    groups.insert(groups.end(), own.begin(), own.end());
    return groups;
  }

  std::vector<Phase> phases() override { return method_->phases(); }

  StepResult step(const StepContext& context, const Batch& batch) override {
    const MethodInput input = input_of(batch, method_->uses_student(context.phase));
    StepResult result = method_->loss(input, context);
    if (!has_parameters()) forget_group(result, "method");
    return result;
  }

  void after_step(const StepContext& context, const Batch& /*batch*/) override {
    const at::NoGradGuard no_grad;
    method_->after_step(context);
  }

  TensorMap clip_signals(const Batch& batch) override {
    const at::NoGradGuard no_grad;
    student_->eval();
    method_->eval();
    TensorMap signals = method_->clip_signals(input_of(batch, /*uses_student=*/true));
    student_->train();
    method_->train();
    return signals;
  }

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& student) const override {
    return method_->teacher_maps(std::move(stages), student);
  }

  Predictor predictor() override {
    return {{modality_}, {student_}, [student = student_, modality = modality_](const Batch& batch) {
              return student->forward(batch.input(modality));
            }};
  }

  TensorMap state() override {
    TensorMap state;
    for (auto& [name, tensor] : method_->extra_state()) state.emplace("extra." + name, tensor);
    // Whatever no group carries: buffers of a method without parameters, or beside the groups it names.
    for (const auto& [name, tensor] : loose_state()) state.emplace("loose." + name, tensor);
    return state;
  }

  void load_state(const TensorMap& state) override {
    TensorMap extra;
    TensorMap loose;
    for (const auto& [name, tensor] : state) {
      if (name.starts_with("extra.")) {
        extra.emplace(name.substr(6), tensor);
      } else if (name.starts_with("loose.")) {
        loose.emplace(name.substr(6), tensor);
      } else {
        throw Error(ErrorKind::kData, {.what = "unexpected entry '" + name + "' in a method's state"});
      }
    }
    method_->load_extra_state(extra);
    copy_state(loose, loose_state(), "a method's state");
  }

 private:
  [[nodiscard]] MethodInput input_of(const Batch& batch, bool uses_student) const {
    require_batch(batch, needs_, modality_);
    const OutputRequest request{needs_.student_tokens, needs_.student_stages};
    MethodInput input;
    if (uses_student) {
      input.student = student_->forward(batch.input(modality_), request);
      if (needs_.strong_view) input.strong = student_->forward(strong_view(batch.input(modality_), modality_), request);
    }
    if (needs_.teacher) {
      input.teacher = batch.teacher;
      input.pseudo_labels = batch.pseudo_labels;
    }
    input.labels = batch.labels;
    input.label_known = batch.label_known;
    input.transfer_index = batch.transfer_index;
    return input;
  }

  [[nodiscard]] bool has_parameters() const { return !unique_parameters(*method_).empty(); }

  [[nodiscard]] TensorMap loose_state() {
    std::unordered_set<const void*> carried;
    for (const ModuleGroup& group : groups()) {
      for (const auto& [name, tensor] : state_of(*group.module)) carried.insert(tensor.const_data_ptr());
    }
    TensorMap loose = state_of(*method_);
    std::erase_if(loose, [&](const auto& entry) { return carried.contains(entry.second.const_data_ptr()); });
    return loose;
  }

  std::shared_ptr<Model> student_;
  std::shared_ptr<Method> method_;
  Needs needs_;
  Modality modality_;
};

}  // namespace

void require_batch(const Batch& batch, const Needs& needs, Modality modality) {
  require_given(batch, needs, modality);
  require_frozen(batch.teacher);
}

std::unique_ptr<Training> make_distillation(const TrainingSetup& setup, const Needs& needs,
                                            std::shared_ptr<Method> method) {
  if (!setup.student) throw Error(ErrorKind::kInternal, {.what = "a training without a student"});
  return std::make_unique<Distillation>(setup, needs, std::move(method));
}

}  // namespace cmkd
