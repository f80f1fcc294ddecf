// fitnet — Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", arXiv 1412.6550, equation 3.
//
//   L_hint = mean (P(s) − t)², over all values of all clips
//   L = weight · L_hint + classification_weight · CE(z, y)
//
// s [B, D_s], t [B, D_t] embeddings of student and teacher; P is a learned linear projection where the widths differ
// (its parameters are the method's), else the identity.
//
// Differs: the hint is the pooled embedding, which both modalities have in the same form; maps of a hidden layer, as
// in the paper, would first need a common grid. One phase, as in the official benchmarks' code, not a stage of hints
// before the classifier.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> fitnet_parameters() {
  return {weight_parameter(10.0), classification_weight_parameter(),
          ParameterSpec::choice("hint", "embedding", {"embedding"}, "The feature that the student imitates.")};
}

class FitNet final : public Method {
 public:
  FitNet(const Parameters& values, std::int64_t student_width, std::int64_t teacher_width)
      : weight_(values.number("weight")), classification_weight_(values.number("classification_weight")) {
    projection_ = register_module("projection", Projection(student_width, teacher_width));
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor hint = at::mse_loss(projection_->forward(input.student.embedding), input.teacher.embedding);
    return {{student_classification(input, classification_weight_), {"hint", hint, weight_, {"student", "method"}}},
            {}};
  }

 private:
  double weight_;
  double classification_weight_;
  Projection projection_{nullptr};
};

TensorMap check_fitnet(const VectorCase& vector_case) {
  Parameters values(fitnet_parameters());
  values.set("weight", 1.0);
  const std::int64_t width = vector_case.at("student").size(1);
  return check_pair_loss(vector_case, std::make_shared<FitNet>(values, width, width), &ModelOutput::embedding, "hint");
}

MethodInfo describe_fitnet() {
  MethodInfo info;
  info.id = "fitnet";
  info.title = "FitNet";
  info.paper = "Romero et al. 2015, FitNets: Hints for Thin Deep Nets, arXiv 1412.6550";
  info.formula = "L = weight mean((P(s) - t)^2) + classification_weight CE(z, y), s and t pooled embeddings";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = fitnet_parameters();
  info.presets["paper"] = {{"weight", 100.0}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 10.0}, {"classification_weight", 1.0}};
  info.search = {{"weight", 0.1, 100.0}};
  info.multi_label = true;
  info.unlabelled = "in the hint loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const std::int64_t teacher_width = required_teacher_shape(setup, "fitnet").embedding_width;
    return make_distillation(
        setup, needs, std::make_shared<FitNet>(setup.parameters, setup.student_shape.embedding_width, teacher_width));
  };
  info.conformance["fitnet"] = check_fitnet;
  return info;
}

const MethodRegistration fitnet_registration{describe_fitnet()};

}  // namespace
}  // namespace cmkd
