#include "cmkd/methods/xkd_losses.h"

#include <ATen/ATen.h>

#include "cmkd/core/error.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

at::Tensor masked_reconstruction(const at::Tensor& predicted, const at::Tensor& target, const at::Tensor& masked,
                                 bool normalise) {
  at::Tensor wanted = target.detach();
  if (normalise) {
    const at::Tensor variance = wanted.var(std::vector<std::int64_t>{2}, /*unbiased=*/true, /*keepdim=*/true);
    wanted = (wanted - wanted.mean(2, /*keepdim=*/true)) / (variance + 1e-6).sqrt();
  }
  const at::Tensor error = (predicted - wanted).square().mean(2);  // [B, L]
  return (error * masked).sum() / masked.sum();
}

// The mean of an outer product over one side is the other side times a mean: X itself is never made.
CrossAttention cross_attention(const at::Tensor& video, const at::Tensor& audio, CrossAttentionMode mode) {
  const at::Tensor video_mean = video.mean(2, /*keepdim=*/true);
  const at::Tensor audio_mean = audio.mean(2, /*keepdim=*/true);
  CrossAttention cross{video * audio_mean, audio * video_mean};
  switch (mode) {
    case CrossAttentionMode::kMean:
      return {cross.video / video_mean, cross.audio / audio_mean};
    case CrossAttentionMode::kSoftmax:
      return {cross.video.softmax(2), cross.audio.softmax(2)};
    case CrossAttentionMode::kOff:
      break;
  }
  throw Error(ErrorKind::kInternal, {"cross-modal attention is off, and yet asked for", "", "", ""});
}

at::Tensor align_features(const at::Tensor& features, const at::Tensor& attention) {
  const at::Tensor weighted = attention.mean(1).unsqueeze(2) * features;
  const auto energy = [](const at::Tensor& x) { return x.mean(1, /*keepdim=*/true).square().sum(2, /*keepdim=*/true); };
  return (energy(features) / energy(weighted)).sqrt() * weighted;
}

namespace {

// Σ_γ exp(−γ d²), averaged over all pairs. Distances by |x|² + |y|² − 2xy: a tensor [n, m, K] of differences would not
// fit. `same`: x and y are one set, and what rounding leaves on the diagonal is put to the 0 that it is.
at::Tensor mean_gaussian_kernel(const at::Tensor& x, const at::Tensor& y, bool same) {
  at::Tensor squared =
      x.square().sum(1, /*keepdim=*/true) + y.square().sum(1).unsqueeze(0) - 2 * at::matmul(x, y.transpose(0, 1));
  if (same) squared = squared * (1 - at::eye(x.size(0), x.options().requires_grad(false)));
  squared = squared.clamp_min(1e-30);
  at::Tensor sum;
  for (const double gamma : {1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3}) {
    const at::Tensor kernel = (squared * -gamma).exp();
    sum = sum.defined() ? sum + kernel : kernel;
  }
  return sum.mean();
}

}  // namespace

at::Tensor maximum_mean_discrepancy(const at::Tensor& x, const at::Tensor& y) {
  return mean_gaussian_kernel(x, x, true) + mean_gaussian_kernel(y, y, true) - 2 * mean_gaussian_kernel(x, y, false);
}

at::Tensor centred_cross_entropy(const at::Tensor& student, const at::Tensor& teacher, const at::Tensor& center,
                                 std::int64_t student_views, std::int64_t teacher_views,
                                 const DistillationTemperatures& temperatures) {
  const at::Tensor wanted = ((teacher.detach() - center) / temperatures.teacher).softmax(1);
  const at::Tensor given = (student / temperatures.student).log_softmax(1);
  at::Tensor sum;
  for (const at::Tensor& target : wanted.chunk(teacher_views)) {
    for (const at::Tensor& view : given.chunk(student_views)) {
      const at::Tensor pair = -(target * view).sum(1).mean();
      sum = sum.defined() ? sum + pair : pair;
    }
  }
  return sum / static_cast<double>(student_views * teacher_views);
}

DistillationCenter::DistillationCenter(std::int64_t outputs)
    : center_(register_buffer("center", at::zeros({1, outputs}))) {}

void DistillationCenter::update(const at::Tensor& teacher, double momentum) {
  const at::NoGradGuard no_grad;
  center_.mul_(momentum).add_(teacher.mean(0, /*keepdim=*/true), 1 - momentum);
}

void update_teacher(torch::nn::Module& teacher, const torch::nn::Module& student, double momentum) {
  const at::NoGradGuard no_grad;
  const TensorMap source = state_of(student);
  const TensorMap target = state_of(teacher);
  for (const auto& [name, tensor] : target) {
    const auto found = source.find(name);
    if (source.size() != target.size() || found == source.end() || found->second.sizes() != tensor.sizes())
      throw Error(ErrorKind::kInternal, {"the teacher's '" + name + "' has no counterpart in the student", "", "", ""});
    at::Tensor(tensor).mul_(momentum).add_(found->second, 1 - momentum);
  }
}

void clip_each_gradient(const std::vector<at::Tensor>& parameters, double limit) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor& gradient = parameter.grad();
    if (gradient.defined()) at::Tensor(gradient).mul_((limit / (gradient.norm() + 1e-6)).clamp_max(1.0));
  }
}

}  // namespace cmkd
