// student — the lower bound: what the labelled clips alone teach.
//
//   L = classification_weight · CE(z, y), averaged over the labelled clips of the batch
//
// z [B, C] student logits, y [B] labels. No teacher.
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"

namespace cmkd {
namespace {

class Student final : public Method {
 public:
  explicit Student(const Parameters& parameters) : classification_weight_(parameters.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    return {{student_classification(input, classification_weight_)}, {}};
  }

 private:
  double classification_weight_;
};

MethodInfo describe() {
  MethodInfo info;
  info.id = "student";
  info.title = "Student alone";
  info.formula = "L = CE(z, y)";
  info.role = MethodRole::kLowerBound;
  info.parameters = {classification_weight_parameter()};
  info.presets["paper"] = {{"classification_weight", 1.0}};
  info.presets["suite"] = {{"classification_weight", 1.0}};
  info.needs.teacher = false;
  info.unlabelled = "not in the loss";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<Student>(setup.parameters));
  };
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
