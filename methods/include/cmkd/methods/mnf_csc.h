// MNF + CSC, "Robust Cross-Modal Knowledge Distillation for Unconstrained Videos" (Xia et al. 2023, arXiv 2304.07775):
// the modality noise filter, contrastive semantic calibration, and the method made of them.
//
// B batch, C classes, D the teacher's width, K tokens; a [B, D] teacher feature, M [B, K, D] student tokens, v [B, D]
// student embedding. Where the student's widths differ from D, its tokens and embedding pass a learned projection
// first.
#pragma once

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <optional>
#include <string>
#include <vector>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"

namespace cmkd {

// ---- Contrastive Semantic Calibration (section 3.3) ---------------------------------------------------------------

struct CalibrationOptions {
  double threshold = 0.2;
  bool adaptive = true;     // τ_ij = stopgrad(cos(v_i, ã_j)) + threshold, else τ_ij = threshold
  double tau_floor = 0.05;  // τ is at least this; 0: no floor, as in the official code
};

struct Calibration {
  at::Tensor loss;           // 0-d
  at::Tensor tau_positive;   // 0-d: mean τ over pairs of one label
  at::Tensor tau_negative;   // 0-d: mean τ over the other pairs, 0 when there is none
  at::Tensor clamped_share;  // 0-d: share of τ below the floor
};

// mean_i 1/|P(i)| Σ_{j ∈ P(i)} −log(softmax_j(cos(v_i, ṽ_j) / τ_ij) + 1e-10), P(i) = {j : y_j = y_i}, i included.
// student v [B, D], filtered ṽ [B, D], similarity cos(v_i, ã_j) [B, B] (its gradient is stopped here), labels [B].
[[nodiscard]] Calibration calibrate(const at::Tensor& student, const at::Tensor& filtered, const at::Tensor& similarity,
                                    const at::Tensor& labels, const CalibrationOptions& options);

// ---- Modality Noise Filter (section 3.2) --------------------------------------------------------------------------

struct FilterOutput {
  at::Tensor gate;              // g [B, D] in (0, 1)
  at::Tensor filtered_teacher;  // ã = g ⊙ a [B, D]
  at::Tensor filtered_student;  // ṽ = relu(BN(W3 · MHA(ã; M, M))) [B, D]
  at::Tensor filtered_logits;   // z̃ = W4 ṽ [B, C]
  at::Tensor attention;         // [B, 1, K], mean over heads
};

// Parameters are named as in the official module.
class NoiseFilterImpl : public torch::nn::Module {
 public:
  // `gate` false: ã = a, and there is no gate to learn.
  NoiseFilterImpl(std::int64_t width, std::int64_t classes, bool gate);
  FilterOutput forward(const at::Tensor& teacher, const at::Tensor& tokens);
  // mean over rows of the sum of |w|, of the last gate layer or summed over both; undefined without a gate.
  [[nodiscard]] at::Tensor gate_norm(bool both_layers) const;

 private:
  [[nodiscard]] at::Tensor gate_of(const at::Tensor& teacher, const at::Tensor& tokens);

  torch::nn::Sequential gated_feature_composer_{nullptr};  // Linear 2D -> D/2, BN, ReLU, Linear D/2 -> D
  torch::nn::MultiheadAttention attn_{nullptr};            // 2 heads
  torch::nn::Sequential trans_sv_{nullptr};                // Linear D -> D, BN
  torch::nn::Linear sv_cls_classifier_{nullptr};
};
TORCH_MODULE(NoiseFilter);

// ---- The method ---------------------------------------------------------------------------------------------------

struct MnfCscOptions {
  CalibrationOptions calibration;
  bool gate = true;
  bool gate_norm_both_layers = false;
  double margin = 0.2;
  double norm_weight = 0.001;
  double weight = 1.0;                 // of L_csc
  double classification_weight = 1.0;  // of CE(z, y)
  double module_weight = 1.0;          // of the three module terms together
  UnlabelledPolicy unlabelled = UnlabelledPolicy::kPseudo;

  [[nodiscard]] static std::vector<ParameterSpec> parameters();
  [[nodiscard]] static MnfCscOptions from(const Parameters& parameters);
};

struct MnfCscWidths {
  std::int64_t student_embedding = 0;
  std::int64_t student_tokens = 0;
  std::int64_t teacher = 0;
  std::int64_t classes = 0;
};

// Module terms CE(z̃, y), gate_l1 and triplet train "method"; student terms CE(z, y) and L_csc train "student" and
// "method": the student receives the gradient of the student terms only, the module that of both, as in the official
// order of backward calls.
class MnfCsc final : public Method {
 public:
  struct Output {
    StepResult result;
    FilterOutput filter;
  };

  MnfCsc(const MnfCscWidths& widths, const MnfCscOptions& options);

  StepResult loss(const MethodInput& input, const StepContext& context) override;
  // "gate": mean of g_i (absent without a gate); "similarity": cos(v_i, ã_i), from which the temperature comes.
  [[nodiscard]] TensorMap clip_signals(const MethodInput& input) override;
  [[nodiscard]] double learning_rate_scale() const override { return 0.2; }

  // What `loss` returns, with the filter's outputs. `similarity` [B, B] takes the place of cos(v_i, ã_j) in τ
  // (conformance cases give it, so that the temperature is the same on both sides).
  [[nodiscard]] Output compute(const MethodInput& input, const std::optional<at::Tensor>& similarity = std::nullopt);
  [[nodiscard]] NoiseFilterImpl& filter() { return *filter_; }

 private:
  MnfCscOptions options_;
  NoiseFilter filter_{nullptr};
  Projection embedding_projection_{nullptr};
  Projection token_projection_{nullptr};
};

[[nodiscard]] Needs mnf_csc_needs();
[[nodiscard]] MnfCscWidths mnf_csc_widths(const TrainingSetup& setup, const std::string& method);
// What becomes of clips without label, in words.
[[nodiscard]] std::string mnf_csc_unlabelled();
// The check of the folder "mnf_csc", for the registration.
[[nodiscard]] std::map<std::string, ConformanceCheck> mnf_csc_conformance();

}  // namespace cmkd
