// rkd — Park et al. 2019, "Relational Knowledge Distillation", arXiv 1904.05068, equations 5 to 8.
//
//   distances   ψ_ij = |e_i − e_j| / μ, μ = mean over pairs i ≠ j;         L_D = mean smoothL1(ψ(s), ψ(t))
//   angles      A_ijk = cos of the angle at e_i between e_j and e_k;       L_A = mean smoothL1(A(s), A(t))
//   L_rkd = distance_weight · L_D + angle_weight · L_A
//   L = weight · L_rkd + classification_weight · CE(z, y)
//
// s [B, D_s], t [B, D_t] embeddings; the widths may differ, for only relations within a side are compared. Both means
// run over all entries [B, B] and [B, B, B], diagonals (zero on both sides) included, as in the official code.
//
// Differs: the means include the diagonals, as in the official code, where the paper sums over pairs and triples of
// different clips. The embedding is the pooled one of either modality.
#include <ATen/ATen.h>

#include <limits>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> rkd_parameters() {
  return {weight_parameter(0.03), classification_weight_parameter(),
          ParameterSpec::number("distance_weight", 25.0, 0, 1e9, "Weight of the distances within the loss."),
          ParameterSpec::number("angle_weight", 50.0, 0, 1e9, "Weight of the angles within the loss.")};
}

// Relations of one side, from the Gram matrix of its centred embeddings: no [B, B, D] tensor is made. Both relations
// depend on differences only, so that a constant centre changes neither value nor gradient; it keeps the Gram matrix
// free of a large common part that would cost digits.
struct Relations {
  explicit Relations(const at::Tensor& embedding) {
    const at::Tensor flat = embedding.flatten(1);
    const at::Tensor centred = flat - flat.detach().mean(0, /*keepdim=*/true);
    gram = at::mm(centred, centred.t());
    norms = gram.diagonal();
    squared = norms.unsqueeze(0) + norms.unsqueeze(1) - 2 * gram;
    same_clip = at::eye(flat.size(0), flat.options().dtype(at::kBool));
  }

  // [B, B]. Coinciding clips are 1e-6 apart, as in the official code; a clip from itself, 0.
  [[nodiscard]] at::Tensor distances() const {
    const double pairs = static_cast<double>(gram.numel() - gram.size(0));
    const at::Tensor distance = squared.clamp_min(1e-12).sqrt().masked_fill(same_clip, 0);
    return distance / (distance.sum() / pairs);
  }

  // [B, B, B], (e_j − e_i)·(e_k − e_i) / (|e_j − e_i| |e_k − e_i|). A side of length zero has no direction: its angles
  // are 0 without gradient. What cancels to rounding noise counts as zero.
  [[nodiscard]] at::Tensor angles() const {
    const double noise = gram.scalar_type() == at::kDouble ? 16 * std::numeric_limits<double>::epsilon()
                                                           : 16 * std::numeric_limits<float>::epsilon();
    const at::Tensor scale = (norms.unsqueeze(0) + norms.unsqueeze(1)).detach();
    const at::Tensor no_side = (squared.detach() <= noise * scale).logical_or(same_clip);
    const at::Tensor inverse = squared.masked_fill(no_side, 1).rsqrt().masked_fill(no_side, 0);
    const at::Tensor inner = gram.unsqueeze(0) - gram.unsqueeze(2) - gram.unsqueeze(1) + norms.view({-1, 1, 1});
    return inner * inverse.unsqueeze(2) * inverse.unsqueeze(1);
  }

  at::Tensor gram;       // [B, B]
  at::Tensor norms;      // [B], squared
  at::Tensor squared;    // [B, B] squared distances
  at::Tensor same_clip;  // [B, B] bool
};

class RelationalDistillation final : public Method {
 public:
  explicit RelationalDistillation(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        distance_weight_(values.number("distance_weight")),
        angle_weight_(values.number("angle_weight")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    const at::Tensor relational = relational_loss(input.student.embedding, input.teacher.embedding, result);
    result.terms.push_back({"rkd", relational, weight_, {"student"}});
    return result;
  }

 private:
  [[nodiscard]] at::Tensor relational_loss(const at::Tensor& student, const at::Tensor& teacher,
                                           StepResult& result) const {
    if (student.size(0) < 2) return zero_of(student);  // one clip has no relations
    const Relations own(student);
    const Relations other(teacher);
    const at::Tensor distance = at::smooth_l1_loss(own.distances(), other.distances());
    const at::Tensor angle = at::smooth_l1_loss(own.angles(), other.angles());
    result.diagnostics = {{"rkd_distance", distance.detach()}, {"rkd_angle", angle.detach()}};
    return distance_weight_ * distance + angle_weight_ * angle;
  }

  double weight_;
  double classification_weight_;
  double distance_weight_;
  double angle_weight_;
};

TensorMap check_rkd(const VectorCase& vector_case) {
  Parameters values(rkd_parameters());
  values.set("weight", 1.0);
  values.set("distance_weight", vector_case.hyper("distance_weight"));
  values.set("angle_weight", vector_case.hyper("angle_weight"));
  return check_pair_loss(vector_case, std::make_shared<RelationalDistillation>(values), &ModelOutput::embedding, "rkd");
}

MethodInfo describe_rkd() {
  MethodInfo info;
  info.id = "rkd";
  info.title = "Relational Knowledge Distillation";
  info.paper = "Park et al. 2019, Relational Knowledge Distillation, arXiv 1904.05068";
  info.formula =
      "L = weight (distance_weight smoothL1(distances / their mean) + angle_weight smoothL1(cosines of angles)) + "
      "classification_weight CE(z, y), relations of embeddings within the batch";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = rkd_parameters();
  info.presets["paper"] = {
      {"weight", 1.0}, {"classification_weight", 1.0}, {"distance_weight", 25.0}, {"angle_weight", 50.0}};
  info.presets["suite"] = {
      {"weight", 0.03}, {"classification_weight", 1.0}, {"distance_weight", 25.0}, {"angle_weight", 50.0}};
  info.search = {{"weight", 3e-4, 1.0}};
  info.multi_label = true;
  info.unlabelled = "in the relational loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<RelationalDistillation>(setup.parameters));
  };
  info.conformance["rkd"] = check_rkd;
  return info;
}

const MethodRegistration rkd_registration{describe_rkd()};

}  // namespace
}  // namespace cmkd
