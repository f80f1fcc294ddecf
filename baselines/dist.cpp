// dist — Huang et al. 2022, "Knowledge Distillation from A Stronger Teacher", arXiv 2205.10536.
//
//   p = softmax(s / T), q = softmax(t / T), ρ(a, b) = Pearson's correlation = ā·b̄ / (|ā| |b̄| + 1e-8), ā = a − mean a
//   L_inter = mean_i (1 − ρ(p_i, q_i)) over clips,     rows [C] of one clip's classes
//   L_intra = mean_c (1 − ρ(p_c, q_c)) over classes,   columns [B] of one class's clips
//   L_dist = T² (beta · L_inter + gamma · L_intra)
//   L = weight · L_dist + classification_weight · CE(s, y)
//
// s, t [B, C] logits. A row that is constant (a batch of one, a student that cannot tell the classes apart) correlates
// with nothing: its ρ is 0, as in the official code, and it passes no gradient, which there is up to 1e8.
//
// Differs: a constant row passes no gradient, where the official code has one of up to 1e8. The two losses are means
// over clips and classes as there.
#include <ATen/ATen.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> dist_parameters() {
  return {weight_parameter(0.5), classification_weight_parameter(),
          ParameterSpec::number("beta", 1.0, 0, 1e9, "Weight of the correlation over the classes of each clip."),
          ParameterSpec::number("gamma", 1.0, 0, 1e9, "Weight of the correlation over the clips of each class."),
          ParameterSpec::number("temperature", 1.0, 1e-3, 1e3, "T, which softens both distributions.")};
}

// mean over rows of 1 − ρ; both [N, D].
at::Tensor decorrelation(const at::Tensor& student, const at::Tensor& teacher) {
  constexpr double kEpsilon = 1e-8;
  const CentredRows own = centred_rows(student);
  const CentredRows other = centred_rows(teacher);
  const at::Tensor inner = (own.centred * other.centred).sum(1, /*keepdim=*/true);
  return 1 - (inner / (own.norm * other.norm + kEpsilon)).mean();
}

class Dist final : public Method {
 public:
  explicit Dist(const Parameters& values)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        beta_(values.number("beta")),
        gamma_(values.number("gamma")),
        temperature_(values.number("temperature")) {}

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const at::Tensor student = at::softmax(at_least_float(input.student.logits) / temperature_, 1);
    const at::Tensor teacher = at::softmax(at_least_float(input.teacher.logits) / temperature_, 1);
    const at::Tensor inter = decorrelation(student, teacher);
    const at::Tensor intra = decorrelation(student.t(), teacher.t());
    const at::Tensor dist = temperature_ * temperature_ * (beta_ * inter + gamma_ * intra);
    return {{student_classification(input, classification_weight_), {"dist", dist, weight_, {"student"}}},
            {{"dist_inter", inter.detach()}, {"dist_intra", intra.detach()}}};
  }

 private:
  double weight_;
  double classification_weight_;
  double beta_;
  double gamma_;
  double temperature_;
};

TensorMap check_dist(const VectorCase& vector_case) {
  Parameters values(dist_parameters());
  values.set("weight", 1.0);
  values.set("beta", vector_case.hyper("beta"));
  values.set("gamma", vector_case.hyper("gamma"));
  return check_pair_loss(vector_case, std::make_shared<Dist>(values), &ModelOutput::logits, "dist");
}

MethodInfo describe_dist() {
  MethodInfo info;
  info.id = "dist";
  info.title = "DIST";
  info.paper = "Huang et al. 2022, Knowledge Distillation from A Stronger Teacher, arXiv 2205.10536";
  info.formula =
      "L = weight T^2 (beta mean_clips(1 - rho) + gamma mean_classes(1 - rho)) + classification_weight CE(s, y), rho "
      "Pearson's correlation of softmax(s / T) and softmax(t / T) over classes, and over the batch";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = dist_parameters();
  info.presets["paper"] = {
      {"weight", 1.0}, {"classification_weight", 1.0}, {"beta", 1.0}, {"gamma", 1.0}, {"temperature", 1.0}};
  info.presets["suite"] = {
      {"weight", 0.5}, {"classification_weight", 1.0}, {"beta", 1.0}, {"gamma", 1.0}, {"temperature", 1.0}};
  info.search = {{"weight", 0.01, 10.0, true, {}}, {"gamma", 0.1, 10.0, true, {}}, {"temperature", 1.0, 8.0, true, {}}};
  info.unlabelled = "in the correlations, which need no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs, std::make_shared<Dist>(setup.parameters));
  };
  info.conformance["dist"] = check_dist;
  return info;
}

const MethodRegistration dist_registration{describe_dist()};

}  // namespace
}  // namespace cmkd
