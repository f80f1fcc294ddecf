// The adapter that makes a Training of a Method.
#include <ATen/ATen.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/method.h"

namespace cmkd {

namespace {

void require_frozen(const ModelOutput& teacher) {
  const auto grows = [](const at::Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); };
  bool any = grows(teacher.logits) || grows(teacher.embedding) || grows(teacher.tokens);
  for (const at::Tensor& stage : teacher.stages) any = any || grows(stage);
  if (any) throw Error(ErrorKind::kInternal, {"an output of the frozen teacher requires a gradient", "", "", ""});
}

void require_given(const Batch& batch, const Needs& needs, Modality modality) {
  const auto require = [](bool given, const std::string& what) {
    if (!given) throw Error(ErrorKind::kInternal, {"the batch lacks what the method needs: " + what, "", "", ""});
  };
  require(batch.input(modality).defined(), std::string("the student's input, ") + to_string(modality));
  if (!needs.teacher) return;
  require(batch.teacher.logits.defined(), "teacher logits");
  require(batch.teacher.embedding.defined(), "teacher embedding");
  require(batch.pseudo_labels.defined(), "pseudo-labels");
  require(!needs.teacher_tokens || batch.teacher.tokens.defined(), "teacher tokens");
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
    if (has_own_group()) groups.push_back({"method", method_, method_->learning_rate_scale(), std::nullopt, {}});
    return groups;
  }

  StepResult step(const StepContext& context, const Batch& batch) override {
    require_given(batch, needs_, modality_);
    require_frozen(batch.teacher);
    MethodInput input;
    input.student = student_->forward(batch.input(modality_), {needs_.student_tokens, needs_.student_stages});
    if (needs_.teacher) {
      input.teacher = batch.teacher;
      input.pseudo_labels = batch.pseudo_labels;
    }
    input.labels = batch.labels;
    input.label_known = batch.label_known;
    StepResult result = method_->loss(input, context);
    if (!has_own_group()) forget_group(result, "method");
    return result;
  }

  Predictor predictor() override {
    return {{modality_}, {student_}, [student = student_, modality = modality_](const Batch& batch) {
              return student->forward(batch.input(modality));
            }};
  }

  TensorMap state() override {
    TensorMap state;
    for (auto& [name, tensor] : method_->extra_state()) state.emplace("extra." + name, tensor);
    // Buffers of a method without parameters travel here: it has no group that would carry them.
    if (!has_own_group()) {
      for (auto& [name, tensor] : state_of(*method_)) state.emplace("buffer." + name, tensor);
    }
    return state;
  }

  void load_state(const TensorMap& state) override {
    TensorMap extra;
    TensorMap buffers;
    for (const auto& [name, tensor] : state) {
      if (name.starts_with("extra."))
        extra.emplace(name.substr(6), tensor);
      else if (name.starts_with("buffer."))
        buffers.emplace(name.substr(7), tensor);
      else
        throw Error(ErrorKind::kData, {"unexpected entry '" + name + "' in a method's state", "", "", ""});
    }
    method_->load_extra_state(extra);
    if (!has_own_group()) cmkd::load_state(*method_, buffers, "a method's state");
  }

 private:
  [[nodiscard]] bool has_own_group() const { return !unique_parameters(*method_).empty(); }

  std::shared_ptr<Model> student_;
  std::shared_ptr<Method> method_;
  Needs needs_;
  Modality modality_;
};

}  // namespace

std::unique_ptr<Training> make_distillation(const TrainingSetup& setup, const Needs& needs,
                                            std::shared_ptr<Method> method) {
  if (!setup.student) throw Error(ErrorKind::kInternal, {"a training without a student", "", "", ""});
  return std::make_unique<Distillation>(setup, needs, std::move(method));
}

}  // namespace cmkd
