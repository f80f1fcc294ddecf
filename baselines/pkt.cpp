// pkt — Passalis and Tefas 2018, "Learning Deep Representations with Probabilistic Knowledge Transfer", arXiv
// 1803.10837, equations 3 to 8, with the cosine kernel.
//
//   K_ij = (cos(x_i, x_j) + 1) / 2,  p_i = K_i / Σ_j K_ij, one distribution a clip over the batch, itself included
//   L_pkt = mean_ij p_ij(t) log((p_ij(t) + ε) / (p_ij(s) + ε)), ε = 1e-7
//   L = weight · L_pkt + classification_weight · CE(z, y)
//
// s [B, D_s], t [B, D_t] embeddings; the widths may differ. The mean runs over all B² pairs and ε stands in the norms,
// too, as in the official code.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

constexpr double kEpsilon = 1e-7;

std::vector<ParameterSpec> parameters() { return {weight_parameter(100.0), classification_weight_parameter()}; }

// [B, D] -> [B, B], rows that sum to one. An embedding of length zero has no direction: cosine 0 to all, no gradient.
at::Tensor similarity_distribution(const at::Tensor& embedding) {
  const at::Tensor squared = embedding.square().sum(1, /*keepdim=*/true);
  const at::Tensor none = squared.detach().eq(0);
  const at::Tensor norm = squared.masked_fill(none, 1).sqrt();
  const at::Tensor rows = (embedding / (norm + kEpsilon)).masked_fill(none, 0);
  const at::Tensor kernel = (at::mm(rows, rows.t()) + 1) / 2;
  return kernel / kernel.sum(1, /*keepdim=*/true);
}

class ProbabilisticTransfer final : public Method {
 public:
  explicit ProbabilisticTransfer(const Parameters& values)
      : weight_(values.number("weight")), classification_weight_(values.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor student = similarity_distribution(input.student.embedding);
    const at::Tensor teacher = similarity_distribution(input.teacher.embedding);
    // Rounding can leave the kernel of opposite embeddings a little below zero, which half precision makes larger.
    const at::Tensor ratio = (teacher.clamp_min(0) + kEpsilon) / (student.clamp_min(0) + kEpsilon);
    const at::Tensor divergence = (teacher * ratio.log()).mean();
    return {
        {student_classification(input, classification_weight_), {"probabilistic", divergence, weight_, {"student"}}},
        {}};
  }

 private:
  double weight_;
  double classification_weight_;
};

TensorMap check(const VectorCase& vector_case) {
  Parameters values(parameters());
  values.set("weight", 1.0);
  return check_pair_loss(vector_case, std::make_shared<ProbabilisticTransfer>(values), &ModelOutput::embedding,
                         "probabilistic");
}

MethodInfo describe() {
  MethodInfo info;
  info.id = "pkt";
  info.title = "Probabilistic Knowledge Transfer";
  info.paper =
      "Passalis and Tefas 2018, Learning Deep Representations with Probabilistic Knowledge Transfer, arXiv 1803.10837";
  info.formula =
      "L = weight mean_ij p_ij(t) log(p_ij(t) / p_ij(s)) + classification_weight CE(z, y), p_i = (cos(x_i, x_j) + 1) / "
      "2 "
      "over the batch, normalised to sum 1";
  info.verified = Verified::kLoss;
  info.parameters = parameters();
  info.presets["paper"] = {{"weight", 30000.0}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 100.0}, {"classification_weight", 1.0}};
  info.search = {{"weight", 1.0, 30000.0}};
  info.unlabelled = "in the divergence of similarities, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<ProbabilisticTransfer>(setup.parameters));
  };
  info.conformance["pkt"] = check;
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
