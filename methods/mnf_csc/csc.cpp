// csc — the contrastive semantic calibration of MNF + CSC alone (Xia et al. 2023, arXiv 2304.07775, section 3.3): an
// ablation of `mnf_csc` without the filter.
//
//   ã = a, ṽ = W a + b
//   τ_ij = stopgrad(cos(v_i, a_j)) + threshold
//   L_csc = mean_i ( 1/|P(i)| Σ_{j ∈ P(i)} −log(softmax_j(cos(v_i, ṽ_j) / τ_ij) + 1e-10) )
//   L = weight · L_csc + classification_weight · CE(z, y)
//
// a [B, D] teacher embedding, v [B, D] student embedding (projected where the widths differ), W [D, D]. The projection
// W learns from L_csc, as the filter's own layers do in the whole method.
//
// Differs: the paper's own ablation could not be read from here, so that what stands for the filtered feature (a
// linear projection of the teacher's) is this suite's reading. The temperature has a floor (`tau_floor`), as in
// mnf_csc.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include "cmkd/methods/mnf_csc.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> csc_parameters() {
  std::vector<ParameterSpec> specs;
  for (const ParameterSpec& spec : MnfCscOptions::parameters()) {
    for (const char* kept :
         {"weight", "classification_weight", "threshold", "temperature", "tau_floor", "unlabelled"}) {
      if (spec.name == kept) specs.push_back(spec);
    }
  }
  return specs;
}

class CalibrationAlone final : public Method {
 public:
  CalibrationAlone(const Parameters& values, std::int64_t student_width, std::int64_t teacher_width)
      : options_{values.number("threshold"), values.text("temperature") == "adaptive", values.number("tau_floor")},
        weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))) {
    teacher_projection_ = register_module("teacher_projection", torch::nn::Linear(teacher_width, teacher_width));
    student_projection_ = register_module("student_projection", Projection(student_width, teacher_width));
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const at::Tensor student = contrasted_rows(student_projection_->forward(input.student.embedding), labels);
    const at::Tensor teacher = contrasted_rows(input.teacher.embedding, labels);
    const Calibration calibration =
        calibrate(student, teacher_projection_->forward(teacher), cosine_matrix(student.detach(), teacher),
                  contrasted_rows(labels.labels, labels), options_);
    return {{student_classification(input, classification_weight_),
             {"csc", calibration.loss, weight_, {"student", "method"}}},
            {{"tau_positive", calibration.tau_positive.detach()},
             {"tau_negative", calibration.tau_negative.detach()},
             {"tau_clamped_share", calibration.clamped_share.detach()}}};
  }

 private:
  CalibrationOptions options_;
  double weight_;
  double classification_weight_;
  UnlabelledPolicy unlabelled_;
  torch::nn::Linear teacher_projection_{nullptr};
  Projection student_projection_{nullptr};
};

TensorMap check_csc(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  const at::Tensor filtered = vector_case.leaf("filtered");
  const CalibrationOptions options{vector_case.hyper("threshold"), vector_case.hyper("adaptive") != 0,
                                   /*tau_floor=*/0.0};
  const Calibration calibration =
      calibrate(student, filtered, vector_case.at("similarity"), vector_case.at("targets"), options);
  const std::vector<LossTerm> terms{{"csc", calibration.loss, 1.0, {"student", "method"}}};
  TensorMap computed = routed_gradients(terms, nullptr, {{"student", student}}, {{"filtered", filtered}});
  computed.emplace("loss", calibration.loss.detach());
  return computed;
}

MethodInfo describe_csc() {
  MethodInfo info;
  info.id = "csc";
  info.title = "Contrastive Semantic Calibration alone";
  info.paper = "Xia et al. 2023, Robust Cross-Modal Knowledge Distillation for Unconstrained Videos, arXiv 2304.07775";
  info.formula =
      "v~ = W a + b, tau_ij = stopgrad(cos(v_i, a_j)) + threshold, L_csc = mean_i mean_{j in P(i)} "
      "-log(softmax_j(cos(v_i, v~_j) / tau_ij) + 1e-10); L = weight L_csc + classification_weight CE(z, y)";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = csc_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"threshold", 0.2}, {"tau_floor", 0.0}};
  info.presets["suite"] = {{"weight", 1.0}, {"threshold", 0.2}, {"tau_floor", 0.05}};
  info.stops_gradients = true;  // tau
  info.search = {{"weight", 0.03, 3.0}, {"threshold", 0.05, 1.0}};
  info.unlabelled =
      "setting 'unlabelled', for P(i): the teacher's argmax stands for the label (pseudo, default), the clip leaves "
      "the "
      "term (skip), or it is a class of its own (instance). The cross-entropy sees labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs,
                             std::make_shared<CalibrationAlone>(setup.parameters, setup.student_shape.embedding_width,
                                                                required_teacher_shape(setup, "csc").embedding_width));
  };
  info.conformance["csc"] = check_csc;
  return info;
}

const MethodRegistration csc_registration{describe_csc()};

}  // namespace
}  // namespace cmkd
