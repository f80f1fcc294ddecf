// dkd — Zhao et al. 2022, "Decoupled Knowledge Distillation", arXiv 2203.08679.
//
//   b(x) = (p_y, 1 − p_y), p = softmax(x / T);   p̂(x) = softmax(x / T) over the classes other than y
//   TCKD = KL(b(t) ‖ b(s)),   NCKD = KL(p̂(t) ‖ p̂(s))
//   L_dkd = T² (alpha · TCKD + beta · NCKD), averaged over the clips that take part
//   L = min(epoch / warm_up, 1) · weight · L_dkd + classification_weight · CE(s, y), epochs counted from 1
//
// s, t [B, C] logits, y [B] labels. Both parts are computed from logarithms, so that a target of probability 1 gives
// finite values. A clip that is a class of its own (unlabelled = instance) has no target among the C classes: b is
// (0, 1) on both sides, and NCKD is the divergence over all classes.
//
// Differs: computed from logarithms, where the official code masks by subtracting 1000: equal within rounding, and
// finite for a target of probability 1. Without a label a clip has the teacher's argmax, or leaves the loss, or is a
// class of its own (`unlabelled`).
#include <ATen/ATen.h>

#include <algorithm>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

constexpr double kNever = -1e30;  // a logarithm of a probability that is 0, finite so that 0 · (kNever − kNever) is 0

std::vector<ParameterSpec> dkd_parameters() {
  return {weight_parameter(0.25),
          classification_weight_parameter(),
          ParameterSpec::number("alpha", 1.0, 0, 1e9, "Weight of the target class's part."),
          ParameterSpec::number("beta", 8.0, 0, 1e9, "Weight of the other classes' part."),
          ParameterSpec::number("temperature", 4.0, 1e-3, 1e3, "T, which softens all distributions."),
          ParameterSpec::number("warm_up", 2.0, 0, 1e6, "Epochs over which the weight rises to its value.", "epochs"),
          unlabelled_parameter()};
}

// [B, 2]: log p of the target, log of the sum of the others.
at::Tensor binary_log(const at::Tensor& log_probability, const at::Tensor& target) {
  return at::stack({log_probability.masked_fill(target.logical_not(), kNever).logsumexp(1),
                    log_probability.masked_fill(target, kNever).logsumexp(1)},
                   1);
}

at::Tensor divergence(const at::Tensor& teacher_log, const at::Tensor& student_log) {
  return (teacher_log.exp() * (teacher_log - student_log)).sum(1);
}

class DecoupledDistillation final : public Method {
 public:
  explicit DecoupledDistillation(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        alpha_(values.number("alpha")),
        beta_(values.number("beta")),
        temperature_(values.number("temperature")),
        warm_up_(values.number("warm_up")),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))) {}

  StepResult loss(const MethodInput& input, const StepContext& context) override {
    const at::Tensor student = at_least_float(input.student.logits) / temperature_;
    const at::Tensor teacher = at_least_float(input.teacher.logits) / temperature_;
    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const at::Tensor target = label_mask(labels.labels, student.size(1));

    const at::Tensor target_rows =
        divergence(binary_log(at::log_softmax(teacher, 1), target), binary_log(at::log_softmax(student, 1), target));
    const at::Tensor other_rows = divergence(at::log_softmax(teacher.masked_fill(target, kNever), 1),
                                             at::log_softmax(student.masked_fill(target, kNever), 1));
    const double scale = temperature_ * temperature_;
    const at::Tensor target_class = scale * mean_where(target_rows, labels.contrasted);
    const at::Tensor other_classes = scale * mean_where(other_rows, labels.contrasted);
    return {{student_classification(input, classification_weight_),
             {"dkd", alpha_ * target_class + beta_ * other_classes, weight_ * warm_up_factor(context), {"student"}}},
            {{"dkd_target", target_class.detach()}, {"dkd_nontarget", other_classes.detach()}}};
  }

 private:
  [[nodiscard]] double warm_up_factor(const StepContext& context) const {
    return warm_up_ > 0 ? std::min(static_cast<double>(context.epoch + 1) / warm_up_, 1.0) : 1.0;
  }

  double weight_;
  double classification_weight_;
  double alpha_;
  double beta_;
  double temperature_;
  double warm_up_;
  UnlabelledPolicy unlabelled_;
};

TensorMap check_dkd(const VectorCase& vector_case) {
  Parameters values(dkd_parameters());
  values.set("weight", 1.0);
  values.set("classification_weight", 0.0);
  values.set("warm_up", 0.0);
  for (const char* name : {"alpha", "beta", "temperature"}) values.set(name, vector_case.hyper(name));
  const at::Tensor student = vector_case.leaf("student");
  MethodInput input = labelled_input(vector_case.at("targets"));
  input.student.logits = student;
  input.teacher.logits = vector_case.at("teacher");
  const StepResult result = DecoupledDistillation(values).loss(input, StepContext{});
  TensorMap computed = routed_gradients(result.terms, nullptr, {{"student", student}});
  computed.emplace("loss", weighted_term(result, "dkd"));
  return computed;
}

MethodInfo describe_dkd() {
  MethodInfo info;
  info.id = "dkd";
  info.title = "Decoupled Knowledge Distillation";
  info.paper = "Zhao et al. 2022, Decoupled Knowledge Distillation, arXiv 2203.08679";
  info.formula =
      "L = warm-up weight T^2 (alpha KL of (p_y, 1 - p_y) + beta KL over the classes other than y) + "
      "classification_weight CE(s, y)";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = dkd_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"alpha", 1.0},
                           {"beta", 8.0},   {"temperature", 4.0},           {"warm_up", 20.0}};
  info.presets["suite"] = {{"weight", 0.25}, {"classification_weight", 1.0}, {"alpha", 1.0},
                           {"beta", 8.0},    {"temperature", 4.0},           {"warm_up", 2.0}};
  info.search = {{"weight", 0.005, 5.0, true, {}}, {"beta", 0.5, 16.0, true, {}}, {"temperature", 1.0, 8.0, true, {}}};
  info.unlabelled =
      "setting 'unlabelled', for the distillation loss: the teacher's argmax stands for the label (pseudo, default), "
      "the clip leaves the term (skip), or it has no target class and its divergence runs over all classes (instance). "
      "The cross-entropy sees labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<DecoupledDistillation>(setup.parameters));
  };
  info.conformance["dkd"] = check_dkd;
  return info;
}

const MethodRegistration dkd_registration{describe_dkd()};

}  // namespace
}  // namespace cmkd
