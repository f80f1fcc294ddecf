// at — Zagoruyko and Komodakis 2017, "Paying More Attention to Attention: Improving the Performance of Convolutional
// Neural Networks via Attention Transfer", arXiv 1612.03928, equation 2 (activation-based, sums of powers).
//
//   Q(F) = q / |q|, q [B, H·W] = mean over channels of F^p
//   L_at = Σ over stages of mean (Q(F_s) − Q(F_t))², the mean over clips and positions
//   L = weight · L_at + classification_weight · CE(z, y)
//
// F_s [B, C_s, H, W], F_t [B, C_t, H, W]: every stage of both networks, deepest with deepest; the numbers of channels
// may differ.
//
// Differs: maps of two modalities are compared on a common grid (parameter `grid`), since all they share is time. As
// in the official code, F^p keeps its sign where p is odd, where the paper writes |F|^p, and a stage's term is a mean
// over positions, where the paper has half the norm: with p = 2 only the weight's scale tells.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> at_parameters() {
  return {weight_parameter(5.0), classification_weight_parameter(),
          ParameterSpec::integer("p", 2, 1, 8, "Power of the activations that an attention map sums."),
          grid_parameter()};
}

// [B, C, H, W] -> [B, H·W], rows of length one. A map enters divided by its largest magnitude, which the result does
// not depend on: powers then stay within the range of half precision.
at::Tensor attention(const at::Tensor& map, std::int64_t power) {
  const at::Tensor largest = map.detach().abs().amax({1, 2, 3}, /*keepdim=*/true);
  const at::Tensor scaled = map / largest.masked_fill(largest == 0, 1);
  return unit_rows(scaled.pow(power).mean(1).flatten(1));
}

class AttentionTransfer final : public Method {
 public:
  explicit AttentionTransfer(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        power_(values.integer("p")),
        grid_(parse_grid(values.text("grid"))) {}

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& student) const override {
    return teacher_on_common_grid(stages, student, grid_);
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    at::Tensor sum = zero_of(input.student.stages.back());
    for (const MapPair& pair : stage_pairs(input, grid_)) {
      const at::Tensor stage = at::mse_loss(attention(pair.student, power_), attention(pair.teacher, power_));
      result.diagnostics.push_back({"stage" + std::to_string(result.diagnostics.size()), stage.detach()});
      sum = sum + stage;
    }
    result.terms.push_back({"attention", sum, weight_, {"student"}});
    return result;
  }

 private:
  double weight_;
  double classification_weight_;
  std::int64_t power_;
  Grid grid_;
};

TensorMap check_at(const VectorCase& vector_case) {
  Parameters values(at_parameters());
  values.set("weight", 1.0);
  values.set("p", static_cast<std::int64_t>(vector_case.hyper("p")));
  values.set("grid", std::string("plane"));
  return check_stage_loss(vector_case, std::make_shared<AttentionTransfer>(values), "attention");
}

MethodInfo describe_at() {
  MethodInfo info;
  info.id = "at";
  info.title = "Attention Transfer";
  info.paper = "Zagoruyko and Komodakis 2017, Paying More Attention to Attention, arXiv 1612.03928";
  info.formula =
      "L = weight sum over stages of mean((Q(F_s) - Q(F_t))^2) + classification_weight CE(z, y), Q(F) the mean over "
      "channels of F^p, flattened and divided by its norm; maps on the common grid of both modalities";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = at_parameters();
  info.presets["paper"] = {{"weight", 1000.0}, {"classification_weight", 1.0}, {"p", std::int64_t{2}}};
  info.presets["suite"] = {{"weight", 5.0}, {"classification_weight", 1.0}, {"p", std::int64_t{2}}};
  info.needs = stage_needs();
  info.search = {{"weight", 0.1, 1000.0}, {"grid", 0, 0, false, {std::string("time"), std::string("plane")}}};
  info.multi_label = true;
  info.unlabelled = "in the attention loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    (void)stage_channel_pairs(setup, "at");  // refuses models without stages
    return make_distillation(setup, needs, std::make_shared<AttentionTransfer>(setup.parameters));
  };
  info.conformance["at"] = check_at;
  return info;
}

const MethodRegistration at_registration{describe_at()};

}  // namespace
}  // namespace cmkd
