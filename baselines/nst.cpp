// nst — Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", arXiv 1707.01219,
// equations 5 to 7, with the polynomial kernel.
//
//   each channel of a map, flattened over positions and divided by its norm, is one sample: f_c
//   L_nst = Σ over stage pairs of mean k(t, t) + mean k(s, s) − 2 mean k(s, t),  k(x, y) = (xᵀ y)², means over clips
//   and
//           pairs of channels
//   L = weight · L_nst + classification_weight · CE(z, y)
//
// Deepest stage with deepest; channel numbers may differ. This suite's adaptation to two modalities: the positions are
// those of a common grid (maps.h). Inner products come from one product of matrices a clip.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> parameters() {
  return {weight_parameter(1.0), classification_weight_parameter(), grid_parameter()};
}

// Mean over clips and channel pairs of the squared inner product; rows [B, C, N], [B, C', N].
at::Tensor mean_kernel(const at::Tensor& a, const at::Tensor& b) {
  return at::bmm(a, b.transpose(1, 2)).square().mean();
}

class NeuronSelectivity final : public Method {
 public:
  explicit NeuronSelectivity(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        grid_(parse_grid(values.text("grid"))) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    at::Tensor sum = zero_of(input.student.logits);
    for (const MapPair& pair : stage_pairs(input, grid_)) {
      const at::Tensor student = unit_rows(pair.student.flatten(2));
      const at::Tensor teacher = unit_rows(pair.teacher.flatten(2));
      const at::Tensor stage =
          mean_kernel(teacher, teacher) + mean_kernel(student, student) - 2 * mean_kernel(student, teacher);
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

TensorMap check(const VectorCase& vector_case) {
  Parameters values(parameters());
  values.set("weight", 1.0);
  values.set("grid", std::string("plane"));
  return check_stage_loss(vector_case, std::make_shared<NeuronSelectivity>(values), "selectivity");
}

MethodInfo describe() {
  MethodInfo info;
  info.id = "nst";
  info.title = "Neuron Selectivity Transfer";
  info.paper =
      "Huang and Wang 2017, Like What You Like: Knowledge Distill via Neuron Selectivity Transfer, arXiv 1707.01219";
  info.formula =
      "L = weight sum over stages of MMD^2 of the channels' normalised activations under k(x, y) = (x y)^2 + "
      "classification_weight CE(z, y)";
  info.verified = Verified::kLoss;
  info.parameters = parameters();
  info.presets["paper"] = {{"weight", 50.0}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 1.0}, {"classification_weight", 1.0}};
  info.needs = stage_needs();
  info.search = {{"weight", 0.03, 50.0}};
  info.unlabelled = "in the discrepancy of activations, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    (void)stage_channel_pairs(setup, "nst");
    return make_distillation(setup, needs, std::make_shared<NeuronSelectivity>(setup.parameters));
  };
  info.conformance["nst"] = check;
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
