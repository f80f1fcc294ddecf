// ccl — Chen et al. 2021, "Distilling Audio-Visual Knowledge by Compositional Contrastive Learning", arXiv 2104.10955,
// equations 2 to 8.
//
//   composition   f = a + W [a/|a| ; v/|v|] + b, logits z_f = U f + c
//   contrast      N(x, y) = sum over both directions of mean_i ( mean_{j ∈ P(i)} −log(p_ij + 1e-10)
//                           + mean_{j ∉ P(i)} −log(1 − p_ij + 1e-10) ), p_i = softmax_j(cos(x_i, y_j) / T)
//   divergence    J = jsd_weight · (KL(softmax z ‖ softmax z_f) + KL(softmax z_f ‖ softmax z))
//   student loss  CE(z, y) + N(v, f) + N(v, a) + J
//   module loss   CE(z_f, y) + N(v, f) + N(f, a) + J
//
// a [B, D] teacher embedding, v [B, D] student embedding (projected to the teacher's width where they differ), z [B, C]
// student logits, P(i) all clips of i's label. The student receives the gradient of the student loss; the composer that
// of both, so that N(v, f) and J reach it twice: the official order of backward calls.
//
// Differs: one modality teaches and one learns, both from this suite's networks; the paper composes audio and image
// teachers for a video student. The suite's optimiser serves the composer, too. The 1e-10 in the logarithms and the
// order of backward calls are the official code's.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> ccl_parameters() {
  return {
      weight_parameter(1.0), classification_weight_parameter(),
      ParameterSpec::number("temperature", 0.5, 1e-3, 1e3, "T of the contrast, dividing cosines."),
      ParameterSpec::number("jsd_weight", 0.5, 0, 1e9, "Weight of the two divergences between student and composed."),
      unlabelled_parameter()};
}

// One direction of N, similarities [B, B] already divided by T, positive [B, B] of 0 and 1.
at::Tensor one_way(const at::Tensor& similarity, const at::Tensor& positive) {
  constexpr double kEpsilon = 1e-10;
  const at::Tensor probability = at::softmax(similarity, 1);
  const at::Tensor negative = 1 - positive;
  const at::Tensor pull = (-(probability + kEpsilon).log() * positive).sum(1) / positive.sum(1);
  // Without a clip of another class there is nothing to push away. The mask stands inside the logarithm: a probability
  // that rounds to 1 would give 0 · infinity in the gradient.
  const at::Tensor push = -(1 - probability * negative + kEpsilon).log() * negative;
  return (pull + push.sum(1) / negative.sum(1).clamp_min(1)).mean();
}

class CompositionalContrast final : public Method {
 public:
  CompositionalContrast(const Parameters& values, std::int64_t student_width, std::int64_t teacher_width,
                        std::int64_t classes)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        temperature_(values.number("temperature")),
        jsd_weight_(values.number("jsd_weight")),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))) {
    mlp_ = register_module("mlp", torch::nn::Linear(2 * teacher_width, teacher_width));
    fc_ = register_module("fc", torch::nn::Linear(teacher_width, classes));
    projection_ = register_module("projection", Projection(student_width, teacher_width));
  }

  struct Output {
    StepResult result;
    at::Tensor composed;         // f [B, D]
    at::Tensor composed_logits;  // z_f [B, C]
  };

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override { return compute(input).result; }

  [[nodiscard]] Output compute(const MethodInput& input) {
    const at::Tensor& audio = input.teacher.embedding;
    const at::Tensor video = projection_->forward(input.student.embedding);
    Output output;
    output.composed = audio + mlp_->forward(at::cat({unit_rows(audio), unit_rows(video)}, 1));
    output.composed_logits = fc_->forward(output.composed);

    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const at::Tensor video_composed = contrast(video, output.composed, labels);
    const at::Tensor video_audio = contrast(video, audio, labels);
    const at::Tensor composed_audio = contrast(output.composed, audio, labels);
    // The official value carries a constant 1e-10, which trains nothing and keeps J comparable where it is small.
    constexpr double kOffset = 1e-10;
    const at::Tensor jsd = jsd_weight_ * (kl_divergence(input.student.logits, output.composed_logits) +
                                          kl_divergence(output.composed_logits, input.student.logits) + 2 * kOffset);

    const std::vector<std::string> module{"method"};
    const std::vector<std::string> both{"student", "method"};
    output.result.terms = {
        {"student_cls", classification_term(input.student.logits, input.labels, input.label_known),
         classification_weight_, both},
        {"video_composed", video_composed, weight_, both},
        {"video_audio", video_audio, weight_, both},
        {"jsd", jsd, weight_, both},
        {"composed_cls", classification_term(output.composed_logits, labels.labels, labels.classified), weight_,
         module},
        {"composed_audio", composed_audio, weight_, module},
        {"video_composed_module", video_composed, weight_, module},
        {"jsd_module", jsd, weight_, module}};
    return output;
  }

 private:
  [[nodiscard]] at::Tensor contrast(const at::Tensor& a, const at::Tensor& b, const EffectiveLabels& labels) const {
    const at::Tensor left = contrasted_rows(a, labels);
    const at::Tensor right = contrasted_rows(b, labels);
    if (left.size(0) == 0) return zero_of(left) + zero_of(right);  // every clip of the batch has left the term
    const at::Tensor similarity = cosine_matrix(left, right) / temperature_;
    const at::Tensor positive = same_label(contrasted_rows(labels.labels, labels), similarity);
    return one_way(similarity, positive) + one_way(similarity.t(), positive);
  }

  double weight_;
  double classification_weight_;
  double temperature_;
  double jsd_weight_;
  UnlabelledPolicy unlabelled_;
  torch::nn::Linear mlp_{nullptr};
  torch::nn::Linear fc_{nullptr};
  Projection projection_{nullptr};
};

TensorMap check_ccl(const VectorCase& vector_case) {
  Parameters values(ccl_parameters());
  values.set("temperature", vector_case.hyper("temperature"));
  values.set("jsd_weight", vector_case.hyper("jsd_weight"));
  const at::Tensor video = vector_case.leaf("video");
  const at::Tensor logits = vector_case.leaf("video_logits");
  MethodInput input = labelled_input(vector_case.at("targets"));
  input.student.embedding = video;
  input.student.logits = logits;
  input.teacher.embedding = vector_case.at("audio");
  const auto method =
      std::make_shared<CompositionalContrast>(values, video.size(1), input.teacher.embedding.size(1), logits.size(1));
  load_case(*method, vector_case);

  const auto output = method->compute(input);
  TensorMap computed = routed_gradients(output.result.terms, method, {{"video", video}, {"video_logits", logits}});
  computed.emplace("composed", output.composed);
  computed.emplace("composed_logits", output.composed_logits);
  at::Tensor student_loss = at::zeros({}, logits.options());
  at::Tensor module_loss = at::zeros({}, logits.options());
  for (const LossTerm& term : output.result.terms) {
    const at::Tensor value = weighted_term(output.result, term.name);
    (term.trains.size() == 2 ? student_loss : module_loss) += value;
    computed.emplace("term." + term.name, value);
  }
  computed.emplace("student_loss", student_loss);
  computed.emplace("module_loss", module_loss);
  return computed;
}

MethodInfo describe_ccl() {
  MethodInfo info;
  info.id = "ccl";
  info.title = "Compositional Contrastive Learning";
  info.paper =
      "Chen et al. 2021, Distilling Audio-Visual Knowledge by Compositional Contrastive Learning, arXiv 2104.10955";
  info.formula =
      "f = a + W[a/|a| ; v/|v|]; student: CE(z, y) + N(v, f) + N(v, a) + J(z, z_f); composer: these and CE(z_f, y) + "
      "N(v, f) + N(f, a) + J(z, z_f); N a symmetric supervised contrast at temperature T, J a symmetric KL";
  info.verified = Verified::kStep;
  info.repeatable_step = true;
  info.parameters = ccl_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"temperature", 0.5}, {"jsd_weight", 0.5}};
  info.presets["suite"] = {{"weight", 1.0}, {"classification_weight", 1.0}, {"temperature", 0.5}, {"jsd_weight", 0.5}};
  info.search = {{"weight", 0.03, 3.0}, {"temperature", 0.1, 1.0}};
  info.unlabelled =
      "setting 'unlabelled', for the contrasts and the cross-entropy of the composed logits: the teacher's argmax "
      "stands "
      "for the label (pseudo, default), the clip leaves these terms (skip), or it is a class of its own, not "
      "classified "
      "(instance). The divergence sees all clips, the student's own cross-entropy labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const std::int64_t teacher_width = required_teacher_shape(setup, "ccl").embedding_width;
    return make_distillation(setup, needs,
                             std::make_shared<CompositionalContrast>(
                                 setup.parameters, setup.student_shape.embedding_width, teacher_width, setup.classes));
  };
  info.conformance["ccl"] = check_ccl;
  return info;
}

const MethodRegistration ccl_registration{describe_ccl()};

}  // namespace
}  // namespace cmkd
