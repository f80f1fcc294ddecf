// pkt — Passalis and Tefas 2018, "Learning Deep Representations with Probabilistic Knowledge Transfer", arXiv
// 1803.10837, equations 4 to 6 with the cosine kernel.
//
//   K_ij = (1 + ê_i · ê_j) / 2, ê = e / (|e| + ε);   p_ij = K_ij / Σ_j K_ij
//   L_pkt = mean over all i, j of p_ij(t) · log((p_ij(t) + ε) / (p_ij(s) + ε)), ε = 1e-7
//   L = weight · L_pkt + classification_weight · CE(z, y)
//
// s [B, D_s], t [B, D_t] embeddings; the widths may differ, for only similarities within a side are compared. The mean
// over all B² entries is the official code's, and the reason for the large weight.
//
// Differs: the mean over all B² entries is the official code's, where the paper sums; hence the large weight. The
// embedding is the pooled one of either modality.
#include <ATen/ATen.h>

#include <limits>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

constexpr double kPktEpsilon = 1e-7;

std::vector<ParameterSpec> pkt_parameters() { return {weight_parameter(1000.0), classification_weight_parameter()}; }

// [B, D] -> [B, B], rows that sum to one. Half precision cannot hold ε: it is widened. An embedding of length zero is
// similar to none and passes no gradient.
at::Tensor neighbour_probabilities(const at::Tensor& embedding) {
  const bool wide = embedding.scalar_type() == at::kDouble || embedding.scalar_type() == at::kFloat;
  const at::Tensor rows = embedding.flatten(1).to(wide ? embedding.scalar_type() : at::kFloat);
  const at::Tensor norm = at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, /*keepdim=*/true);
  const at::Tensor unit =
      rows / (norm + kPktEpsilon).masked_fill(norm < 1e-12, std::numeric_limits<double>::infinity());
  const at::Tensor kernel = (at::mm(unit, unit.t()) + 1) / 2;
  return kernel / kernel.sum(1, /*keepdim=*/true);
}

class ProbabilisticTransfer final : public Method {
 public:
  explicit ProbabilisticTransfer(const Parameters& values)
      : weight_(values.number("weight")), classification_weight_(values.number("classification_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    // Rounding may take the kernel of opposite embeddings below zero by an epsilon of the type, far less than ε.
    const at::Tensor own = neighbour_probabilities(input.student.embedding);
    const at::Tensor other = neighbour_probabilities(input.teacher.embedding);
    const at::Tensor divergence = (other * ((other + kPktEpsilon) / (own + kPktEpsilon)).log()).mean();
    return {{student_classification(input, classification_weight_), {"pkt", divergence, weight_, {"student"}}}, {}};
  }

 private:
  double weight_;
  double classification_weight_;
};

TensorMap check_pkt(const VectorCase& vector_case) {
  Parameters values(pkt_parameters());
  values.set("weight", 1.0);
  return check_pair_loss(vector_case, std::make_shared<ProbabilisticTransfer>(values), &ModelOutput::embedding, "pkt");
}

MethodInfo describe_pkt() {
  MethodInfo info;
  info.id = "pkt";
  info.title = "Probabilistic Knowledge Transfer";
  info.paper =
      "Passalis and Tefas 2018, Learning Deep Representations with Probabilistic Knowledge Transfer, arXiv 1803.10837";
  info.formula =
      "L = weight mean_ij p_ij(t) log(p_ij(t) / p_ij(s)) + classification_weight CE(z, y), p_ij the cosine similarity "
      "of clips i and j, moved to [0, 1] and divided by its row's sum";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = pkt_parameters();
  info.presets["paper"] = {{"weight", 30000.0}, {"classification_weight", 1.0}};
  info.presets["suite"] = {{"weight", 1000.0}, {"classification_weight", 1.0}};
  info.search = {{"weight", 10.0, 100000.0}, {"classification_weight", 0.3, 3.0}};
  info.multi_label = true;
  info.unlabelled = "in the transfer loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<ProbabilisticTransfer>(setup.parameters));
  };
  info.conformance["pkt"] = check_pkt;
  return info;
}

const MethodRegistration pkt_registration{describe_pkt()};

}  // namespace
}  // namespace cmkd
