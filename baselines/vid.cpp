// vid — Ahn et al. 2019, "Variational Information Distillation for Knowledge Transfer", arXiv 1904.05835, equations 4
// to 6.
//
//   L_vid = Σ over stage pairs of mean ½ ( (μ(F_s) − F_t)² / σ_c² + log σ_c² ),  σ_c² = log(1 + exp ρ_c) + ε, one a
//           channel of the teacher
//   μ  three 1 x 1 convolutions without bias, ReLU between them, learned; ρ learned, so that σ² begins at
//      `initial_variance`
//   L = weight · L_vid + classification_weight · CE(z, y)
//
// Deepest stage with deepest; the mean runs over clips, channels and positions. This suite's adaptation to two
// modalities: the positions are those of a common grid (maps.h).
#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> parameters() {
  return {weight_parameter(0.1), classification_weight_parameter(),
          ParameterSpec::number("initial_variance", 5.0, 1e-3, 1e3, "Variance of every channel before training."),
          ParameterSpec::number("epsilon", 1e-5, 1e-12, 1.0, "Least variance."), grid_parameter()};
}

// The bound for one pair of maps. Parameters are named as in the official module.
class PairBoundImpl final : public torch::nn::Module {
 public:
  PairBoundImpl(std::int64_t from, std::int64_t hidden, std::int64_t to, double initial_variance, double epsilon)
      : epsilon_(epsilon) {
    namespace nn = torch::nn;
    const auto layer = [](std::int64_t in, std::int64_t out) {
      return nn::Conv2d(nn::Conv2dOptions(in, out, 1).bias(false));
    };
    regressor_ = register_module("regressor", nn::Sequential(layer(from, hidden), nn::ReLU(), layer(hidden, hidden),
                                                             nn::ReLU(), layer(hidden, to)));
    log_scale_ = register_parameter("log_scale", at::full({to}, std::log(std::expm1(initial_variance - epsilon))));
  }

  at::Tensor forward(const MapPair& pair) {
    const at::Tensor variance = (at::softplus(log_scale_) + epsilon_).view({1, -1, 1, 1});
    const at::Tensor error = (regressor_->forward(pair.student) - pair.teacher).square();
    return 0.5 * (error / variance + variance.log()).mean();
  }

 private:
  double epsilon_;
  torch::nn::Sequential regressor_{nullptr};
  at::Tensor log_scale_;
};
TORCH_MODULE(PairBound);

class VariationalInformation final : public Method {
 public:
  // `channels`: student and teacher of each pair; the regressors' hidden width is the teacher's, or `hidden` when
  // given.
  VariationalInformation(const Parameters& values, const std::vector<std::pair<std::int64_t, std::int64_t>>& channels,
                         std::int64_t hidden = 0)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        grid_(parse_grid(values.text("grid"))) {
    for (const auto& [student, teacher] : channels) {
      bounds_.push_back(register_module("pair" + std::to_string(bounds_.size()),
                                        PairBound(student, hidden > 0 ? hidden : teacher, teacher,
                                                  values.number("initial_variance"), values.number("epsilon"))));
    }
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    at::Tensor sum = zero_of(input.student.logits);
    const std::vector<MapPair> pairs = stage_pairs(input, grid_);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const at::Tensor stage = bounds_.at(i)->forward(pairs[i]);
      result.diagnostics.push_back({"stage" + std::to_string(i), stage.detach()});
      sum = sum + stage;
    }
    result.terms.push_back({"variational", sum, weight_, {"student", "method"}});
    return result;
  }

  [[nodiscard]] std::shared_ptr<PairBoundImpl> bound(std::size_t index) { return bounds_.at(index).ptr(); }

 private:
  double weight_;
  double classification_weight_;
  Grid grid_;
  std::vector<PairBound> bounds_;
};

TensorMap check(const VectorCase& vector_case) {
  Parameters values(parameters());
  values.set("weight", 1.0);
  values.set("initial_variance", vector_case.hyper("initial_variance"));
  values.set("epsilon", vector_case.hyper("eps"));
  values.set("grid", std::string("plane"));
  const at::Tensor student = vector_case.leaf("student");
  MethodInput input = unlabelled_input(student.size(0));
  input.student.logits = at::zeros({student.size(0), 1}, at::kDouble);
  input.student.stages = {student};
  input.teacher.stages = {vector_case.at("teacher")};
  const auto method = std::make_shared<VariationalInformation>(
      values, std::vector<std::pair<std::int64_t, std::int64_t>>{{student.size(1), vector_case.at("teacher").size(1)}},
      vector_case.at("param.regressor.0.weight").size(0));
  load_case(*method->bound(0), vector_case);
  const StepResult result = method->loss(input, StepContext{});
  TensorMap computed = routed_gradients(result.terms, method->bound(0), {{"student", student}});
  computed.emplace("loss", weighted_term(result, "variational"));
  return computed;
}

MethodInfo describe() {
  MethodInfo info;
  info.id = "vid";
  info.title = "Variational Information Distillation";
  info.paper = "Ahn et al. 2019, Variational Information Distillation for Knowledge Transfer, arXiv 1904.05835";
  info.formula =
      "L = weight sum over stages of mean 1/2 ((mu(F_s) - F_t)^2 / sigma^2 + log sigma^2) + classification_weight "
      "CE(z, y), mu three learned 1 x 1 convolutions, sigma^2 learned a channel";
  info.verified = Verified::kLoss;
  info.parameters = parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"initial_variance", 5.0}};
  info.presets["suite"] = {{"weight", 0.1}, {"classification_weight", 1.0}, {"initial_variance", 5.0}};
  info.needs = stage_needs();
  info.search = {{"weight", 0.01, 3.0}};
  info.unlabelled = "in the variational bound, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(
        setup, needs, std::make_shared<VariationalInformation>(setup.parameters, stage_channel_pairs(setup, "vid")));
  };
  info.conformance["vid"] = check;
  return info;
}

const MethodRegistration registration{describe()};

}  // namespace
}  // namespace cmkd
