// pseudo_label — the control: the teacher's argmax as the label of unlabelled clips, with plain cross-entropy. A method
// whose positives come from pseudo-labels must beat it to claim more.
//
//   L = classification_weight · CE(z, y) over labelled clips + weight · CE(z, argmax t) over unlabelled clips,
//   each averaged over its own clips of the batch
//
// z [B, C] student logits, t [B, C] teacher logits, y [B] labels.
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"

namespace cmkd {
namespace {

class PseudoLabel final : public Method {
 public:
  explicit PseudoLabel(const Parameters& parameters)
      : weight_(parameters.number("weight")), classification_weight_(parameters.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor pseudo =
        classification_term(input.student.logits, input.pseudo_labels, input.label_known.logical_not());
    return {{student_classification(input, classification_weight_), {"pseudo_cls", pseudo, weight_, {"student"}}}, {}};
  }

 private:
  double weight_;
  double classification_weight_;
};

MethodInfo describe_pseudo_label() {
  MethodInfo info;
  info.id = "pseudo_label";
  info.title = "Teacher's pseudo-labels";
  info.formula = "L = classification_weight CE(z, y) on labelled clips + weight CE(z, argmax t) on unlabelled clips";
  info.repeatable_step = true;
  info.parameters = {weight_parameter(1.0), classification_weight_parameter()};
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 1.0}, {"classification_weight", 1.0}};
  info.search = {{"weight", 0.1, 3.0}};
  info.unlabelled = "learns the teacher's argmax";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<PseudoLabel>(setup.parameters));
  };
  return info;
}

const MethodRegistration pseudo_label_registration{describe_pseudo_label()};

}  // namespace
}  // namespace cmkd
