// ft — Kim et al. 2018, "Paraphrasing Complex Network: Network Compression via Factor Transfer", arXiv 1802.04977.
//
//   phase "paraphraser"   L_rec = mean (P'(P(t)) − t)², over all values (equation 3)
//   phase "main"          N(F) = mean_c F_c^p1, flattened and divided by its norm, for each clip
//                         L_ft = mean |N(T(s)) − N(P(t))|^p2
//                         L = weight · L_ft + classification_weight · CE(z, y)
//
// t [B, C_t, H, W], s [B, C_s, H', W'] the deepest stage of teacher and student (the official code's second-to-last
// feature, the last being the pooled one), each on its own grid of maps.h; P, the paraphraser's encoder: three 3x3
// convolutions with leaky relu 0.1, the second to half the teacher's channels; P' its transposed mirror; T, the
// translator: as P, with batch norm, from the student's channels. Factors of unequal height or width are average-pooled
// to the smaller. After its phase the paraphraser is frozen. N and the means are the official code's simplified form.
//
// Differs: the grid: maps of two modalities share time alone, and on "time" they are [B, C, 1, T], so that the
// kernels see their neighbours in time. Settled: N with its mean over channels, p1 and p2 are as RepDistiller has
// them (github.com/HobbitLong/RepDistiller, distiller_zoo/FT.py, read), and the paraphraser's squared error and the
// translator's batch norm agree with the vectors ft_step. The authors' own later code
// (github.com/Jangho-Kim/Factor-Transfer-pytorch, commit e8d6ac69, read) has no batch norm, normalises the whole
// factor, rebuilds with an absolute error and takes weight 500. The paper's text could not be read from here.
#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> ft_parameters() {
  return {weight_parameter(10.0),
          classification_weight_parameter(),
          ParameterSpec::number("p1", 2.0, 1, 8, "Power of a factor's values in the mean over its channels."),
          ParameterSpec::number("p2", 1.0, 1, 8, "Power of the difference of two normalised factors."),
          ParameterSpec::integer("init_epochs", 1, 1, 100000, "Epochs of the phase that trains the paraphraser."),
          grid_parameter()};
}

constexpr double kSlope = 0.1;

// Children "0", "3", "6" are convolutions and "1", "4", "7" batch norms where there are any: the official names.
class LayersImpl final : public torch::nn::Module {
 public:
  enum class Kind { kConvolution, kNormalised, kTransposed };

  LayersImpl(Kind kind, const std::vector<std::pair<std::int64_t, std::int64_t>>& channels) {
    for (std::size_t i = 0; i < channels.size(); ++i) add(kind, 3 * i, channels[i].first, channels[i].second);
  }

  at::Tensor forward(at::Tensor map) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      map = layers_[i].forward(map);
      if (i < norms_.size()) map = batch_normalise(*norms_[i], map);
      map = at::leaky_relu(map, kSlope);
    }
    return map;
  }

 private:
  void add(Kind kind, std::size_t index, std::int64_t from, std::int64_t to) {
    const std::string name = std::to_string(index);
    if (kind == Kind::kTransposed) {
      const auto options = torch::nn::ConvTranspose2dOptions(from, to, 3).stride(1).padding(1);
      layers_.emplace_back(register_module(name, torch::nn::ConvTranspose2d(options)));
    } else {
      const auto options = torch::nn::Conv2dOptions(from, to, 3).stride(1).padding(1);
      layers_.emplace_back(register_module(name, torch::nn::Conv2d(options)));
    }
    if (kind != Kind::kNormalised) return;
    norms_.push_back(register_module(std::to_string(index + 1), torch::nn::BatchNorm2d(to)));
  }

  std::vector<torch::nn::AnyModule> layers_;
  std::vector<torch::nn::BatchNorm2d> norms_;
};
TORCH_MODULE(Layers);

class ParaphraserImpl final : public torch::nn::Module {
 public:
  ParaphraserImpl(std::int64_t channels, std::int64_t factor) {
    encoder = register_module("encoder", Layers(LayersImpl::Kind::kConvolution,
                                                Widths{{channels, channels}, {channels, factor}, {factor, factor}}));
    decoder = register_module("decoder", Layers(LayersImpl::Kind::kTransposed,
                                                Widths{{factor, factor}, {factor, channels}, {channels, channels}}));
  }
  using Widths = std::vector<std::pair<std::int64_t, std::int64_t>>;
  Layers encoder{nullptr};
  Layers decoder{nullptr};
};
TORCH_MODULE(Paraphraser);

class TranslatorImpl final : public torch::nn::Module {
 public:
  TranslatorImpl(std::int64_t channels, std::int64_t factor) {
    using Widths = ParaphraserImpl::Widths;
    encoder = register_module("encoder", Layers(LayersImpl::Kind::kNormalised,
                                                Widths{{channels, channels}, {channels, factor}, {factor, factor}}));
  }
  Layers encoder{nullptr};
};
TORCH_MODULE(Translator);

class FactorTransfer final : public Method {
 public:
  FactorTransfer(const Parameters& values, std::int64_t student_channels, std::int64_t teacher_channels)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        p1_(values.number("p1")),
        p2_(values.number("p2")),
        init_epochs_(values.integer("init_epochs")),
        grid_(parse_grid(values.text("grid"))) {
    const std::int64_t factor = std::max<std::int64_t>(1, teacher_channels / 2);
    paraphraser_ = register_module("paraphraser", Paraphraser(teacher_channels, factor));
    translator_ = register_module("translator", Translator(student_channels, factor));
  }

  [[nodiscard]] std::vector<Phase> phases() const override { return {{"paraphraser", init_epochs_}, {"main", 0}}; }
  [[nodiscard]] bool uses_student(const std::string& phase) const override { return phase != "paraphraser"; }
  std::vector<ModuleGroup> own_groups() override {
    return {{"paraphraser", paraphraser_.ptr(), 1.0, std::nullopt, {"paraphraser"}},
            {"translator", translator_.ptr(), 1.0, std::nullopt, {"main"}}};
  }

  std::vector<at::Tensor> teacher_maps(std::vector<at::Tensor> stages,
                                       const std::vector<at::Tensor>& /*student*/) const override {
    return {on_grid(stages.back(), grid_)};
  }

  StepResult loss(const MethodInput& input, const StepContext& context) override {
    const at::Tensor teacher = on_grid(input.teacher.stages.back(), grid_);
    if (context.phase == "paraphraser") {
      const at::Tensor rebuilt = paraphraser_->decoder->forward(paraphraser_->encoder->forward(teacher));
      return {{{"reconstruction", at::mse_loss(rebuilt, teacher), 1.0, {"paraphraser"}}}, {}};
    }
    const at::Tensor student = translator_->encoder->forward(on_grid(input.student.stages.back(), grid_));
    const at::Tensor transfer = factor_loss(student, paraphrased(teacher));
    return {
        {student_classification(input, classification_weight_), {"ft", transfer, weight_, {"student", "translator"}}},
        {}};
  }

  // Factors [B, K, H, W] and [B, K', H', W'].
  [[nodiscard]] at::Tensor factor_loss(const at::Tensor& student, const at::Tensor& teacher) const {
    const std::int64_t height = std::min(student.size(2), teacher.size(2));
    const std::int64_t width = std::min(student.size(3), teacher.size(3));
    const at::Tensor difference =
        (normalised(pooled_to(student, height, width)) - normalised(pooled_to(teacher, height, width))).abs();
    return (p2_ == 1.0 ? difference : difference.pow(p2_)).mean();
  }

 private:
  // The frozen paraphraser's encoder; it holds no layer that train and eval mode tell apart.
  [[nodiscard]] at::Tensor paraphrased(const at::Tensor& teacher) {
    const at::NoGradGuard no_grad;
    return paraphraser_->encoder->forward(teacher);
  }
  [[nodiscard]] at::Tensor normalised(const at::Tensor& factor) const {
    return unit_rows(factor.pow(p1_).mean(1).flatten(1));
  }

  double weight_;
  double classification_weight_;
  double p1_;
  double p2_;
  std::int64_t init_epochs_;
  Grid grid_;
  Paraphraser paraphraser_{nullptr};
  Translator translator_{nullptr};
};

Parameters case_parameters() {
  Parameters values(ft_parameters());
  values.set("weight", 1.0);
  values.set("grid", "plane");
  return values;
}

// The case's maps are factors already.
TensorMap check_factors(const VectorCase& vector_case) {
  Parameters values = case_parameters();
  values.set("p1", vector_case.hyper("p1"));
  values.set("p2", vector_case.hyper("p2"));
  const FactorTransfer method(values, 1, 2);
  const at::Tensor student = vector_case.leaf("student");
  const at::Tensor loss = method.factor_loss(student, vector_case.at("teacher"));
  TensorMap computed = routed_gradients({{"ft", loss, 1.0, {"student"}}}, nullptr, {{"student", student}});
  computed.emplace("loss", loss.detach());
  return computed;
}

void collect_gradients(torch::nn::Module& module, const std::string& prefix, TensorMap& computed) {
  for (const auto& item : module.named_parameters()) {
    if (item.value().grad().defined()) computed.emplace(prefix + item.key(), item.value().grad().clone());
  }
}

// The paraphraser's step, then a step of the second phase on the paraphraser as it was.
TensorMap check_ft_step(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  const auto method =
      std::make_shared<FactorTransfer>(case_parameters(), student.size(1), vector_case.at("teacher").size(1));
  load_case(*method, vector_case);
  MethodInput input = unlabelled_input(student);
  input.student.stages = {student};
  input.teacher.stages = {vector_case.at("teacher")};
  TensorMap computed;
  StepContext context;
  context.phase = "paraphraser";
  StepResult result = method->loss(input, context);
  computed.emplace("init.loss", weighted_term(result, "reconstruction"));
  route_gradients(result.terms, method->own_groups(), context.phase, {{"student", {student}}});
  collect_gradients(*method, "init.grad.param.", computed);
  method->zero_grad();

  context.phase = "main";
  result = method->loss(input, context);
  computed.emplace("loss", weighted_term(result, "ft"));
  route_gradients(result.terms, method->own_groups(), context.phase, {{"student", {student}}});
  collect_gradients(*method, "grad.param.", computed);
  computed.emplace("grad.student", student.grad().clone());
  for (const auto& item : method->named_buffers()) computed.emplace("buffer." + item.key(), item.value().clone());
  return computed;
}

MethodInfo describe_ft() {
  MethodInfo info;
  info.id = "ft";
  info.title = "Factor Transfer";
  info.paper =
      "Kim et al. 2018, Paraphrasing Complex Network: Network Compression via Factor Transfer, arXiv 1802.04977";
  info.formula =
      "init_epochs of mean((P'(P(t)) - t)^2); then weight mean|N(T(s)) - N(P(t))|^p2 + classification_weight CE(z, y), "
      "N the normalised mean over channels of the factor's p1-th power, s and t the deepest stages";
  info.verified = Verified::kStep;
  info.repeatable_step = true;
  info.parameters = ft_parameters();
  info.presets["paper"] = {
      {"weight", 200.0}, {"classification_weight", 1.0}, {"p1", 2.0}, {"p2", 1.0}, {"init_epochs", std::int64_t{30}}};
  info.presets["suite"] = {
      {"weight", 10.0}, {"classification_weight", 1.0}, {"p1", 2.0}, {"p2", 1.0}, {"init_epochs", std::int64_t{1}}};
  info.search = {{"weight", 0.1, 500.0}, {"p2", 1.0, 2.0, false}};
  info.needs = stage_needs();
  info.multi_label = true;
  info.unlabelled = "in the paraphraser's phase and in the factor loss, which need no label; not in the cross-entropy";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const auto channels = stage_channel_pairs(setup, "ft").back();
    return make_distillation(setup, needs,
                             std::make_shared<FactorTransfer>(setup.parameters, channels.first, channels.second));
  };
  info.conformance["ft"] = check_factors;
  info.conformance["ft_step"] = check_ft_step;
  return info;
}

const MethodRegistration ft_registration{describe_ft()};

}  // namespace
}  // namespace cmkd
