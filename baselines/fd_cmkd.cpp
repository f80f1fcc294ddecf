// fd_cmkd — "Distilling Cross-Modal Knowledge via Feature Disentanglement" (frequency-decoupled), arXiv 2511.19887.
//
//   bands      F = rfft(x) over the feature axis, ⌊D/2⌋ + 1 bins; low: bins 1 … ⌊D/4⌋; high: the bins beyond;
//              bin 0, the mean, is in neither; both back by irfft to D values, D even or odd
//   kd_low     MSE(n(t_low), n(s_low)),        n: rows of length 1
//   kd_high    MSE(g(n(t_high)), g(n(s_high))), g(x) = sign(x) log(1 + |x|)
//   align_B    CE(A_B relu(s_B), y) + CE(A_B relu(t_B), y) for each band B, one classifier for both sides
//   task_B     CE(T_B relu(s_B), y)
//   loss       CE(z, y) + the sum of all of them
//
// s [B, D] student embedding (projected to the teacher's width where they differ), t [B, D] teacher embedding, z [B, C]
// student logits. Student and classifiers receive the gradient of the whole. The predictor is the student; the official
// script also reports the best of its three heads on the test split, which is not done here.
//
// Differs: widths that differ are projected, where the paper's are 512 on both sides; the predictor is the student,
// where the official script also reports the best of its three heads on the test split; optimiser and schedule are
// the suite's, for all methods alike. A band that is rounding noise (a dead embedding) gives no direction, where
// noise would be divided by itself. The vectors are the public code's formulas re-expressed in float64, not that code
// run: it is tied to its data sets. How the labels of hidden clips are replaced is this suite's.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <limits>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> fd_cmkd_parameters() {
  return {weight_parameter(1.0), classification_weight_parameter(), unlabelled_parameter()};
}

struct FrequencyBands {
  at::Tensor low;   // [B, D]
  at::Tensor high;  // [B, D]
};

FrequencyBands bands_of(const at::Tensor& features) {
  const std::int64_t width = features.size(1);
  const at::Tensor spectrum = at::fft_rfft(features, c10::nullopt, 1);
  const at::Tensor bin = at::arange(spectrum.size(1), features.options());
  const double cut = static_cast<double>(width / 4);  // NOLINT(bugprone-integer-division): a whole bin
  const at::Tensor high = bin.gt(cut);
  const at::Tensor low = bin.gt(0).logical_and(high.logical_not());
  return {at::fft_irfft(spectrum * low, width, 1), at::fft_irfft(spectrum * high, width, 1)};
}

// Rows of length 1, the official max(|x|, 1e-8) below. A band that is rounding noise of its row (a dead or constant
// embedding has none) gives zeros and passes no gradient, where its noise would be divided by itself.
at::Tensor directions(const at::Tensor& band, const at::Tensor& whole) {
  const double epsilon = whole.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                            : std::numeric_limits<float>::epsilon();
  const at::Tensor norm = band.norm(2, {1}, /*keepdim=*/true);
  const at::Tensor noise = norm.le(whole.norm(2, {1}, /*keepdim=*/true) * (16 * epsilon));
  const at::Tensor kept = at::where(noise, at::zeros_like(band), band);
  return kept / kept.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-8);
}

at::Tensor signed_log(const at::Tensor& values) { return values.sign() * values.abs().log1p(); }

// The official module's name for a classifier's layer is "fc".
class BandClassifierImpl : public torch::nn::Module {
 public:
  BandClassifierImpl(std::int64_t width, std::int64_t classes) {
    fc_ = register_module("fc", torch::nn::Linear(width, classes));
  }
  at::Tensor forward(const at::Tensor& band) { return fc_->forward(at::relu(band)); }

 private:
  torch::nn::Linear fc_{nullptr};
};
TORCH_MODULE(BandClassifier);

class FrequencyDecoupled final : public Method {
 public:
  FrequencyDecoupled(const Parameters& values, std::int64_t student_width, std::int64_t teacher_width,
                     std::int64_t classes)
      : weight_(values.number("weight")),
        classification_weight_(values.number("classification_weight")),
        unlabelled_(parse_unlabelled_policy(values.text("unlabelled"))) {
    align_low_ = register_module("align_low", BandClassifier(teacher_width, classes));
    align_high_ = register_module("align_high", BandClassifier(teacher_width, classes));
    task_low_ = register_module("task_low", BandClassifier(teacher_width, classes));
    task_high_ = register_module("task_high", BandClassifier(teacher_width, classes));
    projection_ = register_module("projection", Projection(student_width, teacher_width));
  }

  struct Output {
    StepResult result;
    FrequencyBands student;
  };

  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override { return compute(input).result; }

  [[nodiscard]] Output compute(const MethodInput& input) {
    const at::Tensor student = at_least_float(projection_->forward(input.student.embedding));
    const at::Tensor teacher = at_least_float(input.teacher.embedding);
    const FrequencyBands own = bands_of(student);
    const FrequencyBands other = bands_of(teacher);
    const EffectiveLabels labels = effective_labels(input, unlabelled_);
    const auto classify = [&](BandClassifier& classifier, const at::Tensor& band) {
      const at::Tensor rows = band.to(classifier->parameters().front().scalar_type());
      return classification_term(classifier->forward(rows), labels.labels, labels.classified);
    };
    const at::Tensor kd_low = at::mse_loss(directions(own.low, student), directions(other.low, teacher));
    const at::Tensor kd_high =
        at::mse_loss(signed_log(directions(own.high, student)), signed_log(directions(other.high, teacher)));
    const std::vector<std::string> both{"student", "method"};
    StepResult result;
    result.terms = {{"student_cls", classification_term(input.student.logits, input.labels, input.label_known),
                     classification_weight_, both},
                    {"kd_low", kd_low, weight_, both},
                    {"kd_high", kd_high, weight_, both},
                    {"align_low", classify(align_low_, own.low) + classify(align_low_, other.low), weight_, both},
                    {"align_high", classify(align_high_, own.high) + classify(align_high_, other.high), weight_, both},
                    {"task_low", classify(task_low_, own.low), weight_, both},
                    {"task_high", classify(task_high_, own.high), weight_, both}};
    return {std::move(result), own};
  }

 private:
  double weight_;
  double classification_weight_;
  UnlabelledPolicy unlabelled_;
  BandClassifier align_low_{nullptr};
  BandClassifier align_high_{nullptr};
  BandClassifier task_low_{nullptr};
  BandClassifier task_high_{nullptr};
  Projection projection_{nullptr};
};

TensorMap check_fd_cmkd(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  const at::Tensor logits = vector_case.leaf("student_logits");
  MethodInput input = labelled_input(vector_case.at("targets"));
  input.student.embedding = student;
  input.student.logits = logits;
  input.teacher.embedding = vector_case.at("teacher");
  const auto method = std::make_shared<FrequencyDecoupled>(Parameters(fd_cmkd_parameters()), student.size(1),
                                                           input.teacher.embedding.size(1), logits.size(1));
  load_case(*method, vector_case);

  const auto output = method->compute(input);
  TensorMap computed =
      routed_gradients(output.result.terms, method, {{"student", student}, {"student_logits", logits}});
  at::Tensor loss = at::zeros({}, logits.options());
  for (const LossTerm& term : output.result.terms) {
    const at::Tensor value = weighted_term(output.result, term.name);
    loss += value;
    computed.emplace("term." + term.name, value);
  }
  computed.emplace("loss", loss);
  computed.emplace("student_low", output.student.low);
  computed.emplace("student_high", output.student.high);
  return computed;
}

MethodInfo describe_fd_cmkd() {
  MethodInfo info;
  info.id = "fd_cmkd";
  info.title = "Frequency-decoupled cross-modal distillation";
  info.paper = "Distilling Cross-Modal Knowledge via Feature Disentanglement, 2025, arXiv 2511.19887";
  info.formula =
      "CE(z, y) + MSE(n(t_low), n(s_low)) + MSE(g(n(t_high)), g(n(s_high))) + shared classifiers of each band on both "
      "sides + task classifiers on the student's; bands of rfft over the feature axis, cut at a quarter, without the "
      "mean; n rows of length 1, g(x) = sign(x) log(1 + |x|)";
  info.verified = Verified::kStep;
  info.repeatable_step = true;
  info.parameters = fd_cmkd_parameters();
  info.presets["paper"] = {{"weight", 1.0}, {"classification_weight", 1.0}};
  // cmkd tune suites/av_mnist.toml --only fd_cmkd --trials 12 --set tune.seeds=3 --set tune.learning_rate_factor=1
  //   --set tune.weight_decay_low=5e-4 --set tune.weight_decay_high=5e-4
  // 76.0 % of the validation clips (100 a seed), 75.0 % with weight 1: hardly more than their noise.
  info.presets["suite"] = {{"weight", 2.1}, {"classification_weight", 1.0}};
  info.search = {{"weight", 0.03, 3.0}};
  info.unlabelled =
      "setting 'unlabelled', for the classifiers of the bands: the teacher's argmax stands for the label (pseudo, "
      "default), or the clip leaves these terms (skip, instance). The two comparisons of the bands see all clips, the "
      "student's own cross-entropy labelled clips only.";
  info.make = [needs = info.needs](const TrainingSetup& setup) {
    const std::int64_t teacher_width = required_teacher_shape(setup, "fd_cmkd").embedding_width;
    return make_distillation(setup, needs,
                             std::make_shared<FrequencyDecoupled>(setup.parameters, setup.student_shape.embedding_width,
                                                                  teacher_width, setup.classes));
  };
  info.conformance["fd_cmkd"] = check_fd_cmkd;
  return info;
}

const MethodRegistration fd_cmkd_registration{describe_fd_cmkd()};

}  // namespace
}  // namespace cmkd
