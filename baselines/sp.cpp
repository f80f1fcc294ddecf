// sp — Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation", arXiv 1907.09682, equations 1 to 4.
//
//   G = N(F Fᵀ), F [B, ...] the features of a batch, flattened; N divides each row by its norm
//   L_sp = Σ over stage pairs of ‖G_s − G_t‖²_F / B²
//   L = weight · L_sp + classification_weight · CE(z, y)
//
// The features are the last maps of both networks (`stages` counts further ones, deepest with deepest). Only
// similarities within a side are compared, so that widths and axes may differ and no common grid is needed.
#include <ATen/ATen.h>

#include <algorithm>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> parameters() {
  return {weight_parameter(30.0), classification_weight_parameter(),
          ParameterSpec::integer("stages", 1, 1, 16, "How many of the last stages are compared.", "stages")};
}

// [B, ...] -> [B, B], rows of length one
at::Tensor similarity(const at::Tensor& features) {
  const at::Tensor flat = features.flatten(1);
  return unit_rows(at::mm(flat, flat.t()));
}

class SimilarityPreserving final : public Method {
 public:
  explicit SimilarityPreserving(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        stages_(static_cast<std::size_t>(values.integer("stages"))) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    const auto& student = input.student.stages;
    const auto& teacher = input.teacher.stages;
    const std::size_t count = std::min({stages_, student.size(), teacher.size()});
    at::Tensor sum = zero_of(input.student.logits);
    for (std::size_t i = 0; i < count; ++i) {
      const at::Tensor stage = at::mse_loss(similarity(student[student.size() - count + i]),
                                            similarity(teacher[teacher.size() - count + i]));
      result.diagnostics.push_back({"stage" + std::to_string(i), stage.detach()});
      sum = sum + stage;
    }
    result.terms.push_back({"similarity", sum, weight_, {"student"}});
    return result;
  }

 private:
  double weight_;
  double classification_weight_;
  std::size_t stages_;
};

TensorMap check(const VectorCase& vector_case) {
  Parameters values(parameters());
  values.set("weight", 1.0);
  values.set("stages", std::int64_t{16});  // all that the case holds
  return check_stage_loss(vector_case, std::make_shared<SimilarityPreserving>(values), "similarity");
}

MethodInfo describe() {
  MethodInfo info;
  info.id = "sp";
  info.title = "Similarity-Preserving Knowledge Distillation";
  info.paper = "Tung and Mori 2019, Similarity-Preserving Knowledge Distillation, arXiv 1907.09682";
  info.formula =
      "L = weight sum over stages of ||G_s - G_t||_F^2 / B^2 + classification_weight CE(z, y), G = F F^T of the batch "
      "with rows of length one";
  info.verified = Verified::kLoss;
  info.parameters = parameters();
  info.presets["paper"] = {{"weight", 3000.0}, {"classification_weight", 1.0}, {"stages", std::int64_t{1}}};
  info.presets["suite"] = {{"weight", 30.0}, {"classification_weight", 1.0}, {"stages", std::int64_t{1}}};
  info.needs = stage_needs();
  info.search = {{"weight", 1.0, 3000.0}};
  info.unlabelled = "in the similarity loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    (void)stage_channel_pairs(setup, "sp", static_cast<std::size_t>(setup.parameters.integer("stages")));
    return make_distillation(setup, needs, std::make_shared<SimilarityPreserving>(setup.parameters));
  };
  info.conformance["sp"] = check;
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
