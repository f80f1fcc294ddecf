// multimodal — the upper bound: late fusion, which sees both modalities at test, too.
//
//   z = W [v ; a] + b,   L = classification_weight · CE(z, y), averaged over the labelled clips of the batch
//
// v [B, D_s] student embedding, a [B, D_t] embedding of the cell's frozen trained teacher, z [B, C]. Student and linear
// classifier are trained; the student's own classifier is not used. What a method reaches with the student's modality
// alone lies between the student and this.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"

namespace cmkd {
namespace {

class LateFusion final : public Training {
 public:
  LateFusion(const TrainingSetup& setup, const Needs& needs)
      : student_(setup.student),
        teacher_(setup.teacher),
        classifier_(setup.student_shape.embedding_width + required_teacher_shape(setup, "multimodal").embedding_width,
                    setup.classes),
        needs_(needs),
        modality_(setup.student_shape.modality),
        classification_weight_(setup.parameters.number("classification_weight")) {
    if (!student_ || !teacher_) throw Error(ErrorKind::kInternal, {"late fusion without both networks", "", "", ""});
    classifier_->to(setup.device);
    // Of no group and not among the predictor's modules, so that nothing ever puts it into train mode.
    teacher_->eval();
  }

  std::vector<ModuleGroup> groups() override {
    return {{"student", student_, 1.0, std::nullopt, {}}, {"classifier", classifier_.ptr(), 1.0, std::nullopt, {}}};
  }

  StepResult step(const StepContext& /*context*/, const Batch& batch) override {
    require_batch(batch, needs_, modality_);
    const at::Tensor own = student_->forward(batch.input(modality_)).embedding;
    const at::Tensor logits = classifier_->forward(at::cat({own, batch.teacher.embedding}, 1));
    return {{{"fused_cls",
              classification_term(logits, batch.labels, batch.label_known),
              classification_weight_,
              {"student", "classifier"}}},
            {}};
  }

  Predictor predictor() override {
    const auto predict = [student = student_, teacher = teacher_, classifier = classifier_,
                          modality = modality_](const Batch& batch) mutable {
      ModelOutput output;
      output.embedding = at::cat({student->forward(batch.input(modality)).embedding,
                                  teacher->forward(batch.input(opposite(modality))).embedding},
                                 1);
      output.logits = classifier->forward(output.embedding);
      return output;
    };
    return {{modality_, opposite(modality_)}, {student_, classifier_.ptr()}, predict};
  }

 private:
  std::shared_ptr<Model> student_;
  std::shared_ptr<Model> teacher_;
  torch::nn::Linear classifier_;
  Needs needs_;
  Modality modality_;
  double classification_weight_;
};

MethodInfo describe_multimodal() {
  MethodInfo info;
  info.id = "multimodal";
  info.title = "Late fusion of both modalities";
  info.formula = "L = classification_weight CE(W [v ; a] + b, y), a of the frozen teacher; both modalities at test";
  info.role = MethodRole::kUpperBound;
  info.repeatable_step = true;
  info.parameters = {classification_weight_parameter()};
  info.presets["paper"] = {{"classification_weight", 1.0}};
  info.presets["suite"] = {{"classification_weight", 1.0}};
  info.needs.teacher_network = true;
  info.multi_label = true;
  info.unlabelled = "not in the loss";
  info.make = [needs = info.needs](const TrainingSetup& setup) -> std::unique_ptr<Training> {
    return std::make_unique<LateFusion>(setup, needs);
  };
  return info;
}

const MethodRegistration multimodal_registration{describe_multimodal()};

}  // namespace
}  // namespace cmkd
