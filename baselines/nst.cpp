// nst — Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", arXiv 1707.01219,
// equations 6 and 8 (maximum mean discrepancy, polynomial kernel of degree 2 and offset 0).
//
//   k(f, g) = (f · g)², f and g [H·W] the map of a channel divided by its norm
//   L_nst = Σ over stages of the mean over clips of
//           mean_ij k(s_i, s_j) + mean_ij k(t_i, t_j) − 2 mean_ij k(s_i, t_j), i and j channels
//   L = weight · L_nst + classification_weight · CE(z, y)
//
// F_s [B, C_s, H, W], F_t [B, C_t, H, W]: every stage of both networks, deepest with deepest; the numbers of channels
// may differ.
//
// Differs: maps of two modalities are compared on a common grid (parameter `grid`), since all they share is time.
// Where that grid has a single position, a channel's selectivity is only its sign, and the stage teaches nothing.
#include <ATen/ATen.h>

#include <algorithm>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> nst_parameters() {
  return {weight_parameter(0.5), classification_weight_parameter(), grid_parameter()};
}

// Mean over clips and pairs of channels of (a_i · b_j)². a [B, C_a, N], b [B, C_b, N].
at::Tensor mean_kernel(const at::Tensor& a, const at::Tensor& b) {
  return at::bmm(a, b.transpose(1, 2)).square().mean();
}

// [B, C, N] -> [B, N, N]: how the positions go together, averaged over the channels.
at::Tensor position_gram(const at::Tensor& selectivity) {
  return at::bmm(selectivity.transpose(1, 2), selectivity) / static_cast<double>(selectivity.size(1));
}

// Σ_ij (a_i · b_j)² is the inner product of AᵀA and BᵀB, so that the three kernels together are a squared distance of
// two [N, N] matrices: cheaper where there are fewer positions than channels. Else Gram matrices of channels.
at::Tensor discrepancy(const MapPair& pair) {
  const at::Tensor student = unit_rows(pair.student.flatten(2));
  const at::Tensor teacher = unit_rows(pair.teacher.flatten(2));
  if (student.size(2) <= std::max(student.size(1), teacher.size(1))) {
    return (position_gram(student) - position_gram(teacher)).square().sum({1, 2}).mean();
  }
  return mean_kernel(student, student) + mean_kernel(teacher, teacher) - 2 * mean_kernel(student, teacher);
}

class NeuronSelectivity final : public Method {
 public:
  explicit NeuronSelectivity(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        grid_(parse_grid(values.text("grid"))) {}

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& student) const override {
    return teacher_on_common_grid(stages, student, grid_);
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    at::Tensor sum = zero_of(input.student.stages.back());
    for (const MapPair& pair : stage_pairs(input, grid_)) {
      const at::Tensor stage = discrepancy(pair);
      result.diagnostics.push_back({"stage" + std::to_string(result.diagnostics.size()), stage.detach()});
      sum = sum + stage;
    }
    result.terms.push_back({"selectivity", sum, weight_, {"student"}});
    return result;
  }

 private:
  double weight_;
  double classification_weight_;
  Grid grid_;
};

TensorMap check_nst(const VectorCase& vector_case) {
  Parameters values(nst_parameters());
  values.set("weight", 1.0);
  values.set("grid", std::string("plane"));
  return check_stage_loss(vector_case, std::make_shared<NeuronSelectivity>(values), "selectivity");
}

MethodInfo describe_nst() {
  MethodInfo info;
  info.id = "nst";
  info.title = "Neuron Selectivity Transfer";
  info.paper =
      "Huang and Wang 2017, Like What You Like: Knowledge Distill via Neuron Selectivity Transfer, arXiv 1707.01219";
  info.formula =
      "L = weight sum over stages of MMD^2(s, t) + classification_weight CE(z, y), kernel (f . g)^2 between the "
      "normalised maps of channels; maps on the common grid of both modalities";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = nst_parameters();
  info.presets["paper"] = {{"weight", 50.0}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 0.5}, {"classification_weight", 1.0}};
  info.needs = stage_needs();
  info.search = {{"weight", 0.005, 50.0}, {"grid", 0, 0, false, {std::string("time"), std::string("plane")}}};
  info.multi_label = true;
  info.unlabelled = "in the selectivity loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    (void)stage_channel_pairs(setup, "nst");  // refuses models without stages
    return make_distillation(setup, needs, std::make_shared<NeuronSelectivity>(setup.parameters));
  };
  info.conformance["nst"] = check_nst;
  return info;
}

const MethodRegistration nst_registration{describe_nst()};

}  // namespace
}  // namespace cmkd
