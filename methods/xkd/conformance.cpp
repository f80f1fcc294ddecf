// The checks of the vector folders xkd_step, xkd_mas_step, xkd_mats_step and of the parts: xkd_align, xkd_distill,
// xkd_mmd, xkd_reconstruction.
#include <ATen/ATen.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/vector_checks.h"
#include "cmkd/methods/xkd.h"

namespace cmkd {

namespace {

// ---- Parts --------------------------------------------------------------------------------------------------------

TensorMap check_xkd_align(const VectorCase& vector_case) {
  const CrossAttentionMode mode =
      vector_case.hyper("softmax") != 0 ? CrossAttentionMode::kSoftmax : CrossAttentionMode::kMean;
  const CrossAttention cross =
      cross_attention(vector_case.at("video_attention"), vector_case.at("audio_attention"), mode);
  return {{"video_cross_attention", cross.video},
          {"audio_cross_attention", cross.audio},
          {"video_aligned", align_features(vector_case.at("video_features"), cross.video)},
          {"audio_aligned", align_features(vector_case.at("audio_features"), cross.audio)}};
}

// "loss" and the gradients of the leaves.
TensorMap loss_and_gradients(const at::Tensor& loss, const NamedLeaves& leaves) {
  TensorMap computed = routed_gradients({{"loss", loss, 1.0, {"student"}}}, nullptr, leaves);
  computed.emplace("loss", loss.detach());
  return computed;
}

TensorMap check_xkd_distill(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  const at::Tensor& teacher = vector_case.at("teacher");
  DistillationCenter center(teacher.size(1));
  load_case(center, vector_case);
  const at::Tensor loss = centred_cross_entropy(
      student, teacher, center.value(), static_cast<std::int64_t>(vector_case.hyper("student_views")),
      static_cast<std::int64_t>(vector_case.hyper("teacher_views")),
      {vector_case.hyper("student_temperature"), vector_case.hyper("teacher_temperature")});
  TensorMap computed = loss_and_gradients(loss, {{"student", student}});
  center.update(teacher, vector_case.hyper("center_momentum"));
  computed.emplace("center", center.value());
  return computed;
}

TensorMap check_xkd_mmd(const VectorCase& vector_case) {
  const at::Tensor video = vector_case.leaf("video");
  const at::Tensor audio = vector_case.leaf("audio");
  return loss_and_gradients(maximum_mean_discrepancy(video, audio), {{"video", video}, {"audio", audio}});
}

TensorMap check_xkd_reconstruction(const VectorCase& vector_case) {
  const at::Tensor student = vector_case.leaf("student");
  return loss_and_gradients(masked_reconstruction(student, vector_case.at("target"), vector_case.at("mask"),
                                                  vector_case.hyper("normalize_patches") != 0),
                            {{"student", student}});
}

// ---- A whole step -------------------------------------------------------------------------------------------------

// Blocks of which the case has parameters.
std::int64_t depth_of(const VectorCase& vector_case, const std::string& prefix) {
  std::int64_t depth = 0;
  while (vector_case.has(prefix + "blocks." + std::to_string(depth) + ".norm1.weight")) ++depth;
  return depth;
}

VitOptions vit_of_case(const VectorCase& vector_case, Modality modality, const TransformerOptions& encoder) {
  const bool video = modality == Modality::kVideo;
  const at::Tensor& global = vector_case.at(video ? "frames.global" : "specs.global");
  // vectors/README.md: cuboids 2x8x8, patches 4x8.
  VitOptions options{modality, global.sizes().slice(2).vec(), {2, 8, 8}, encoder};
  if (!video) options.patch = {4, 8};
  return options;
}

XkdNetworkOptions networks_of_case(const VectorCase& vector_case, XkdVariant variant) {
  const std::string student = "param.vid_student.";
  const auto integer = [&](const std::string& name) { return static_cast<std::int64_t>(vector_case.hyper(name)); };
  const TransformerOptions encoder{vector_case.at(student + "backbone.cls_token").size(2),
                                   depth_of(vector_case, student + "backbone.encoder."), integer("num_heads")};
  XkdNetworkOptions options;
  options.variant = variant;
  options.video = vit_of_case(vector_case, Modality::kVideo, encoder);
  options.audio = vit_of_case(vector_case, Modality::kAudio, encoder);
  options.decoder = {vector_case.at("param.vid_ae.mask_token").size(2), depth_of(vector_case, "param.vid_ae.decoder."),
                     integer("decoder_heads")};
  options.head.hidden = vector_case.at(student + "head.mlp.3.weight").size(0);
  options.head.bottleneck = vector_case.at(student + "head.mlp.6.weight").size(0);
  options.head.out = vector_case.at(student + "head.last_layer.weight_v").size(0);
  return options;
}

XkdOptions step_options_of_case(const VectorCase& vector_case) {
  XkdOptions options;
  options.alignment_weight = vector_case.hyper("align_coeff");
  options.distillation_weight = vector_case.hyper("cmkd_coeff");
  options.reconstruction_weight = vector_case.hyper("recon_coeff");
  if (vector_case.hyper("attention_softmax") != 0) options.cross_attention = CrossAttentionMode::kSoftmax;
  options.video_mask_ratio = vector_case.hyper("vid_mask_ratio");
  options.audio_mask_ratio = vector_case.hyper("aud_mask_ratio");
  options.video_teacher_temperature = vector_case.hyper("teacher_temp_video");
  options.audio_teacher_temperature = vector_case.hyper("teacher_temp_audio");
  options.student_temperature = vector_case.hyper("student_temp");
  return options;
}

XkdViews views_of_case(const VectorCase& vector_case, const std::string& input, const std::string& modality) {
  return {vector_case.at(input + ".global"),
          {vector_case.at(input + ".local")},
          vector_case.at("mask_noise." + modality),
          vector_case.at(input + ".teacher")};
}

// Gradients of all trained parameters, as they now are.
void add_gradients(const XkdNetworks& networks, const std::string& prefix, const std::string& without,
                   TensorMap& computed) {
  for (const auto& item : networks.named_parameters()) {
    if (!item.value().grad().defined() || (!without.empty() && item.key().find(without) != std::string::npos)) continue;
    computed.emplace(prefix + item.key(), item.value().grad().detach().clone());
  }
}

TensorMap check_xkd_step(const VectorCase& vector_case, XkdVariant variant) {
  const auto networks = std::make_shared<XkdNetworks>(networks_of_case(vector_case, variant));
  load_case(*networks, vector_case);
  const XkdStep step = xkd_step(*networks, views_of_case(vector_case, "frames", "video"),
                                views_of_case(vector_case, "specs", "audio"), step_options_of_case(vector_case));
  TensorMap computed{{"loss", step.total.detach()}};
  for (const auto& [name, value] : step.terms) computed.emplace("term." + name, value.detach());
  route_gradients(step.losses, {{"student", networks, 1.0, std::nullopt, {}}}, "main");
  add_gradients(*networks, "grad.param.", "", computed);
  networks->clip_gradients(vector_case.hyper("clip_norm"));
  add_gradients(*networks, "clipped_grad.param.", "_ae.", computed);
  update_centers(*networks, step, vector_case.hyper("center_momentum"));
  for (const auto& item : networks->named_buffers()) computed.emplace("buffer." + item.key(), item.value().clone());
  networks->update_teachers(vector_case.hyper("ema_momentum"));
  for (const auto& [name, tensor] : state_of(*networks)) {
    if (name.find("_teacher.") != std::string::npos) computed.emplace("after_ema.param." + name, tensor.clone());
  }
  return computed;
}

}  // namespace

std::map<std::string, ConformanceCheck> xkd_conformance(XkdVariant variant) {
  std::map<std::string, ConformanceCheck> checks{
      {std::string(to_string(variant)) + "_step",
       [variant](const VectorCase& one) { return check_xkd_step(one, variant); }}};
  if (variant != XkdVariant::kSpecific) return checks;
  checks.insert({{"xkd_align", check_xkd_align}, {"xkd_distill", check_xkd_distill}, {"xkd_mmd", check_xkd_mmd}});
  return checks;
}

std::map<std::string, ConformanceCheck> masked_autoencoder_conformance() {
  return {{"xkd_reconstruction", check_xkd_reconstruction}};
}

}  // namespace cmkd
