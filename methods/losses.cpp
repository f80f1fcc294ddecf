#include "cmkd/methods/losses.h"

#include <ATen/ATen.h>

#include <limits>

#include "cmkd/core/error.h"

namespace cmkd {

at::Tensor kl_divergence(const at::Tensor& target_logits, const at::Tensor& input_logits, double temperature) {
  const at::Tensor target_log = at::log_softmax(target_logits / temperature, 1);
  const at::Tensor input_log = at::log_softmax(input_logits / temperature, 1);
  // p · (log p − log q) is 0 where p underflows to 0, because log_softmax stays finite.
  return (target_log.exp() * (target_log - input_log)).sum() / static_cast<double>(input_logits.size(0));
}

at::Tensor softened_kl(const at::Tensor& target_logits, const at::Tensor& input_logits, double temperature) {
  return temperature * temperature * kl_divergence(target_logits, input_logits, temperature);
}

at::Tensor classification_term(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& known) {
  if (labels.dim() == 2) {
    const at::Tensor tags = labels.clamp_min(0).to(logits.scalar_type());
    const at::Tensor all = at::binary_cross_entropy_with_logits(logits, tags, {}, {}, at::Reduction::None);
    return mean_where(all.mean(1), known);
  }
  constexpr std::int64_t kIgnored = -1;
  const at::Tensor targets = labels.masked_fill(known.logical_not(), kIgnored);
  const at::Tensor sum = at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum, kIgnored);
  return sum / known.sum().clamp_min(1).to(logits.scalar_type());
}

at::Tensor unit_rows(const at::Tensor& rows) {
  const at::Tensor norm = at::linalg_vector_norm(rows, 2, at::IntArrayRef{-1}, /*keepdim=*/true);
  return rows / norm.masked_fill(norm < 1e-12, std::numeric_limits<double>::infinity());
}

at::Tensor cosine_matrix(const at::Tensor& a, const at::Tensor& b) {
  return at::matmul(unit_rows(a), unit_rows(b).t());
}

at::Tensor cosine_rows(const at::Tensor& a, const at::Tensor& b) { return (unit_rows(a) * unit_rows(b)).sum(-1); }

at::Tensor kl_rows(const at::Tensor& target_logits, const at::Tensor& input_logits, double temperature) {
  const at::Tensor target_log = at::log_softmax(target_logits / temperature, 1);
  const at::Tensor input_log = at::log_softmax(input_logits / temperature, 1);
  return (target_log.exp() * (target_log - input_log)).sum(1);
}

at::Tensor at_least_float(const at::Tensor& tensor) {
  const at::ScalarType type = tensor.scalar_type();
  return type == at::kHalf || type == at::kBFloat16 ? tensor.to(at::kFloat) : tensor;
}

CentredRows centred_rows(const at::Tensor& rows) {
  const double epsilon = rows.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon()
                                                           : std::numeric_limits<float>::epsilon();
  const double noise = 16 * epsilon * 16 * epsilon;
  const at::Tensor centred = rows - rows.mean(1, /*keepdim=*/true);
  const at::Tensor squared = centred.square().sum(1, /*keepdim=*/true);
  const at::Tensor constant = squared.detach() <= noise * rows.detach().square().sum(1, /*keepdim=*/true);
  return {centred.masked_fill(constant, 0), squared.masked_fill(constant, 1).sqrt()};
}

at::Tensor mean_where(const at::Tensor& values, const at::Tensor& included) {
  const at::Tensor sum = values.masked_fill(included.logical_not(), 0).sum();
  return sum / included.sum().clamp_min(1).to(values.scalar_type());
}

at::Tensor label_mask(const at::Tensor& labels, std::int64_t classes) {
  return labels.unsqueeze(1).eq(at::arange(classes, labels.options()));
}

namespace {

template <typename Layer>
at::Tensor normalise_channels(Layer& layer, const at::Tensor& input) {
  if (!layer.is_training() || input.numel() > input.size(1)) return layer.forward(input);
  return at::batch_norm(input, layer.weight, layer.bias, layer.running_mean, layer.running_var, /*training=*/false,
                        /*momentum=*/0.0, layer.options.eps(), /*cudnn_enabled=*/false);
}

}  // namespace

at::Tensor batch_normalise(torch::nn::BatchNorm1dImpl& layer, const at::Tensor& input) {
  return normalise_channels(layer, input);
}

at::Tensor batch_normalise(torch::nn::BatchNorm2dImpl& layer, const at::Tensor& input) {
  return normalise_channels(layer, input);
}

UnlabelledPolicy parse_unlabelled_policy(const std::string& text) {
  if (text == "pseudo") return UnlabelledPolicy::kPseudo;
  if (text == "skip") return UnlabelledPolicy::kSkip;
  if (text == "instance") return UnlabelledPolicy::kInstance;
  throw Error(ErrorKind::kUsage, {.what = "unknown policy for unlabelled clips '" + text + "'",
                                  .allowed = "pseudo, skip, instance",
                                  .fix = did_you_mean(text, {"pseudo", "skip", "instance"})});
}

ParameterSpec unlabelled_parameter() {
  return ParameterSpec::choice("unlabelled", "pseudo", {"pseudo", "skip", "instance"},
                               "What stands for the label of an unlabelled clip: the teacher's argmax, nothing (the "
                               "clip leaves the term), or the clip itself as a class of its own.");
}

EffectiveLabels effective_labels(const MethodInput& input, UnlabelledPolicy policy) {
  const at::Tensor& known = input.label_known;
  switch (policy) {
    case UnlabelledPolicy::kPseudo: {
      if (!input.pseudo_labels.defined()) {
        throw Error(ErrorKind::kInternal,
                    {.what = "pseudo-labels are wanted, and the batch has none: the method must declare "
                             "that it needs the teacher"});
      }
      const at::Tensor all = at::ones_like(known);
      return {at::where(known, input.labels, input.pseudo_labels), all, all, true};
    }
    case UnlabelledPolicy::kSkip:
      return {input.labels, known, known, false};
    case UnlabelledPolicy::kInstance: {
      // −1 is a hidden label and classes begin at 0, so that −2, −3, … are no one else's.
      const at::Tensor own = -2 - at::arange(known.size(0), input.labels.options());
      return {at::where(known, input.labels, own), known, at::ones_like(known), true};
    }
  }
  throw Error(ErrorKind::kInternal, {.what = "a policy for unlabelled clips without a rule"});
}

at::Tensor contrasted_rows(const at::Tensor& tensor, const EffectiveLabels& labels) {
  return labels.all_contrasted ? tensor : tensor.index_select(0, labels.contrasted.nonzero().flatten());
}

at::Tensor same_label(const at::Tensor& labels, const at::Tensor& like) {
  return labels.unsqueeze(1).eq(labels.unsqueeze(0)).to(like.scalar_type());
}

at::Tensor zero_of(const at::Tensor& tensor) { return tensor.flatten().slice(0, 0, 0).sum(); }

ProjectionImpl::ProjectionImpl(std::int64_t from, std::int64_t to) {
  if (from != to) linear_ = register_module("linear", torch::nn::Linear(from, to));
}

at::Tensor ProjectionImpl::forward(const at::Tensor& features) {
  return linear_.is_empty() ? features : linear_->forward(features);
}

const ModelShape& required_teacher_shape(const TrainingSetup& setup, const std::string& method) {
  if (setup.teacher_shape) return *setup.teacher_shape;
  throw Error(ErrorKind::kUsage, {.what = "method '" + method + "' needs a teacher, and the setup has none",
                                  .fix = "name a teacher model in the suite"});
}

ParameterSpec weight_parameter(double default_value) {
  return ParameterSpec::number("weight", default_value, 0, 1e9, "Weight of the method's own loss.");
}

ParameterSpec classification_weight_parameter(double default_value) {
  return ParameterSpec::number("classification_weight", default_value, 0, 1e9,
                               "Weight of the cross-entropy on the labelled clips.");
}

LossTerm student_classification(const MethodInput& input, double weight) {
  return {
      "student_cls", classification_term(input.student.logits, input.labels, input.label_known), weight, {"student"}};
}

}  // namespace cmkd
