// cc — Peng et al. 2019, "Correlation Congruence for Knowledge Distillation", arXiv 1904.01802, in the form of the
// official comparison code.
//
//   δ_i = |P(s_i) − t_i|, element by element;   L_cc = mean_i Σ_d δ_id δ_(i+1)d over neighbours in the batch
//   L = weight · L_cc + classification_weight · CE(z, y)
//
// s [B, D_s], t [B, D_t] embeddings; P is a learned linear projection where the widths differ, else the identity. A
// batch of one has no neighbours: the loss is zero.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> parameters() { return {weight_parameter(0.02), classification_weight_parameter()}; }

class CorrelationCongruence final : public Method {
 public:
  CorrelationCongruence(const Parameters& values, std::int64_t student_width, std::int64_t teacher_width)
      : weight_(values.number("weight")), classification_weight_(values.number("classification_weight")) {
    projection_ = register_module("projection", Projection(student_width, teacher_width));
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor distance = (projection_->forward(input.student.embedding) - input.teacher.embedding).abs();
    const std::int64_t pairs = distance.size(0) - 1;
    const at::Tensor neighbours =
        pairs == 0 ? zero_of(distance) : (distance.narrow(0, 0, pairs) * distance.narrow(0, 1, pairs)).sum(1).mean();
    return {{student_classification(input, classification_weight_),
             {"correlation", neighbours, weight_, {"student", "method"}}},
            {}};
  }

 private:
  double weight_;
  double classification_weight_;
  Projection projection_{nullptr};
};

TensorMap check(const VectorCase& vector_case) {
  Parameters values(parameters());
  values.set("weight", 1.0);
  const std::int64_t width = vector_case.at("student").size(1);
  return check_pair_loss(vector_case, std::make_shared<CorrelationCongruence>(values, width, width),
                         &ModelOutput::embedding, "correlation");
}

MethodInfo describe() {
  MethodInfo info;
  info.id = "cc";
  info.title = "Correlation Congruence";
  info.paper = "Peng et al. 2019, Correlation Congruence for Knowledge Distillation, arXiv 1904.01802";
  info.formula =
      "L = weight mean_i sum_d delta_id delta_(i+1)d + classification_weight CE(z, y), delta = |P(s) - t|, i and i + 1 "
      "neighbours in the batch";
  info.verified = Verified::kLoss;
  info.parameters = parameters();
  info.presets["paper"] = {{"weight", 0.02}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 0.02}, {"classification_weight", 1.0}};
  info.search = {{"weight", 1e-3, 1.0}};
  info.unlabelled = "in the correlation loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const std::int64_t teacher_width = required_teacher_shape(setup, "cc").embedding_width;
    return make_distillation(
        setup, needs,
        std::make_shared<CorrelationCongruence>(setup.parameters, setup.student_shape.embedding_width, teacher_width));
  };
  info.conformance["cc"] = check;
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
