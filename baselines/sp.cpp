// sp — Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation", arXiv 1907.09682, equations 1 to 4.
//
//   G = F Fᵀ [B, B], F [B, C·H·W] the flattened maps; N(G): each row divided by its norm
//   L_sp = Σ over stages of |N(G_t) − N(G_s)|² / B²
//   L = weight · L_sp + classification_weight · CE(z, y)
//
// Only similarities between clips of one side are compared, so that the maps of the two modalities need no common grid
// and no equal sizes: they enter whole, as each network gives them. The official code takes the last stage before the
// pooling; `stages = "all"` sums over all of them, deepest with deepest.
//
// Differs: `stages` may sum over all stages, where the official code takes the last before the pooling. Video maps
// have a time axis more; they are flattened whole.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> sp_parameters() {
  return {weight_parameter(100.0), classification_weight_parameter(),
          ParameterSpec::choice("stages", "last", {"last", "all"}, "Which stages' similarities are compared.")};
}

// [B, ...] -> [B, B], rows of length one. One constant divides all maps, which the result does not depend on: no
// product exceeds 1 then, the range of half precision suffices.
at::Tensor similarities(const at::Tensor& map) {
  const at::Tensor flat = map.flatten(1);
  const at::Tensor largest = flat.detach().abs().amax() * std::sqrt(static_cast<double>(flat.size(1)));
  const at::Tensor scaled = flat / largest.masked_fill(largest == 0, 1);
  return unit_rows(at::mm(scaled, scaled.t()));
}

class SimilarityPreserving final : public Method {
 public:
  explicit SimilarityPreserving(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        all_stages_(values.text("stages") == "all") {}

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& /*student*/) const override {
    if (all_stages_) return stages;
    return {stages.back()};
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    const auto& student = input.student.stages;
    const auto& teacher = input.teacher.stages;
    const std::size_t count = all_stages_ ? std::min(student.size(), teacher.size()) : 1;
    at::Tensor sum = zero_of(student.back());
    for (std::size_t i = 0; i < count; ++i) {
      const at::Tensor stage = at::mse_loss(similarities(student[student.size() - count + i]),
                                            similarities(teacher[teacher.size() - count + i]));
      result.diagnostics.push_back({"stage" + std::to_string(i), stage.detach()});
      sum = sum + stage;
    }
    result.terms.push_back({"similarity", sum, weight_, {"student"}});
    return result;
  }

 private:
  double weight_;
  double classification_weight_;
  bool all_stages_;
};

TensorMap check_sp(const VectorCase& vector_case) {
  Parameters values(sp_parameters());
  values.set("weight", 1.0);
  values.set("stages", std::string("all"));
  return check_stage_loss(vector_case, std::make_shared<SimilarityPreserving>(values), "similarity");
}

MethodInfo describe_sp() {
  MethodInfo info;
  info.id = "sp";
  info.title = "Similarity-Preserving Knowledge Distillation";
  info.paper = "Tung and Mori 2019, Similarity-Preserving Knowledge Distillation, arXiv 1907.09682";
  info.formula =
      "L = weight |N(F_t F_t') - N(F_s F_s')|^2 / B^2 + classification_weight CE(z, y), F the flattened maps of a "
      "batch, N division of each row by its norm";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = sp_parameters();
  info.presets["paper"] = {{"weight", 3000.0}, {"classification_weight", 1.0}, {"stages", std::string("last")}};
  info.presets["suite"] = {{"weight", 100.0}, {"classification_weight", 1.0}, {"stages", std::string("last")}};
  info.needs = stage_needs();
  info.search = {{"weight", 1.0, 10000.0}, {"stages", 0, 0, false, {std::string("last"), std::string("all")}}};
  info.multi_label = true;
  info.unlabelled = "in the similarity loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    (void)stage_channel_pairs(setup, "sp");  // refuses models without stages
    return make_distillation(setup, needs, std::make_shared<SimilarityPreserving>(setup.parameters));
  };
  info.conformance["sp"] = check_sp;
  return info;
}

const MethodRegistration sp_registration{describe_sp()};

}  // namespace
}  // namespace cmkd
