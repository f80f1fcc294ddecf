// vid — Ahn et al. 2019, "Variational Information Distillation for Knowledge Transfer", arXiv 1904.05835, equations 4
// to 6.
//
//   μ = R(F_s), R three 1x1 convolutions without bias and two ReLUs between them; σ²_c = softplus(ρ_c) + ε
//   L_vid = Σ over stages of mean ½ ((μ − F_t)² / σ²_c + log σ²_c), over clips, channels and positions
//   L = weight · L_vid + classification_weight · CE(z, y)
//
// F_s [B, C_s, H, W], F_t [B, C_t, H, W]: every stage of both networks, deepest with deepest, each with a regressor R
// (C_s -> C_t -> C_t -> C_t, as the official code calls it) and a variance per channel of its own, trained with the
// student.
//
// Differs: maps of two modalities are compared on a common grid (parameter `grid`), since all they share is time. The
// variance is one per channel, as in the official code.
#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>
#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> vid_parameters() {
  return {weight_parameter(0.3), classification_weight_parameter(),
          ParameterSpec::number("initial_variance", 5.0, 1e-3, 1e6, "Variance of every channel at the start."),
          ParameterSpec::number("eps", 1e-5, 1e-8, 1e-4, "Least variance."), grid_parameter()};
}

constexpr double kLinearFrom = 40.0;  // log(1 + e^x) is x there, to the last digit of float64

struct PairWidths {
  std::int64_t student;
  std::int64_t hidden;
  std::int64_t teacher;
};

torch::nn::Conv2d pointwise(std::int64_t from, std::int64_t to) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 1).bias(false));
}

// A Gaussian of the teacher's map given the student's.
class VariationalPairImpl final : public torch::nn::Module {
 public:
  VariationalPairImpl(const PairWidths& widths, double initial_variance, double epsilon) : epsilon_(epsilon) {
    // Made one after the other: the order of a call's arguments, and so of their random weights, is the compiler's. The
    // last first, as GCC has always had it.
    const torch::nn::Conv2d third = pointwise(widths.hidden, widths.teacher);
    const torch::nn::Conv2d second = pointwise(widths.hidden, widths.hidden);
    const torch::nn::Conv2d first = pointwise(widths.student, widths.hidden);
    regressor_ =
        register_module("regressor", torch::nn::Sequential(first, torch::nn::ReLU(), second, torch::nn::ReLU(), third));
    // ρ with softplus(ρ) + ε the initial variance.
    const double scale = std::log(std::expm1(std::min(initial_variance - epsilon, 30.0))) +
                         std::max(initial_variance - epsilon - 30.0, 0.0);
    log_scale_ = register_parameter("log_scale", at::full({widths.teacher}, scale, at::kFloat));
  }

  // −log of the density of `teacher`, without the constant; the mean over all values.
  at::Tensor forward(const MapPair& pair) {
    const at::Tensor variance = (at::softplus(log_scale_, 1, kLinearFrom) + epsilon_).view({1, -1, 1, 1});
    const at::Tensor error = regressor_->forward(pair.student) - pair.teacher;
    return 0.5 * ((error.square() / variance).mean() + variance.log().mean());
  }

  [[nodiscard]] at::Tensor mean_variance() const {
    return (at::softplus(log_scale_.detach(), 1, kLinearFrom) + epsilon_).mean();
  }

 private:
  double epsilon_;
  torch::nn::Sequential regressor_{nullptr};
  at::Tensor log_scale_;  // [C_t], ρ
};
TORCH_MODULE(VariationalPair);

class VariationalInformation final : public Method {
 public:
  VariationalInformation(const Parameters& values, const std::vector<PairWidths>& widths)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        grid_(parse_grid(values.text("grid"))) {
    for (const PairWidths& pair : widths) {
      const std::string name = "pair" + std::to_string(pairs_.size());
      const VariationalPair made(pair, values.number("initial_variance"), values.number("eps"));
      pairs_.push_back(register_module(name, made));
    }
  }

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& student) const override {
    return teacher_on_common_grid(stages, student, grid_);
  }

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    StepResult result{{student_classification(input, classification_weight_)}, {}};
    at::Tensor sum = zero_of(input.student.stages.back());
    const std::vector<MapPair> maps = stage_pairs(input, grid_);
    for (std::size_t i = 0; i < maps.size(); ++i) {
      const at::Tensor stage = pairs_.at(i)->forward(maps[i]);
      result.diagnostics.push_back({"stage" + std::to_string(i), stage.detach()});
      result.diagnostics.push_back({"variance" + std::to_string(i), pairs_[i]->mean_variance()});
      sum = sum + stage;
    }
    result.terms.push_back({"variational", sum, weight_, {"student", "method"}});
    return result;
  }

  [[nodiscard]] const std::vector<VariationalPair>& pairs() const { return pairs_; }

 private:
  double weight_;
  double classification_weight_;
  Grid grid_;
  std::vector<VariationalPair> pairs_;
};

// The official module is one pair: its names are those of pair 0.
TensorMap check_vid(const VectorCase& vector_case) {
  Parameters values(vid_parameters());
  values.set("weight", 1.0);
  values.set("initial_variance", vector_case.hyper("initial_variance"));
  values.set("eps", vector_case.hyper("eps"));
  values.set("grid", std::string("plane"));
  const at::Tensor student = vector_case.leaf("student");
  const at::Tensor& teacher = vector_case.at("teacher");
  const std::int64_t hidden = vector_case.at("param.regressor.0.weight").size(0);
  const auto method = std::make_shared<VariationalInformation>(
      values, std::vector<PairWidths>{{student.size(1), hidden, teacher.size(1)}});
  VariationalPair pair = method->pairs().front();
  load_case(*pair, vector_case);
  MethodInput input = unlabelled_input(student);
  input.student.stages = {student};
  input.teacher.stages = {teacher};
  const StepResult result = method->loss(input, StepContext{});
  TensorMap computed = routed_gradients(result.terms, pair.ptr(), {{"student", student}});
  computed.emplace("loss", weighted_term(result, "variational"));
  return computed;
}

MethodInfo describe_vid() {
  MethodInfo info;
  info.id = "vid";
  info.title = "Variational Information Distillation";
  info.paper = "Ahn et al. 2019, Variational Information Distillation for Knowledge Transfer, arXiv 1904.05835";
  info.formula =
      "L = weight sum over stages of mean(((R(F_s) - F_t)^2 / var + log var) / 2) + classification_weight CE(z, y), R "
      "a learned regressor, var a learned variance per channel; maps on the common grid of both modalities";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = vid_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"initial_variance", 5.0}, {"eps", 1e-5}};
  info.presets["suite"] = {{"weight", 0.3}, {"classification_weight", 1.0}, {"initial_variance", 5.0}, {"eps", 1e-5}};
  info.needs = stage_needs();
  info.search = {{"weight", 0.01, 10.0},
                 {"initial_variance", 0.1, 10.0},
                 {"grid", 0, 0, false, {std::string("time"), std::string("plane")}}};
  info.multi_label = true;
  info.unlabelled = "in the variational loss, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    std::vector<PairWidths> widths;
    for (const auto& [student, teacher] : stage_channel_pairs(setup, "vid")) {
      widths.push_back({student, teacher, teacher});
    }
    return make_distillation(setup, needs, std::make_shared<VariationalInformation>(setup.parameters, widths));
  };
  info.conformance["vid"] = check_vid;
  return info;
}

const MethodRegistration vid_registration{describe_vid()};

}  // namespace
}  // namespace cmkd
