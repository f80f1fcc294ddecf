#include "cmkd/methods/supervised.h"

#include "cmkd/methods/losses.h"

namespace cmkd {

namespace {

class Supervised final : public Method {
 public:
  explicit Supervised(const Parameters& parameters)
      : classification_weight_(parameters.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    return {{student_classification(input, classification_weight_)}, {}};
  }

 private:
  double classification_weight_;
};

}  // namespace

MethodInfo supervised_method() {
  MethodInfo info;
  info.parameters = {classification_weight_parameter()};
  info.presets["paper"] = {{"classification_weight", 1.0}};
  info.presets["suite"] = {{"classification_weight", 1.0}};
  info.needs.teacher = false;
  info.multi_label = true;
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<Supervised>(setup.parameters));
  };
  return info;
}

}  // namespace cmkd
