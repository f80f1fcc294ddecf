// logit_standardization — Sun et al. 2024, "Logit Standardization in Knowledge Distillation", arXiv 2403.01427,
// algorithm 1.
//
//   Z(x) = (x − mean x) / (std x + 1e-7), mean and std (unbiased) over the classes of each clip
//   L_kd = T² · KL(softmax(Z(t) / T) ‖ softmax(Z(s) / T)), averaged over all clips of the batch
//   L = weight · L_kd + classification_weight · CE(s, y)
//
// s, t [B, C] logits. Only the order and the spacing of the logits are imitated, not their size. Logits that are all
// equal have no order: they are standardised to 0 and pass no gradient.
//
// Differs: logits that are all equal are standardised to 0 and pass no gradient, where their rounding would be
// divided by 1e-7.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> logit_standardization_parameters() {
  return {weight_parameter(1.0), classification_weight_parameter(),
          ParameterSpec::number("temperature", 2.0, 1e-3, 1e3, "T, in units of the logits' standard deviation.")};
}

at::Tensor standardised(const at::Tensor& logits) {
  constexpr double kEpsilon = 1e-7;
  const CentredRows rows = centred_rows(at_least_float(logits));
  const double degrees_of_freedom = static_cast<double>(std::max<std::int64_t>(1, logits.size(1) - 1));
  return rows.centred / (rows.norm / std::sqrt(degrees_of_freedom) + kEpsilon);
}

class LogitStandardization final : public Method {
 public:
  explicit LogitStandardization(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        temperature_(values.number("temperature")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor divergence =
        kl_divergence(standardised(input.teacher.logits), standardised(input.student.logits), temperature_);
    return {{student_classification(input, classification_weight_),
             {"kd", temperature_ * temperature_ * divergence, weight_, {"student"}}},
            {}};
  }

 private:
  double weight_;
  double classification_weight_;
  double temperature_;
};

TensorMap check_logit_standardization(const VectorCase& vector_case) {
  Parameters values(logit_standardization_parameters());
  values.set("weight", 1.0);
  values.set("temperature", vector_case.hyper("temperature"));
  return check_pair_loss(vector_case, std::make_shared<LogitStandardization>(values), &ModelOutput::logits, "kd");
}

MethodInfo describe_logit_standardization() {
  MethodInfo info;
  info.id = "logit_standardization";
  info.title = "Logit Standardization";
  info.paper = "Sun et al. 2024, Logit Standardization in Knowledge Distillation, arXiv 2403.01427";
  info.formula =
      "L = weight T^2 KL(softmax(Z(t) / T) || softmax(Z(s) / T)) + classification_weight CE(s, y), Z the z-score over "
      "the classes";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = logit_standardization_parameters();
  info.presets["paper"] = {{"weight", 9.0}, {"classification_weight", 0.1}, {"temperature", 2.0}};
  info.presets["suite"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"temperature", 2.0}};
  info.search = {{"weight", 0.02, 20.0, true, {}}, {"temperature", 0.5, 6.0, true, {}}};
  info.unlabelled = "in the distillation loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<LogitStandardization>(setup.parameters));
  };
  info.conformance["logit_standardization"] = check_logit_standardization;
  return info;
}

const MethodRegistration logit_standardization_registration{describe_logit_standardization()};

}  // namespace
}  // namespace cmkd
