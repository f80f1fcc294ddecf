// mnf_csc — Xia et al. 2023, "Robust Cross-Modal Knowledge Distillation for Unconstrained Videos", arXiv 2304.07775,
// sections 3.2 and 3.3.
//
//   filter        g = sigmoid(W2 relu(BN(W1 [a ; mean_k M] + b1)) + b2),  ã = g ⊙ a
//                 ṽ = relu(BN(W3 MHA(query = ã, key = value = M))), 2 heads;  z̃ = W4 ṽ
//   calibration   τ_ij = stopgrad(cos(v_i, ã_j)) + threshold
//                 L_csc = mean_i 1/|P(i)| Σ_{j ∈ P(i)} −log(softmax_j(cos(v_i, ṽ_j) / τ_ij) + 1e-10)
//   student       classification_weight · CE(z, y) + weight · L_csc
//   module        these and module_weight · (CE(z̃, y) + norm_weight · mean_row |W2|_1
//                 + mean max(0, cos(v, a) − cos(v, ã) + margin))
//
// a [B, D] teacher embedding, M [B, K, D] student tokens, v [B, D] student embedding, z [B, C] student logits; where
// the student's widths differ from D, tokens and embedding pass a learned projection. P(i): all clips of i's label, i
// included. The student receives the gradient of the student terms alone, the module that of both.
//
// Differs: τ_ij has a floor (`tau_floor`, default 0.05, 0 in the preset `paper`): it may reach zero or below, where
// the softmax flips, which collapsed a prototype of this suite. The L1 term is on the last gate layer alone, as the
// official code runs (`gate_l1` = "both" is the paper's). Clips without a label have a class by the setting
// `unlabelled`; the official setting has all labels. One optimiser setting for both groups, the module's rate 0.2
// times the student's as there.
#include "cmkd/methods/mnf_csc.h"

#include <ATen/ATen.h>

#include "cmkd/core/error.h"

namespace cmkd {

std::vector<ParameterSpec> MnfCscOptions::parameters() {
  return {
      weight_parameter(1.0),
      classification_weight_parameter(),
      ParameterSpec::number(
          "module_weight", 1.0, 0, 1e9,
          "Weight of the module's three terms together (filtered classification, gate norm, triplet)."),
      ParameterSpec::number("threshold", 0.2, -10, 10, "Constant part of the temperature."),
      ParameterSpec::choice("temperature", "adaptive", {"adaptive", "constant"},
                            "Temperature of a pair: its similarity plus the threshold, or the threshold alone."),
      ParameterSpec::number("tau_floor", 0.05, 0, 10,
                            "Least temperature of a pair; 0 switches the floor off, as in the official code."),
      ParameterSpec::boolean("gate", true, "Filter the teacher's feature by the learned gate."),
      ParameterSpec::choice(
          "gate_l1", "last", {"last", "both"},
          "Gate layers in the L1 term: the last, as the official code does, or both, as the paper says."),
      ParameterSpec::number("norm_weight", 0.001, 0, 1e9, "Weight of the L1 term among the module's terms."),
      ParameterSpec::number("margin", 0.2, -2, 2, "Margin of the triplet term, in units of cosine similarity."),
      unlabelled_parameter(),
  };
}

MnfCscOptions MnfCscOptions::from(const Parameters& parameters) {
  MnfCscOptions options;
  options.calibration.threshold = parameters.number("threshold");
  options.calibration.adaptive = parameters.text("temperature") == "adaptive";
  options.calibration.tau_floor = parameters.number("tau_floor");
  options.gate = parameters.boolean("gate");
  options.gate_norm_both_layers = parameters.text("gate_l1") == "both";
  options.margin = parameters.number("margin");
  options.norm_weight = parameters.number("norm_weight");
  options.weight = parameters.number("weight");
  options.classification_weight = parameters.number("classification_weight");
  options.module_weight = parameters.number("module_weight");
  options.unlabelled = parse_unlabelled_policy(parameters.text("unlabelled"));
  return options;
}

MnfCsc::MnfCsc(const MnfCscWidths& widths, const MnfCscOptions& options) : options_(options) {
  filter_ = register_module("filter", NoiseFilter(widths.teacher, widths.classes, options.gate));
  embedding_projection_ = register_module("embedding_projection", Projection(widths.student_embedding, widths.teacher));
  token_projection_ = register_module("token_projection", Projection(widths.student_tokens, widths.teacher));
}

StepResult MnfCsc::loss(const MethodInput& input, const StepContext& /*context*/) { return compute(input).result; }

TensorMap MnfCsc::clip_signals(const MethodInput& input) {
  const at::Tensor student = embedding_projection_->forward(input.student.embedding);
  const FilterOutput filter =
      filter_->forward(input.teacher.embedding, token_projection_->forward(input.student.tokens));
  TensorMap signals{{"similarity", cosine_rows(student, filter.filtered_teacher)}};
  if (options_.gate) signals.emplace("gate", filter.gate.flatten(1).mean(1));
  return signals;
}

namespace {

// −Σ p log p of each gate value as a coin, averaged, in nats: log 2 where the gate does not decide.
at::Tensor gate_entropy(const at::Tensor& gate) {
  const at::Tensor open = gate.clamp(1e-7, 1 - 1e-7);
  return -(open * open.log() + (1 - open) * (1 - open).log()).mean();
}

}  // namespace

MnfCsc::Output MnfCsc::compute(const MethodInput& input, const std::optional<at::Tensor>& similarity) {
  const at::Tensor& teacher = input.teacher.embedding;
  const at::Tensor student = embedding_projection_->forward(input.student.embedding);
  Output output;
  output.filter = filter_->forward(teacher, token_projection_->forward(input.student.tokens));
  const FilterOutput& filter = output.filter;

  const EffectiveLabels labels = effective_labels(input, options_.unlabelled);
  const at::Tensor anchors = contrasted_rows(student, labels);
  const at::Tensor filtered_teacher = contrasted_rows(filter.filtered_teacher, labels);
  const Calibration calibration =
      calibrate(anchors, contrasted_rows(filter.filtered_student, labels),
                similarity ? *similarity : cosine_matrix(anchors.detach(), filtered_teacher.detach()),
                contrasted_rows(labels.labels, labels), options_.calibration);

  const std::vector<std::string> module{"method"};
  const std::vector<std::string> both{"student", "method"};
  auto& terms = output.result.terms;
  terms.push_back({"filtered_cls", classification_term(filter.filtered_logits, labels.labels, labels.classified),
                   options_.module_weight, module});
  if (options_.gate) {
    terms.push_back({"gate_l1", filter_->gate_norm(options_.gate_norm_both_layers),
                     options_.module_weight * options_.norm_weight, module});
    const at::Tensor gap = cosine_rows(student, teacher) - cosine_rows(student, filter.filtered_teacher);
    terms.push_back({"triplet", at::relu(gap + options_.margin).mean(), options_.module_weight, module});
  }
  terms.push_back({"student_cls", classification_term(input.student.logits, input.labels, input.label_known),
                   options_.classification_weight, both});
  terms.push_back({"csc", calibration.loss, options_.weight, both});

  const at::NoGradGuard no_grad;
  output.result.diagnostics = {{"gate_mean", filter.gate.mean()},
                               {"gate_entropy", gate_entropy(filter.gate.detach())},
                               {"tau_positive", calibration.tau_positive},
                               {"tau_negative", calibration.tau_negative},
                               {"tau_clamped_share", calibration.clamped_share}};
  for (Diagnostic& diagnostic : output.result.diagnostics) diagnostic.value = diagnostic.value.detach();
  return output;
}

MnfCscWidths mnf_csc_widths(const TrainingSetup& setup, const std::string& method) {
  return {setup.student_shape.embedding_width, setup.student_shape.token_width,
          required_teacher_shape(setup, method).embedding_width, setup.classes};
}

std::string mnf_csc_unlabelled() {
  return "setting 'unlabelled', for P(i) and for the cross-entropy of the filtered logits: the teacher's argmax stands "
         "for the label (pseudo, default), the clip leaves both terms (skip), or it is a class of its own, not "
         "classified (instance). The student's own cross-entropy sees labelled clips only.";
}

Needs mnf_csc_needs() {
  Needs needs;
  needs.student_tokens = true;
  return needs;
}

namespace {

MethodInfo describe_mnf_csc() {
  MethodInfo info;
  info.id = "mnf_csc";
  info.title = "Modality Noise Filter and Contrastive Semantic Calibration";
  info.paper = "Xia et al. 2023, Robust Cross-Modal Knowledge Distillation for Unconstrained Videos, arXiv 2304.07775";
  info.formula =
      "Filter: g = sigmoid(W2 relu(BN(W1 [a ; mean_k M]))), a~ = g * a, v~ = relu(BN(W3 MHA(a~; M, M))), z~ = W4 v~. "
      "Calibration: tau_ij = stopgrad(cos(v_i, a~_j)) + threshold, "
      "L_csc = mean_i mean_{j in P(i)} -log(softmax_j(cos(v_i, v~_j) / tau_ij) + 1e-10). "
      "Student: CE(z, y) + L_csc. Module: these and CE(z~, y) + 0.001 |W2|_1 + max(0, cos(v, a) - cos(v, a~) + "
      "margin).";
  info.verified = Verified::kStep;
  info.repeatable_step = true;
  info.parameters = MnfCscOptions::parameters();
  info.presets["paper"] = {
      {"weight", 1.0},    {"classification_weight", 1.0},   {"module_weight", 1.0}, {"threshold", 0.2},
      {"tau_floor", 0.0}, {"gate_l1", std::string("last")}, {"margin", 0.2},        {"norm_weight", 0.001}};
  info.presets["suite"] = {{"weight", 1.0}, {"threshold", 0.2}, {"tau_floor", 0.05}};
  info.needs = mnf_csc_needs();
  info.stops_gradients = true;  // tau
  info.search = {{"weight", 0.03, 3.0}, {"threshold", 0.05, 1.0}, {"module_weight", 0.1, 3.0}};
  info.unlabelled = mnf_csc_unlabelled();
  info.make = [](const TrainingSetup& setup) {
    return make_distillation(
        setup, mnf_csc_needs(),
        std::make_shared<MnfCsc>(mnf_csc_widths(setup, "mnf_csc"), MnfCscOptions::from(setup.parameters)));
  };
  info.conformance = mnf_csc_conformance();
  return info;
}

const MethodRegistration mnf_csc_registration{describe_mnf_csc()};

}  // namespace

}  // namespace cmkd
