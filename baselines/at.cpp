// at — Zagoruyko and Komodakis 2017, "Paying More Attention to Attention", arXiv 1612.03928, equation 2 (activation
// attention).
//
//   Q(F) = flatten(mean_c F_c^p) / its norm, one vector a clip;   L_at = Σ over stage pairs of mean (Q(F_s) − Q(F_t))²
//   L = weight · L_at + classification_weight · CE(z, y)
//
// F_s, F_t feature maps of a stage of student and teacher, deepest with deepest; channel numbers may differ. The mean
// in L_at runs over clips and positions, as in the official code. This suite's adaptation to two modalities: the maps
// are brought to a common grid (maps.h) before the attention is taken.
#include <ATen/ATen.h>

#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> parameters() {
  return {weight_parameter(30.0), classification_weight_parameter(),
          ParameterSpec::number("p", 2.0, 1.0, 8.0, "Power of the activations whose mean is the attention."),
          grid_parameter()};
}

class AttentionTransfer final : public Method {
 public:
  explicit AttentionTransfer(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        power_(values.number("p")),
        grid_(parse_grid(values.text("grid"))) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    at::Tensor sum = zero_of(input.student.logits);
    for (const MapPair& pair : stage_pairs(input, grid_)) {
      const at::Tensor stage = at::mse_loss(attention(pair.student), attention(pair.teacher));
      result.diagnostics.push_back({"stage" + std::to_string(result.diagnostics.size()), stage.detach()});
      sum = sum + stage;
    }
    result.terms.push_back({"attention", sum, weight_, {"student"}});
    return result;
  }

 private:
  // [B, C, H, W] -> [B, H · W]
  [[nodiscard]] at::Tensor attention(const at::Tensor& map) const {
    // A whole power of a negative activation keeps its sign, as in the official code; a broken one has none.
    const at::Tensor power = power_ == std::floor(power_) ? map.pow(power_) : map.abs().pow(power_);
    return unit_rows(power.mean(1).flatten(1));
  }

  double weight_;
  double classification_weight_;
  double power_;
  Grid grid_;
};

TensorMap check(const VectorCase& vector_case) {
  Parameters values(parameters());
  values.set("weight", 1.0);
  values.set("p", vector_case.hyper("p"));
  values.set("grid", std::string("plane"));
  return check_stage_loss(vector_case, std::make_shared<AttentionTransfer>(values), "attention");
}

MethodInfo describe() {
  MethodInfo info;
  info.id = "at";
  info.title = "Attention Transfer";
  info.paper = "Zagoruyko and Komodakis 2017, Paying More Attention to Attention, arXiv 1612.03928";
  info.formula =
      "L = weight sum over stages of mean (Q(F_s) - Q(F_t))^2 + classification_weight CE(z, y), Q(F) = "
      "flatten(mean_c F_c^p) divided by its norm";
  info.verified = Verified::kLoss;
  info.parameters = parameters();
  info.presets["paper"] = {{"weight", 1000.0}, {"classification_weight", 1.0}, {"p", 2.0}};
  info.presets["suite"] = {{"weight", 30.0}, {"classification_weight", 1.0}, {"p", 2.0}};
  info.needs = stage_needs();
  info.search = {{"weight", 1.0, 1000.0}};
  info.unlabelled = "in the attention loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    (void)stage_channel_pairs(setup, "at");
    return make_distillation(setup, needs, std::make_shared<AttentionTransfer>(setup.parameters));
  };
  info.conformance["at"] = check;
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
