#include <ATen/ATen.h>

#include <map>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/methods/xkd.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

XkdBranch::XkdBranch(const VitOptions& vit, const ProjectorHeadOptions& head_options,
                     std::shared_ptr<Transformer> encoder)
    : backbone(register_module("backbone", std::make_shared<VitBackbone>(vit, std::move(encoder)))),
      head(register_module("head", std::make_shared<ProjectorHead>(head_options))) {}

namespace {

std::shared_ptr<XkdBranch> make_xkd_branch(const XkdNetworkOptions& options, const VitOptions& vit,
                                           const std::shared_ptr<Transformer>& encoder) {
  ProjectorHeadOptions head = options.head;
  head.in = vit.encoder.width;
  return std::make_shared<XkdBranch>(vit, head, encoder);
}

std::shared_ptr<MaskedDecoder> make_xkd_decoder(const XkdNetworkOptions& options, const VitOptions& vit) {
  return std::make_shared<MaskedDecoder>(
      MaskedDecoderOptions{vit.encoder.width, vit.patches(), vit.patch_values(), options.decoder});
}

void require_equal_encoders(const XkdNetworkOptions& options) {
  const TransformerOptions& video = options.video.encoder;
  const TransformerOptions& audio = options.audio.encoder;
  // Heads and depth, too: the attentions of both teachers are multiplied head by head.
  if (video.width == audio.width && video.depth == audio.depth && video.heads == audio.heads) return;
  throw Error(ErrorKind::kUsage, {"XKD's video and audio encoders differ in width, depth or heads", "", "", ""});
}

}  // namespace

XkdNetworks::XkdNetworks(const XkdNetworkOptions& options) : options_(options) {
  require_equal_encoders(options);
  const bool share_teacher = options.variant == XkdVariant::kSharedBackbones;
  const bool share_student = options.variant != XkdVariant::kSpecific;
  vid_teacher = register_module("vid_teacher", make_xkd_branch(options, options.video, nullptr));
  vid_student = register_module("vid_student", make_xkd_branch(options, options.video, nullptr));
  vid_ae = register_module("vid_ae", make_xkd_decoder(options, options.video));
  aud_teacher = register_module(
      "aud_teacher",
      make_xkd_branch(options, options.audio, share_teacher ? vid_teacher->backbone->encoder() : nullptr));
  aud_student = register_module(
      "aud_student",
      make_xkd_branch(options, options.audio, share_student ? vid_student->backbone->encoder() : nullptr));
  aud_ae = register_module("aud_ae", make_xkd_decoder(options, options.audio));
  vt2as_ce_loss = register_module("vt2as_ce_loss", std::make_shared<DistillationCenter>(options.head.out));
  at2vs_ce_loss = register_module("at2vs_ce_loss", std::make_shared<DistillationCenter>(options.head.out));
  for (const auto& teacher : {vid_teacher, aud_teacher}) {
    // NOLINTNEXTLINE(performance-for-range-copy): a handle, and what it names is changed
    for (at::Tensor parameter : teacher->parameters()) parameter.requires_grad_(false);
  }
  update_teacher(*vid_teacher, *vid_student, 0.0);
  update_teacher(*aud_teacher, *aud_student, 0.0);
}

void XkdNetworks::update_teachers(double momentum) {
  update_teacher(*vid_teacher, *vid_student, momentum);
  update_teacher(*aud_teacher, *aud_student, momentum);
}

void XkdNetworks::clip_gradients(double limit) {
  clip_each_gradient(unique_parameters(*vid_student), limit);
  clip_each_gradient(unique_parameters(*aud_student), limit);
}

void XkdNetworks::load_official(const TensorMap& state, const std::string& where) {
  // state_of detaches: tensors are told apart by where they lie.
  std::map<const void*, std::string> first_by_data;
  for (const auto& [name, tensor] : state_of(*this)) first_by_data.emplace(tensor.const_data_ptr(), name);
  std::map<std::string, std::string> aliases;
  for (const auto& item : named_parameters()) aliases[item.key()] = first_by_data.at(item.value().const_data_ptr());
  const auto canonical = [&](std::string name) {
    for (const std::string side : {"vid", "aud"}) {
      const std::string inside = side + "_ae.encoder.";
      if (name.starts_with(inside)) name = side + "_student.backbone." + name.substr(inside.size());
    }
    const auto found = aliases.find(name);
    return found == aliases.end() ? name : found->second;
  };
  TensorMap once;
  for (const auto& [name, tensor] : state) {
    const std::string first = canonical(name);
    const auto original = state.find(first);
    const bool repeats = first != name && original != state.end() && at::equal(original->second, tensor);
    if (!repeats) once.emplace(name, tensor);
  }
  load_state(*this, once, where);
}

}  // namespace cmkd
