// c2kd — Huo et al. 2024, "C2KD: Bridging the Modality Gap for Cross-Modal Knowledge Distillation", CVPR 2024.
//
//   proxy of a side   z' = U · leaky_relu(BN(W · pool(last map)), 0.1) + c, W a 1 x 1 convolution without bias
//   K(p, q) = T² KL(softmax(sg p / T) ‖ softmax(q / T)), sg = stop-gradient
//   τ_i = Kendall's tau_b of the two proxies' logits of clip i over the classes
//   N(p, q) = T² · 1/B Σ_i [τ_i > threshold] KL(softmax(sg p_i ⊙ k_i / T) ‖ softmax(q_i ⊙ k_i / T)),
//       k_i = 1 − onehot(y_i)
//
//   L = classification_weight · (CE(s, y) + CE(t, y))
//       + weight · (K(s, s') + K(s', s) + K(t, t') + K(t', t) + N(t', s') + N(s', t'))
//
// s, t [B, C] logits of student and teacher, s', t' those of their proxies. All is trained together: the student, the
// teacher (a copy of the cell's trained one) and both proxies; a proxy's terms reach its network through the last map
// [B, C_k, ...], averaged over its own axes. The true class's logit is multiplied by zero, not removed, as in the
// official code. The four K and two N are weighed alike there (1, T = 1). No clip above the threshold: N is zero.
// The teacher moves, so that every step runs two networks forward and backward.
//
// Differs: one optimiser setting, the suite's, for all groups; the official one is SGD 0.01, momentum
// 0.9, for all. T² is this suite's, as in kd; at the official T = 1 it is nothing. A batch of one is normalised by the
// running statistics.
#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/maps.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> c2kd_parameters() {
  return {weight_parameter(0.5), classification_weight_parameter(),
          ParameterSpec::number("temperature", 1.0, 1e-3, 1e3, "T, which softens the distributions."),
          ParameterSpec::number("threshold", 0.0, -1, 1,
                                "Kendall's tau_b above which two proxies agree enough to teach each other."),
          unlabelled_parameter()};
}

// Logits from the last map of a network. Names as in the official state dict.
class ProxyImpl : public torch::nn::Module {
 public:
  ProxyImpl(std::int64_t channels, std::int64_t width, std::int64_t classes)
      : convolution_(torch::nn::Conv2dOptions(channels, width, 1).bias(false)),
        normalisation_(width),
        fc_(width, classes) {
    register_module("layer", torch::nn::Sequential(convolution_, normalisation_));
    register_module("fc", fc_);
  }

  // [B, channels, ...] -> [B, classes]
  at::Tensor forward(const at::Tensor& map) {
    const at::Tensor pooled = map.flatten(2).mean(2);
    const at::Tensor hidden = at::linear(pooled, convolution_->weight.flatten(1));  // a 1 x 1 convolution of one pixel
    constexpr double kSlope = 0.1;
    return fc_->forward(at::leaky_relu(batch_normalise(*normalisation_, hidden), kSlope));
  }

 private:
  torch::nn::Conv2d convolution_;
  torch::nn::BatchNorm1d normalisation_;
  torch::nn::Linear fc_;
};
TORCH_MODULE(Proxy);

struct RankCorrelation {
  at::Tensor tau;      // [B], 0 where it is not defined
  at::Tensor defined;  // [B] bool: neither row is constant
};

// Kendall's tau_b of each row of a with the same row of b, both [B, C]: concordant less discordant pairs, over the
// geometric mean of the pairs that are untied in a and those untied in b. Each pair is counted twice throughout.
RankCorrelation kendall_tau_b(const at::Tensor& a, const at::Tensor& b) {
  const auto order = [](const at::Tensor& rows) { return (rows.unsqueeze(2) - rows.unsqueeze(1)).sign().flatten(1); };
  const at::Tensor in_a = order(a.detach());
  const at::Tensor in_b = order(b.detach());
  const at::Tensor untied = in_a.square().sum(1) * in_b.square().sum(1);
  return {(in_a * in_b).sum(1) / untied.clamp_min(1).sqrt(), untied > 0};
}

// Logits and last map of either network.
struct TwoSides {
  at::Tensor student;
  at::Tensor teacher;
  at::Tensor student_map;
  at::Tensor teacher_map;
};

// The whole loss, with the proxies as its own modules.
class CustomizedDistillation final : public torch::nn::Module {
 public:
  struct Channels {
    std::int64_t student = 0;
    std::int64_t teacher = 0;
  };

  CustomizedDistillation(const Parameters& values, Channels maps, Channels widths, std::int64_t classes)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        temperature_(values.number("temperature")),
        threshold_(values.number("threshold")),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))) {
    student_proxy_ = register_module("student_proxy", Proxy(maps.student, widths.student, classes));
    teacher_proxy_ = register_module("teacher_proxy", Proxy(maps.teacher, widths.teacher, classes));
  }

  struct Output {
    StepResult result;
    at::Tensor kendall;  // [B]
    at::Tensor mask;     // [B] bool
  };

  // `input`: the labels of the batch.
  [[nodiscard]] Output compute(const TwoSides& sides, const MethodInput& input) {
    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const at::Tensor student_proxy = student_proxy_->forward(sides.student_map);
    const at::Tensor teacher_proxy = teacher_proxy_->forward(sides.teacher_map);
    const RankCorrelation agreement = kendall_tau_b(student_proxy, teacher_proxy);
    const at::Tensor agreeing = agreement.defined.logical_and(agreement.tau > threshold_);
    const at::Tensor taught = agreeing.logical_and(labels.contrasted);
    const at::Tensor keep = label_mask(labels.labels, sides.student.size(1)).logical_not();

    Output output{{}, agreement.tau, agreeing};
    // Every term names all groups, so that one backward pass serves them: what a term trains is cut off in the graph.
    const auto add = [&](const std::string& name, const at::Tensor& value, double weight) {
      output.result.terms.push_back({name, value, weight, {"student", "teacher", "proxies"}});
    };
    add("student_ce", classification_term(sides.student, input.labels, input.label_known), classification_weight_);
    add("teacher_ce", classification_term(sides.teacher, labels.labels, labels.classified), classification_weight_);
    add("student_to_proxy", imitation(sides.student, student_proxy), weight_);
    add("proxy_to_student", imitation(student_proxy, sides.student), weight_);
    add("teacher_to_proxy", imitation(sides.teacher, teacher_proxy), weight_);
    add("proxy_to_teacher", imitation(teacher_proxy, sides.teacher), weight_);
    add("nontarget_student_proxy", nontarget(teacher_proxy, student_proxy, keep, taught), weight_);
    add("nontarget_teacher_proxy", nontarget(student_proxy, teacher_proxy, keep, taught), weight_);
    output.result.diagnostics = {{"kendall", agreement.tau.mean()},
                                 {"agreeing", agreeing.to(agreement.tau.scalar_type()).mean()}};
    return output;
  }

  // N(p, q): the mean runs over the whole batch.
  [[nodiscard]] at::Tensor nontarget(const at::Tensor& target, const at::Tensor& learner, const at::Tensor& keep,
                                     const at::Tensor& taught) const {
    const at::Tensor rows = kl_rows(target.detach() * keep, learner * keep, temperature_);
    return temperature_ * temperature_ * rows.masked_fill(taught.logical_not(), 0).mean();
  }

 private:
  // K(p, q)
  [[nodiscard]] at::Tensor imitation(const at::Tensor& target, const at::Tensor& learner) const {
    return temperature_ * temperature_ * kl_divergence(target.detach(), learner, temperature_);
  }

  double weight_;
  double classification_weight_;
  double temperature_;
  double threshold_;
  UnlabelledPolicy unlabelled_;
  Proxy student_proxy_{nullptr};
  Proxy teacher_proxy_{nullptr};
};

class C2kdTraining final : public Training {
 public:
  C2kdTraining(const TrainingSetup& setup, const Needs& needs)
      : student_(setup.student), teacher_(setup.teacher), needs_(needs), modality_(setup.student_shape.modality) {
    if (!student_ || !teacher_) throw Error(ErrorKind::kInternal, {"c2kd without both networks", "", "", ""});
    const auto [own, other] = stage_channel_pairs(setup, "c2kd").back();
    const CustomizedDistillation::Channels channels{own, other};
    loss_ = std::make_shared<CustomizedDistillation>(setup.parameters, channels, channels, setup.classes);
    loss_->to(setup.device);
    loss_->train();
  }

  std::vector<ModuleGroup> groups() override {
    return {{"student", student_, 1.0, std::nullopt, {}},
            {"teacher", teacher_, 1.0, std::nullopt, {}},
            {"proxies", loss_, 1.0, std::nullopt, {}}};
  }

  StepResult step(const StepContext& /*context*/, const Batch& batch) override {
    require_batch(batch, needs_, modality_);
    const OutputRequest request{/*tokens=*/false, /*stages=*/true};
    const ModelOutput own = student_->forward(batch.input(modality_), request);
    const ModelOutput other = teacher_->forward(batch.input(opposite(modality_)), request);
    MethodInput input;
    input.labels = batch.labels;
    input.label_known = batch.label_known;
    input.pseudo_labels = batch.pseudo_labels;
    return loss_->compute({own.logits, other.logits, own.stages.back(), other.stages.back()}, input).result;
  }

  Predictor predictor() override {
    return {{modality_}, {student_}, [student = student_, modality = modality_](const Batch& batch) {
              return student->forward(batch.input(modality));
            }};
  }

 private:
  std::shared_ptr<Model> student_;
  std::shared_ptr<Model> teacher_;
  std::shared_ptr<CustomizedDistillation> loss_;
  Needs needs_;
  Modality modality_;
};

// ---- Conformance ---------------------------------------------------------------------------------------------------

Parameters paper_values() {
  Parameters values(c2kd_parameters());
  values.set("weight", 1.0);
  return values;
}

TensorMap check_c2kd_step(const VectorCase& vector_case) {
  Parameters values = paper_values();
  values.set("threshold", vector_case.hyper("threshold"));
  const NamedLeaves student{{"student", vector_case.leaf("student")}, {"student_map", vector_case.leaf("student_map")}};
  const NamedLeaves teacher{{"teacher", vector_case.leaf("teacher")}, {"teacher_map", vector_case.leaf("teacher_map")}};
  const auto width = [&](const std::string& side, std::int64_t axis) {
    return vector_case.at("param." + side + "_proxy.layer.0.weight").size(axis);
  };
  using Channels = CustomizedDistillation::Channels;
  const auto loss = std::make_shared<CustomizedDistillation>(values, Channels{width("student", 1), width("teacher", 1)},
                                                             Channels{width("student", 0), width("teacher", 0)},
                                                             vector_case.at("student").size(1));
  load_case(*loss, vector_case);
  const auto output = loss->compute({student[0].second, teacher[0].second, student[1].second, teacher[1].second},
                                    labelled_input(vector_case.at("targets")));
  route_gradients(
      output.result.terms, {{"proxies", loss, 1.0, std::nullopt, {}}}, "main",
      {{"student", {student[0].second, student[1].second}}, {"teacher", {teacher[0].second, teacher[1].second}}});

  TensorMap computed{{"kendall", output.kendall}, {"mask", output.mask.to(at::kDouble)}};
  for (const auto* leaves : {&student, &teacher}) {
    for (const auto& [name, tensor] : *leaves) computed.emplace("grad." + name, tensor.grad());
  }
  for (const auto& item : loss->named_parameters()) computed.emplace("grad.param." + item.key(), item.value().grad());
  for (const auto& item : loss->named_buffers()) computed.emplace("buffer." + item.key(), item.value());
  at::Tensor sum = at::zeros({}, student[0].second.options());
  for (const LossTerm& term : output.result.terms) {
    const at::Tensor value = weighted_term(output.result, term.name);
    computed.emplace("term." + term.name, value);
    sum = sum + value;
  }
  computed.emplace("loss", sum);
  return computed;
}

// N alone, with the clips that take part given.
TensorMap check_nontarget(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  const std::int64_t classes = student.size(1);
  const CustomizedDistillation loss(paper_values(), {1, 1}, {1, 1}, classes);
  const at::Tensor value =
      loss.nontarget(vector_case.at("teacher"), student, label_mask(vector_case.at("targets"), classes).logical_not(),
                     vector_case.at("mask").to(at::kBool));
  TensorMap computed = routed_gradients({{"nontarget", value, 1.0, {"student"}}}, nullptr, {{"student", student}});
  computed.emplace("loss", value.detach());
  return computed;
}

MethodInfo describe_c2kd() {
  MethodInfo info;
  info.id = "c2kd";
  info.title = "C2KD";
  info.paper = "Huo et al. 2024, C2KD: Bridging the Modality Gap for Cross-Modal Knowledge Distillation, CVPR 2024";
  info.formula =
      "L = classification_weight (CE(s, y) + CE(t, y)) + weight (KL between each network and its proxy, both ways, + "
      "KL between the proxies without the true class's logit, both ways, on clips with Kendall's tau_b > threshold)";
  info.verified = Verified::kStep;
  info.repeatable_step = true;
  info.parameters = c2kd_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"temperature", 1.0}, {"threshold", 0.0}};
  info.presets["suite"] = {{"weight", 0.5}, {"classification_weight", 1.0}, {"temperature", 1.0}, {"threshold", 0.0}};
  info.needs.teacher_network = true;
  info.needs.student_stages = true;
  info.stops_gradients = true;
  info.search = {
      {"weight", 0.02, 5.0, true, {}}, {"threshold", -0.5, 0.5, false, {}}, {"temperature", 1.0, 6.0, true, {}}};
  info.unlabelled =
      "setting 'unlabelled', for the teacher's cross-entropy and the divergence without the true class: the trained "
      "teacher's argmax stands for the label (pseudo, default), the clip leaves both (skip), or it has no true class: "
      "not classified, all its logits are compared (instance). Networks and proxies imitate each other on all clips; "
      "the student's own cross-entropy sees labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) -> std::unique_ptr<Training> {
    return std::make_unique<C2kdTraining>(setup, needs);
  };
  info.conformance["c2kd_step"] = check_c2kd_step;
  info.conformance["c2kd_nontarget"] = check_nontarget;
  return info;
}

const MethodRegistration c2kd_registration{describe_c2kd()};

}  // namespace
}  // namespace cmkd
