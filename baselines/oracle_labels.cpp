// oracle_labels — the ceiling of what labels alone can give: the student trained on the true labels of all clips, those
// that are hidden from every other method included. A method above it has moved more than labels.
//
//   L = classification_weight · CE(z, y), averaged over all clips of the batch
//
// z [B, C] student logits, y [B] labels, all known. No teacher.
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"

namespace cmkd {
namespace {

class OracleLabels final : public Method {
 public:
  explicit OracleLabels(const Parameters& parameters)
      : classification_weight_(parameters.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    return {{student_classification(input, classification_weight_)}, {}};
  }

 private:
  double classification_weight_;
};

MethodInfo describe() {
  MethodInfo info;
  info.id = "oracle_labels";
  info.title = "All true labels";
  info.formula = "L = CE(z, y) on all clips, with the labels that are hidden from others";
  info.role = MethodRole::kCeiling;
  info.parameters = {classification_weight_parameter()};
  info.presets["paper"] = {{"classification_weight", 1.0}};
  info.presets["suite"] = {{"classification_weight", 1.0}};
  info.needs.teacher = false;
  info.needs.all_labels = true;
  info.unlabelled = "sees its true label: a ceiling, not a competitor";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<OracleLabels>(setup.parameters));
  };
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
