// kd — Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, section 2.
//
//   L_kd = T² · KL(softmax(t / T) ‖ softmax(s / T)), averaged over all clips of the batch
//   L = weight · L_kd + classification_weight · CE(s, y)
//
// s, t [B, C] logits of student and teacher. T² keeps the gradient's size as T grows.
//
// Differs: the two weights are free, where the paper weighs the labels considerably lower without saying by how much;
// the preset `paper` has the 0.9 and 0.1 that the benchmarks take. The teacher has another modality and sees no
// augmentation: its logits are cached.
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> kd_parameters() {
  return {weight_parameter(2.0), classification_weight_parameter(),
          ParameterSpec::number("temperature", 4.0, 1e-3, 1e3, "T, which softens both distributions.")};
}

class KnowledgeDistillation final : public Method {
 public:
  explicit KnowledgeDistillation(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        temperature_(values.number("temperature")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor kd =
        temperature_ * temperature_ * kl_divergence(input.teacher.logits, input.student.logits, temperature_);
    return {{student_classification(input, classification_weight_), {"kd", kd, weight_, {"student"}}}, {}};
  }

 private:
  double weight_;
  double classification_weight_;
  double temperature_;
};

TensorMap check_kd(const VectorCase& vector_case) {
  Parameters values(kd_parameters());
  values.set("weight", 1.0);
  values.set("temperature", vector_case.hyper("temperature"));
  return check_pair_loss(vector_case, std::make_shared<KnowledgeDistillation>(values), &ModelOutput::logits, "kd");
}

MethodInfo describe_kd() {
  MethodInfo info;
  info.id = "kd";
  info.title = "Knowledge Distillation";
  info.paper = "Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv 1503.02531";
  info.formula = "L = weight T^2 KL(softmax(t / T) || softmax(s / T)) + classification_weight CE(s, y)";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = kd_parameters();
  info.presets["paper"] = {{"weight", 0.9}, {"classification_weight", 0.1}, {"temperature", 4.0}};
  info.presets["suite"] = {{"weight", 2.0}, {"classification_weight", 1.0}, {"temperature", 4.0}};
  info.search = {{"weight", 0.03, 10.0}, {"temperature", 1.0, 10.0}};
  info.unlabelled = "in the distillation loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<KnowledgeDistillation>(setup.parameters));
  };
  info.conformance["kd"] = check_kd;
  return info;
}

const MethodRegistration kd_registration{describe_kd()};

}  // namespace
}  // namespace cmkd
