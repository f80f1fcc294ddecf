// XKD's networks and its training step (Sarkar and Etemad 2022, arXiv 2211.13929): the mathematics of a step on given
// views. Views, schedules and optimiser belong to whoever trains. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/methods/method.h"
#include "cmkd/methods/training.h"
#include "cmkd/methods/xkd_losses.h"
#include "cmkd/models/masked_autoencoder.h"
#include "cmkd/models/projector_head.h"
#include "cmkd/models/vit.h"

namespace cmkd {

enum class XkdVariant {
  kSpecific,         // xkd: each network has blocks of its own
  kSharedStudent,    // xkd_mas: both students have the same blocks
  kSharedBackbones,  // xkd_mats: both students have the same blocks, and so have both teachers
};
constexpr auto enum_names(XkdVariant) noexcept {
  return std::to_array<EnumName<XkdVariant>>({{XkdVariant::kSpecific, "xkd"},
                                              {XkdVariant::kSharedStudent, "xkd_mas"},
                                              {XkdVariant::kSharedBackbones, "xkd_mats"}});
}

struct XkdNetworkOptions {
  XkdVariant variant = XkdVariant::kSpecific;
  VitOptions video = VitOptions::xkd(Modality::kVideo, vit_encoder("base"));
  VitOptions audio = VitOptions::xkd(Modality::kAudio, vit_encoder("base"));
  TransformerOptions decoder{384, 4, 12};
  ProjectorHeadOptions head;  // `in` is taken from the encoder's width
};

// backbone.…, head.…
class XkdBranch : public torch::nn::Module {
 public:
  XkdBranch(const VitOptions& vit, const ProjectorHeadOptions& head, std::shared_ptr<Transformer> encoder);
  std::shared_ptr<VitBackbone> backbone;
  std::shared_ptr<ProjectorHead> head;
};

// Named as in the official state dict: vid_teacher, vid_student, vid_ae, aud_teacher, …, vt2as_ce_loss, at2vs_ce_loss.
// What is shared is registered in both places; unique_parameters() and state_of() have it once. Teachers want no
// gradient: a ModuleGroup of the whole object trains students and decoders, and a checkpoint of it is complete.
class XkdNetworks : public torch::nn::Module {
 public:
  // The teachers begin as copies of the students.
  explicit XkdNetworks(const XkdNetworkOptions& options);

  // Both teachers from their students, video first. Blocks that the teachers share are moved twice (xkd_mats), as in
  // the official code. After the optimisers' step.
  void update_teachers(double momentum);
  // Each gradient of the students by itself, not the decoders'. Blocks that the students share are clipped twice, as in
  // the official code, which makes their norm smaller by a few millionths.
  void clip_gradients(double limit);
  // A state dict of the official code: names of shared tensors and of the encoders inside the autoencoders are dropped
  // where they repeat others. Throws Error(kData) as load_state does.
  void load_official(const TensorMap& state, const std::string& where);
  [[nodiscard]] const XkdNetworkOptions& options() const { return options_; }

  std::shared_ptr<XkdBranch> vid_teacher, vid_student, aud_teacher, aud_student;
  std::shared_ptr<MaskedDecoder> vid_ae, aud_ae;
  std::shared_ptr<DistillationCenter> vt2as_ce_loss, at2vs_ce_loss;

 private:
  XkdNetworkOptions options_;
};

// Which view the teachers see. The paper's text and the official code's comment say global; the code itself gives them
// the first local view.
enum class TeacherView { kGlobal, kFirstLocal };
constexpr auto enum_names(TeacherView) noexcept {
  return std::to_array<EnumName<TeacherView>>(
      {{TeacherView::kGlobal, "global"}, {TeacherView::kFirstLocal, "first_local"}});
}

struct XkdViews {
  at::Tensor global;               // [B, C, …] of the networks' own size
  std::vector<at::Tensor> locals;  // [B, C, …] each, of one size; may be empty
  at::Tensor mask_noise;           // [B, L] uniform
  at::Tensor teacher;              // undefined: chosen by XkdOptions::teacher_view
};

enum class XkdDirection { kBoth, kVideoToAudio, kAudioToVideo };
constexpr auto enum_names(XkdDirection) noexcept {
  return std::to_array<EnumName<XkdDirection>>({{XkdDirection::kBoth, "both"},
                                                {XkdDirection::kVideoToAudio, "video_to_audio"},
                                                {XkdDirection::kAudioToVideo, "audio_to_video"}});
}

struct XkdOptions {
  // Weights; the total is their weighted mean. 0: the term is not computed.
  double alignment_weight = 1.0;
  double distillation_weight = 1.0;
  double reconstruction_weight = 5.0;
  CrossAttentionMode cross_attention = CrossAttentionMode::kMean;
  XkdDirection direction = XkdDirection::kBoth;
  TeacherView teacher_view = TeacherView::kGlobal;
  double video_mask_ratio = 0.85;
  double audio_mask_ratio = 0.80;
  double video_teacher_temperature = 0.1;
  double audio_teacher_temperature = 0.07;
  double student_temperature = 0.1;
  bool normalise_patches = true;
  double center_momentum = 0.9;
  bool diagnose = false;  // also XkdStep::diagnostics
};

struct XkdStep {
  // 0-d, by the official names: vid_recon_loss, aud_recon_loss, recon_loss; as2vs_align_loss, vt2at_align_loss,
  // alignment_loss; vt2as_kd_loss, at2vs_kd_loss, cmkd_loss. Terms that are off are absent.
  TensorMap terms;
  at::Tensor total;              // (align · w_a + distil · w_d + recon · w_r) / (w_a + w_d + w_r)
  std::vector<LossTerm> losses;  // the same total as terms that train `group`
  at::Tensor video_teacher;      // [B, K] head outputs, without gradient; undefined when no term needs them
  at::Tensor audio_teacher;
  // Without gradient, of the teachers: video_attention_mass (of the class token on all patches together, mean of heads;
  // the rest is on itself), alignment_unrefined (the discrepancy before the features are weighted by cross-modal
  // attention; vt2at_align_loss is that after), video_entropy (of a clip's softmax((t − c)/τ_t), in nats; at most ln
  // K), video_mean_entropy (of its mean over clips), video_spread (deviation of an output over the clips; near 0: all
  // clips look alike), video_center_norm; and the same of audio.
  std::vector<Diagnostic> diagnostics;
};

// One forward pass; changes nothing, not even the centres.
[[nodiscard]] XkdStep xkd_step(XkdNetworks& networks, const XkdViews& video, const XkdViews& audio,
                               const XkdOptions& options, const std::string& group = "student");
// Conformance checks of the vector folders of a variant: its whole step, and with kSpecific those of the parts.
[[nodiscard]] std::map<std::string, ConformanceCheck> xkd_conformance(XkdVariant variant);
[[nodiscard]] std::map<std::string, ConformanceCheck> masked_autoencoder_conformance();
// The centres from the step's teacher outputs: after the step, before the next.
void update_centers(XkdNetworks& networks, const XkdStep& step, double momentum);

}  // namespace cmkd
