// teacher — the teacher itself, on its own modality: plain supervised training of its network, and its accuracy as a
// row.
//
//   L = classification_weight · CE(t, y), averaged over the labelled clips of the batch
//
// t [B, C] logits. The setup's `student` is the teacher's network here; the harness chooses modality and clips.
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"

namespace cmkd {
namespace {

class Teacher final : public Method {
 public:
  explicit Teacher(const Parameters& parameters) : classification_weight_(parameters.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    return {{student_classification(input, classification_weight_)}, {}};
  }

 private:
  double classification_weight_;
};

MethodInfo describe() {
  MethodInfo info;
  info.id = "teacher";
  info.title = "Teacher on its own modality";
  info.formula = "L = CE(t, y)";
  info.role = MethodRole::kTeacher;
  info.parameters = {classification_weight_parameter()};
  info.presets["paper"] = {{"classification_weight", 1.0}};
  info.presets["suite"] = {{"classification_weight", 1.0}};
  info.needs.teacher = false;
  info.unlabelled = "not in the loss; its own training clips are labelled";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<Teacher>(setup.parameters));
  };
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
