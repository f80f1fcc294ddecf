// cc — Peng et al. 2019, "Correlation Congruence for Knowledge Distillation", arXiv 1904.01802.
//
//   δ_i = |P(s_i) − t_i|, value by value
//   L_cc = mean over i < B of Σ_d δ_id δ_(i+1)d, neighbours in the batch
//   L = weight · L_cc + classification_weight · CE(z, y)
//
// s [B, D_s], t [B, D_t] embeddings. This is the form of the official code of the benchmarks, not the paper's equation
// 8 (congruence of kernel matrices): neighbouring clips must not differ from the teacher in the same features. P is a
// learned linear projection to the teacher's width where the widths differ (its parameters are the method's), else the
// identity: this suite's choice. A batch of one has no neighbours: the term is zero.
//
// Differs: the loss is that of the benchmarks' official code, which the vectors are made with, not the paper's
// equation 8 (congruence of kernel matrices). Widths that differ are projected: the paper's networks have equal ones.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> cc_parameters() { return {weight_parameter(0.005), classification_weight_parameter()}; }

class CorrelationCongruence final : public Method {
 public:
  CorrelationCongruence(const Parameters& values, std::int64_t student_width, std::int64_t teacher_width)
      : weight_(values.number("weight")), classification_weight_(values.number("classification_weight")) {
    projection_ = register_module("projection", Projection(student_width, teacher_width));
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor projected = projection_->forward(input.student.embedding);
    const at::Tensor congruence = correlation(projected, input.teacher.embedding);
    return {{student_classification(input, classification_weight_),
             {"correlation", congruence, weight_, {"student", "method"}}},
            {}};
  }

 private:
  [[nodiscard]] static at::Tensor correlation(const at::Tensor& student, const at::Tensor& teacher) {
    const std::int64_t neighbours = student.size(0) - 1;
    if (neighbours < 1) return zero_of(student);
    const at::Tensor delta = (student - teacher).abs();
    return (delta.narrow(0, 0, neighbours) * delta.narrow(0, 1, neighbours)).sum(1).mean();
  }

  double weight_;
  double classification_weight_;
  Projection projection_{nullptr};
};

TensorMap check_cc(const VectorCase& vector_case) {
  Parameters values(cc_parameters());
  values.set("weight", 1.0);
  const std::int64_t width = vector_case.at("student").size(1);
  return check_pair_loss(vector_case, std::make_shared<CorrelationCongruence>(values, width, width),
                         &ModelOutput::embedding, "correlation");
}

MethodInfo describe_cc() {
  MethodInfo info;
  info.id = "cc";
  info.title = "Correlation Congruence";
  info.paper = "Peng et al. 2019, Correlation Congruence for Knowledge Distillation, arXiv 1904.01802";
  info.formula =
      "L = weight mean over neighbouring clips of sum_d |P(s_i) - t_i|_d |P(s_i+1) - t_i+1|_d + classification_weight "
      "CE(z, y), s and t pooled embeddings";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = cc_parameters();
  info.presets["paper"] = {{"weight", 0.02}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 0.005}, {"classification_weight", 1.0}};
  info.search = {{"weight", 1e-4, 0.2}, {"classification_weight", 0.3, 3.0}};
  info.multi_label = true;
  info.unlabelled = "in the correlation loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const std::int64_t teacher_width = required_teacher_shape(setup, "cc").embedding_width;
    return make_distillation(
        setup, needs,
        std::make_shared<CorrelationCongruence>(setup.parameters, setup.student_shape.embedding_width, teacher_width));
  };
  info.conformance["cc"] = check_cc;
  return info;
}

const MethodRegistration cc_registration{describe_cc()};

}  // namespace
}  // namespace cmkd
