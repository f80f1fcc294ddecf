// The parts of XKD, "Cross-modal Knowledge Distillation with Domain Alignment" (Sarkar and Etemad 2022,
// arXiv 2211.13929), as functions. B clips, L patches (Nv of video, Na of audio), P values a patch, H heads, D width,
// K outputs of the projector.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/core/named_enum.h"

namespace cmkd {

// ---- Masked reconstruction (section 3.2) --------------------------------------------------------------------------

// Mean over masked patches of the mean squared error of a patch.
// predicted, target [B, L, P], masked [B, L] 1 where masked. `normalise`: the target patch minus its mean, over
// sqrt(var + 1e-6), var unbiased.
[[nodiscard]] at::Tensor masked_reconstruction(const at::Tensor& predicted, const at::Tensor& target,
                                               const at::Tensor& masked, bool normalise = true);

// ---- Feature refinement by cross-modal attention (section 3.3) ----------------------------------------------------

enum class CrossAttentionMode { kMean, kSoftmax, kOff };
constexpr auto enum_names(CrossAttentionMode) noexcept {
  return std::to_array<EnumName<CrossAttentionMode>>({{CrossAttentionMode::kMean, "mean"},
                                                      {CrossAttentionMode::kSoftmax, "softmax"},
                                                      {CrossAttentionMode::kOff, "off"}});
}

struct CrossAttention {
  at::Tensor video;  // c_v [B, H, Nv]
  at::Tensor audio;  // c_a [B, H, Na]
};

// X = A_v ⊗ A_a [B, H, Nv, Na] of the class token's attentions A_v [B, H, Nv], A_a [B, H, Na]:
// mean: c_v = mean_Na X / mean_Nv A_v, c_a = mean_Nv X / mean_Na A_a; softmax: softmax(mean_Na X), softmax(mean_Nv X).
[[nodiscard]] CrossAttention cross_attention(const at::Tensor& video, const at::Tensor& audio, CrossAttentionMode mode);

// f' = sqrt(|mean_L f|² / |mean_L (w f)|²) · w · f with w = mean_H c: the patch mean of f' has the energy that the
// patch mean of f had. features f [B, L, D], attention c [B, H, L] -> [B, L, D].
[[nodiscard]] at::Tensor align_features(const at::Tensor& features, const at::Tensor& attention);

// ---- Domain alignment (section 3.3) -------------------------------------------------------------------------------

// Squared maximum mean discrepancy (biased), mean k(x, x') + mean k(y, y') − 2 mean k(x, y), with
// k = Σ_γ exp(−γ |x − y|²), γ = 1e-3, 1e-2, …, 1e3; squared distances at least 1e-30. x [n, K], y [m, K].
[[nodiscard]] at::Tensor maximum_mean_discrepancy(const at::Tensor& x, const at::Tensor& y);

// ---- Cross-modal distillation (section 3.4) -----------------------------------------------------------------------

struct DistillationTemperatures {
  double student = 0.1;
  double teacher = 0.1;
};

// Mean over clips and over all pairs of a student's and a teacher's view of −Σ_k softmax((t − c)/τ_t) log
// softmax(s/τ_s). student [Vs·B, K], teacher [Vt·B, K]: views one after another; center c [1, K]. No gradient to the
// teacher.
[[nodiscard]] at::Tensor centred_cross_entropy(const at::Tensor& student, const at::Tensor& teacher,
                                               const at::Tensor& center, std::int64_t student_views,
                                               std::int64_t teacher_views,
                                               const DistillationTemperatures& temperatures);

// The buffer "center" [1, K], zeros at first.
class DistillationCenter : public torch::nn::Module {
 public:
  explicit DistillationCenter(std::int64_t outputs);
  // c <- momentum · c + (1 − momentum) · mean over rows of teacher [n, K]. After the loss, by the paper's code.
  void update(const at::Tensor& teacher, double momentum);
  [[nodiscard]] const at::Tensor& value() const { return center_; }

 private:
  at::Tensor center_;
};

// ---- What a step does to weights and gradients --------------------------------------------------------------------

// t <- momentum · t + (1 − momentum) · s for every parameter of `teacher`, each once, from the student's of the same
// place. Throws Error(kInternal) where their numbers or shapes differ.
void update_teacher(torch::nn::Module& teacher, const torch::nn::Module& student, double momentum);

// Each gradient by itself: g <- g · min(1, limit / (|g| + 1e-6)). Undefined gradients are passed over. No transfer from
// the device.
void clip_each_gradient(const std::vector<at::Tensor>& parameters, double limit);

}  // namespace cmkd
