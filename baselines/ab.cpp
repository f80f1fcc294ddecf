// ab — Heo et al. 2019, "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons",
// arXiv 1811.03233, equations 5 and 6.
//
//   phase "init"   L_AB = Σ_l 2^(l − n + 1) · 3/1000 · 1/B Σ relu(m − r_l(s_l))² where t_l > 0, relu(m + r_l(s_l))²
//                  elsewhere, over all values of the n stages l = 0 … n − 1, shallow to deep
//   phase "main"   classification_weight · CE(z, y), nothing else
//
// s_l [B, C_s, H, W], t_l [B, C_t, H, W] stages of student and teacher on the common grid of maps.h, r_l a connector
// (1x1 convolution without bias, batch norm) where the channels differ, else the identity; m the margin. The factor
// 3/1000 and the weights that halve towards the shallow stages are the official code's. Phase "init" trains connectors
// and student by L_AB alone, without any label.
//
// Differs: maps of two modalities are compared on a common grid (parameter `grid`), since all they share is time. A
// boundary is the sign of the teacher's response, so that averages of rectified maps lie mostly on one side of it:
// grid "plane" keeps more of the boundaries than "time". The factor 3/1000 and the weights that halve towards the
// shallow stages are the official code's, not the paper's, for the vectors are made with it. Optimiser and rate are
// the suite's in both phases.
#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

using AbChannelPairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

std::vector<ParameterSpec> ab_parameters() {
  return {weight_parameter(0.1), classification_weight_parameter(),
          ParameterSpec::number("margin", 1.0, 0, 1e6, "Distance from the boundary that a response must keep."),
          ParameterSpec::integer("init_epochs", 1, 1, 100000, "Epochs of the phase of the boundary loss alone."),
          grid_parameter()};
}

class ConnectorImpl final : public torch::nn::Module {
 public:
  ConnectorImpl(std::int64_t from, std::int64_t to) {
    if (from == to) return;
    conv_ = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 1).bias(false)));
    bn_ = register_module("bn", torch::nn::BatchNorm2d(to));
  }
  at::Tensor forward(const at::Tensor& map) {
    return conv_.is_empty() ? map : batch_normalise(*bn_, conv_->forward(map));
  }

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d bn_{nullptr};
};
TORCH_MODULE(Connector);

class ActivationBoundaries final : public Method {
 public:
  ActivationBoundaries(const Parameters& values, const AbChannelPairs& channels)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        margin_(values.number("margin")),
        init_epochs_(values.integer("init_epochs")),
        grid_(parse_grid(values.text("grid"))) {
    for (std::size_t i = 0; i < channels.size(); ++i) {
      connectors_.push_back(
          register_module("connector" + std::to_string(i), Connector(channels[i].first, channels[i].second)));
    }
  }

  [[nodiscard]] std::vector<Phase> phases() const override { return {{"init", init_epochs_}, {"main", 0}}; }

  std::vector<ModuleGroup> own_groups() override {
    if (unique_parameters(*this).empty()) return {};
    return {{"method", shared_from_this(), 1.0, std::nullopt, {"init"}}};
  }

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& student) const override {
    return teacher_on_common_grid(stages, student, grid_);
  }

  StepResult loss(const MethodInput& input, const StepContext& context) override {
    if (context.phase != "init") return {{student_classification(input, classification_weight_)}, {}};
    StepResult result;
    const std::vector<MapPair> pairs = stage_pairs(input, grid_);
    at::Tensor sum;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const double depth = static_cast<double>(i) + 1 - static_cast<double>(pairs.size());
      const at::Tensor stage =
          std::exp2(depth) * boundary_loss(connectors_.at(i)->forward(pairs[i].student), pairs[i].teacher);
      result.diagnostics.push_back({"stage" + std::to_string(i), stage.detach()});
      sum = sum.defined() ? sum + stage : stage;
    }
    result.terms.push_back({"ab", sum, weight_, {"student", "method"}});
    return result;
  }

 private:
  [[nodiscard]] at::Tensor boundary_loss(const at::Tensor& student, const at::Tensor& teacher) const {
    const at::Tensor excess = at::where(teacher > 0, margin_ - student, margin_ + student).relu();
    constexpr double kOfficialScale = 3.0 / 1000.0;
    return excess.square().sum() * (kOfficialScale / static_cast<double>(student.size(0)));
  }

  double weight_;
  double classification_weight_;
  double margin_;
  std::int64_t init_epochs_;
  Grid grid_;
  std::vector<Connector> connectors_;
};

TensorMap check_ab(const VectorCase& vector_case) {
  Parameters values(ab_parameters());
  values.set("weight", 1.0);
  values.set("margin", vector_case.hyper("margin"));
  values.set("grid", "plane");
  AbChannelPairs channels;
  for (std::size_t i = 0; vector_case.has("student." + std::to_string(i)); ++i) {
    const std::string stage = std::to_string(i);
    channels.emplace_back(vector_case.at("student." + stage).size(1), vector_case.at("teacher." + stage).size(1));
  }
  StepContext context;
  context.phase = "init";
  return check_stage_loss(vector_case, std::make_shared<ActivationBoundaries>(values, channels), "ab", context);
}

MethodInfo describe_ab() {
  MethodInfo info;
  info.id = "ab";
  info.title = "Activation Boundaries";
  info.paper = "Heo et al. 2019, Knowledge Transfer via Distillation of Activation Boundaries, arXiv 1811.03233";
  info.formula =
      "init_epochs of weight sum over stages 2^(l-n+1) 3/1000 mean over clips of sum relu(margin -/+ s)^2 on the "
      "teacher's side of zero; then classification_weight CE(z, y) alone";
  info.verified = Verified::kLoss;
  info.repeatable_step = true;
  info.parameters = ab_parameters();
  info.presets["paper"] = {
      {"weight", 1.0}, {"classification_weight", 1.0}, {"margin", 1.0}, {"init_epochs", std::int64_t{30}}};
  info.presets["suite"] = {
      {"weight", 0.1}, {"classification_weight", 1.0}, {"margin", 1.0}, {"init_epochs", std::int64_t{1}}};
  info.search = {{"weight", 1e-3, 10.0}, {"margin", 0.1, 3.0}};
  info.needs = stage_needs();
  info.multi_label = true;
  info.unlabelled = "in the boundary loss of the first phase, which needs no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    return make_distillation(
        setup, needs, std::make_shared<ActivationBoundaries>(setup.parameters, stage_channel_pairs(setup, "ab")));
  };
  info.conformance["ab"] = check_ab;
  return info;
}

const MethodRegistration ab_registration{describe_ab()};

}  // namespace
}  // namespace cmkd
