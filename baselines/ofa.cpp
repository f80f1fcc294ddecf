// ofa — Hao et al. 2023, "One-for-All: Bridge the Gap Between Heterogeneous Architectures in Knowledge Distillation",
// arXiv 2310.19444.
//
//   L_ofa(x) = mean_i −Σ_c ((q_ic + y_ic)^ε − y_ic) · log softmax(x / T)_ic, q = softmax(t / T), y one-hot
//   x_k = W_k · pool(stage_k) + b_k: a projector from each stage of the student to the C classes
//   L = weight · (L_ofa(s; epsilon) + stage_weight · Σ_k L_ofa(x_k; stage_epsilon)) + classification_weight · CE(s, y)
//
// s, t [B, C] logits, stages [B, C_k, ...] of the student alone: what is compared are logits, so that no map of the
// teacher is needed. ε above 1 raises the target class against the others. The student receives the gradient of all
// branches, the projectors ("method") that of their own.
//
// Differs: each stage is averaged over its own axes (video: time and plane; audio: frequency and time) and then
// classified linearly, for any backbone. Settled against the official code (github.com/Hao840/OFAKD,
// distillers/ofa.py, commit 12eeba86): the loss, an exponent for each stage, and linear layers that begin at a
// truncated normal of deviation 0.02 (here an untruncated one) are as it runs; its projectors put separable
// convolutions for pictures, or patch merging and transformer blocks, before pooling and linear layer, which are not
// here: they are built for square pictures and patch grids. A clip that is a class of its own (unlabelled = instance)
// has y = 0. The vectors check L_ofa, not the projectors.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/linear.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> ofa_parameters() {
  return {weight_parameter(0.3),
          classification_weight_parameter(),
          ParameterSpec::number("epsilon", 1.0, 0.1, 10, "Exponent of the teacher's probabilities, final logits."),
          ParameterSpec::number("stage_epsilon", 1.0, 0.1, 10, "The same exponent in the stages' branches."),
          ParameterSpec::number("stage_weight", 1.0, 0, 1e9, "Weight of each stage's branch within the loss."),
          ParameterSpec::number("temperature", 1.0, 1e-3, 1e3, "T, which softens both distributions."),
          unlabelled_parameter()};
}

class OneForAll final : public Method {
 public:
  // `stage_channels`: of the student's stages, shallow to deep; a branch for each.
  OneForAll(const Parameters& values, const std::vector<std::int64_t>& stage_channels, std::int64_t classes)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        epsilon_(values.number("epsilon")),
        stage_epsilon_(values.number("stage_epsilon")),
        stage_weight_(values.number("stage_weight")),
        temperature_(values.number("temperature")),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))) {
    for (const std::int64_t channels : stage_channels) {
      torch::nn::Linear projector(channels, classes);
      torch::nn::init::normal_(projector->weight, 0, 0.02);  // the official projectors' initialisation
      torch::nn::init::zeros_(projector->bias);
      projectors_.push_back(register_module(fmt::format("projector{}", projectors_.size()), projector));
    }
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const at::Tensor teacher = at::softmax(at_least_float(input.teacher.logits) / temperature_, 1);
    const at::Tensor target = label_mask(labels.labels, teacher.size(1)).to(teacher.scalar_type());
    const auto branch = [&](const at::Tensor& logits, double epsilon) {
      const at::Tensor factor = (teacher + target).pow(epsilon) - target;
      const at::Tensor rows = -(factor * at::log_softmax(at_least_float(logits) / temperature_, 1)).sum(1);
      return mean_where(rows, labels.contrasted);
    };
    // All terms name the same groups, so that one backward pass serves them; only the branches reach the projectors.
    const std::vector<std::string> both{"student", "method"};
    StepResult result;
    result.terms = {student_classification(input, classification_weight_),
                    {"ofa", branch(input.student.logits, epsilon_), weight_, both}};
    result.terms.front().trains = both;
    for (std::size_t i = 0; i < projectors_.size(); ++i) {
      const at::Tensor logits = projectors_[i]->forward(input.student.stages.at(i).flatten(2).mean(2));
      result.terms.push_back(
          {fmt::format("ofa_stage{}", i), branch(logits, stage_epsilon_), weight_ * stage_weight_, both});
    }
    return result;
  }

 private:
  double weight_;
  double classification_weight_;
  double epsilon_;
  double stage_epsilon_;
  double stage_weight_;
  double temperature_;
  UnlabelledPolicy unlabelled_;
  std::vector<torch::nn::Linear> projectors_;
};

TensorMap check_ofa(const VectorCase& vector_case) {
  Parameters values(ofa_parameters());
  values.set("weight", 1.0);
  values.set("classification_weight", 0.0);
  values.set("epsilon", vector_case.hyper("epsilon"));
  values.set("temperature", vector_case.hyper("temperature"));
  const at::Tensor student = vector_case.leaf("student");
  MethodInput input = labelled_input(vector_case.at("targets"));
  input.student.logits = student;
  input.teacher.logits = vector_case.at("teacher");
  const StepResult result = OneForAll(values, {}, student.size(1)).loss(input, StepContext{});
  TensorMap computed = routed_gradients(result.terms, nullptr, {{"student", student}});
  computed.emplace("loss", weighted_term(result, "ofa"));
  return computed;
}

std::vector<std::int64_t> required_stages(const TrainingSetup& setup) {
  if (!setup.student_shape.stage_channels.empty()) return setup.student_shape.stage_channels;
  throw Error(ErrorKind::kUsage, {"method 'ofa' gives each stage of the student a branch, and this student shows none",
                                  "", "", "take another student, or leave the method out"});
}

MethodInfo describe_ofa() {
  MethodInfo info;
  info.id = "ofa";
  info.title = "One-for-All Knowledge Distillation";
  info.paper =
      "Hao et al. 2023, One-for-All: Bridge the Gap Between Heterogeneous Architectures in Knowledge Distillation, "
      "arXiv 2310.19444";
  info.formula =
      "L = weight (O(s) + stage_weight sum over stages O(W pool(stage) + b)) + classification_weight CE(s, y), O(x) = "
      "-sum(((softmax(t / T) + y)^epsilon - y) log softmax(x / T))";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = ofa_parameters();
  info.presets["paper"] = {{"weight", 1.0},        {"classification_weight", 1.0}, {"epsilon", 1.0},
                           {"stage_epsilon", 1.0}, {"stage_weight", 1.0},          {"temperature", 1.0}};
  info.presets["suite"] = {{"weight", 0.3},        {"classification_weight", 1.0}, {"epsilon", 1.0},
                           {"stage_epsilon", 1.0}, {"stage_weight", 1.0},          {"temperature", 1.0}};
  info.needs.student_stages = true;
  info.search = {
      {"weight", 0.01, 5.0, true, {}}, {"stage_weight", 0.01, 3.0, true, {}}, {"epsilon", 1.0, 1.5, false, {}}};
  info.unlabelled =
      "setting 'unlabelled', for all branches of the distillation loss: the teacher's argmax stands for the label "
      "(pseudo, default), the clip leaves them (skip), or it has no target class (instance). The cross-entropy sees "
      "labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(setup, needs,
                             std::make_shared<OneForAll>(setup.parameters, required_stages(setup), setup.classes));
  };
  info.conformance["ofa"] = check_ofa;
  return info;
}

const MethodRegistration ofa_registration{describe_ofa()};

}  // namespace
}  // namespace cmkd
