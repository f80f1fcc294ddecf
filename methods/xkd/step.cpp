#include <ATen/ATen.h>

#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/methods/xkd.h"

namespace cmkd {

namespace {

// The mean over patches of [B, 1 + L, D].
at::Tensor xkd_patch_mean(const at::Tensor& tokens) { return without_class_token(tokens).mean(1); }

struct StudentPass {
  at::Tensor reconstruction;  // 0-d; undefined when not asked for
  at::Tensor outputs;         // [V·B, K], global view first; undefined when not asked for
};

StudentPass pass_student(XkdBranch& student, MaskedDecoder& decoder, const XkdViews& views, double mask_ratio,
                         bool reconstruct, bool project, bool normalise_patches) {
  StudentPass pass;
  const PatchMask mask = mask_patches(views.mask_noise, mask_ratio);
  const at::Tensor encoded = student.backbone->forward_kept(views.global, mask.kept);
  if (reconstruct) {
    pass.reconstruction =
        masked_reconstruction(decoder.forward(encoded, mask.restore), student.backbone->patches(views.global),
                              mask.masked, normalise_patches);
  }
  if (!project) return pass;
  std::vector<at::Tensor> features{xkd_patch_mean(encoded)};
  if (!views.locals.empty()) features.push_back(xkd_patch_mean(student.backbone->forward(at::cat(views.locals))));
  pass.outputs = student.head->forward(at::cat(features));
  return pass;
}

const at::Tensor& teacher_input(const XkdViews& views, TeacherView view) {
  if (views.teacher.defined()) return views.teacher;
  if (view == TeacherView::kGlobal) return views.global;
  if (views.locals.empty())  // NOLINT(readability-braces-around-statements): braces would change its keys
    throw Error(ErrorKind::kUsage, {"the teacher's view is the first local one, and there is none", "", "",
                                    "teacher_view = global, or local views"});
  return views.locals.front();
}

void pass_teachers(XkdNetworks& networks, const XkdViews& video, const XkdViews& audio, const XkdOptions& options,
                   XkdStep& step) {
  const at::NoGradGuard no_grad;
  XkdBranch& video_teacher = *networks.vid_teacher;
  XkdBranch& audio_teacher = *networks.aud_teacher;
  const at::Tensor& video_input = teacher_input(video, options.teacher_view);
  const at::Tensor& audio_input = teacher_input(audio, options.teacher_view);
  if (options.cross_attention == CrossAttentionMode::kOff) {
    step.video_teacher = video_teacher.head->forward(xkd_patch_mean(video_teacher.backbone->forward(video_input)));
    step.audio_teacher = audio_teacher.head->forward(xkd_patch_mean(audio_teacher.backbone->forward(audio_input)));
    return;
  }
  const AttendedFeatures seen = video_teacher.backbone->forward_attended(video_input);
  const AttendedFeatures heard = audio_teacher.backbone->forward_attended(audio_input);
  const CrossAttention cross = cross_attention(seen.attention, heard.attention, options.cross_attention);
  const auto project = [](XkdBranch& teacher, const at::Tensor& features, const at::Tensor& attention) {
    return teacher.head->forward(align_features(without_class_token(features), attention).mean(1));
  };
  step.video_teacher = project(video_teacher, seen.features, cross.video);
  step.audio_teacher = project(audio_teacher, heard.features, cross.audio);
  if (!options.diagnose) return;
  step.diagnostics.push_back({"video_attention_mass", seen.attention.sum(2).mean()});
  step.diagnostics.push_back({"audio_attention_mass", heard.attention.sum(2).mean()});
  step.diagnostics.push_back(
      {"alignment_unrefined", maximum_mean_discrepancy(video_teacher.head->forward(xkd_patch_mean(seen.features)),
                                                       audio_teacher.head->forward(xkd_patch_mean(heard.features)))});
}

void diagnose_outputs(const std::string& modality, const at::Tensor& teacher, const DistillationCenter& center,
                      double temperature, XkdStep& step) {
  const at::NoGradGuard no_grad;
  const auto entropy = [](const at::Tensor& p) { return -(p * (p + 1e-30).log()).sum(-1).mean(); };
  const at::Tensor said = ((teacher - center.value()) / temperature).softmax(-1);
  step.diagnostics.push_back({modality + "_entropy", entropy(said)});
  step.diagnostics.push_back({modality + "_mean_entropy", entropy(said.mean(0))});
  step.diagnostics.push_back({modality + "_spread", teacher.std(0, /*unbiased=*/false).mean()});
  step.diagnostics.push_back({modality + "_center_norm", center.value().norm()});
}

// The mean of some terms under a name, with the weight that it has in the total; each term gets its share.
class TermMeans {
 public:
  TermMeans(XkdStep& step, std::string group) : step_(step), group_(std::move(group)) {}

  void add(const std::string& mean_name, double weight,
           const std::vector<std::pair<std::string, at::Tensor>>& members) {
    at::Tensor sum;
    for (const auto& [name, value] : members) {
      step_.terms.emplace(name, value);
      step_.losses.push_back({name, value, weight / static_cast<double>(members.size()), {group_}});
      sum = sum.defined() ? sum + value : value;
    }
    const at::Tensor mean = sum / static_cast<double>(members.size());
    step_.terms.emplace(mean_name, mean);
    step_.total = step_.total.defined() ? step_.total + mean * weight : mean * weight;
    weights_ += weight;
  }

  void finish() {
    if (weights_ <= 0) throw Error(ErrorKind::kUsage, {"all three losses of XKD are off", "", "", "leave one on"});
    step_.total = step_.total / weights_;
    for (LossTerm& loss : step_.losses) loss.weight /= weights_;
  }

 private:
  XkdStep& step_;
  std::string group_;
  double weights_ = 0.0;
};

std::vector<std::pair<std::string, at::Tensor>> distillation_members(XkdNetworks& networks, const XkdStep& step,
                                                                     const at::Tensor& video_student,
                                                                     const at::Tensor& audio_student,
                                                                     const XkdOptions& options) {
  const auto term = [&](const at::Tensor& student, const at::Tensor& teacher, const DistillationCenter& center,
                        double temperature) {
    return centred_cross_entropy(student, teacher, center.value(), student.size(0) / teacher.size(0), 1,
                                 {options.student_temperature, temperature});
  };
  std::vector<std::pair<std::string, at::Tensor>> members;
  if (options.direction != XkdDirection::kAudioToVideo) {
    members.emplace_back("vt2as_kd_loss", term(audio_student, step.video_teacher, *networks.vt2as_ce_loss,
                                               options.video_teacher_temperature));
  }
  if (options.direction != XkdDirection::kVideoToAudio) {
    members.emplace_back("at2vs_kd_loss", term(video_student, step.audio_teacher, *networks.at2vs_ce_loss,
                                               options.audio_teacher_temperature));
  }
  return members;
}

}  // namespace

XkdStep xkd_step(XkdNetworks& networks, const XkdViews& video, const XkdViews& audio, const XkdOptions& options,
                 const std::string& group) {
  const bool reconstruct = options.reconstruction_weight > 0;
  const bool align = options.alignment_weight > 0;
  const bool distil = options.distillation_weight > 0;
  const StudentPass seen = pass_student(*networks.vid_student, *networks.vid_ae, video, options.video_mask_ratio,
                                        reconstruct, align || distil, options.normalise_patches);
  const StudentPass heard = pass_student(*networks.aud_student, *networks.aud_ae, audio, options.audio_mask_ratio,
                                         reconstruct, align || distil, options.normalise_patches);
  XkdStep step;
  if (align || distil) {
    pass_teachers(networks, video, audio, options, step);
    if (options.diagnose) {
      diagnose_outputs("video", step.video_teacher, *networks.vt2as_ce_loss, options.video_teacher_temperature, step);
      diagnose_outputs("audio", step.audio_teacher, *networks.at2vs_ce_loss, options.audio_teacher_temperature, step);
    }
  }
  TermMeans means(step, group);
  if (align) {
    means.add("alignment_loss", options.alignment_weight,
              {{"as2vs_align_loss", maximum_mean_discrepancy(seen.outputs, heard.outputs)},
               {"vt2at_align_loss", maximum_mean_discrepancy(step.video_teacher, step.audio_teacher)}});
  }
  if (distil) {
    means.add("cmkd_loss", options.distillation_weight,
              distillation_members(networks, step, seen.outputs, heard.outputs, options));
  }
  if (reconstruct) {
    means.add("recon_loss", options.reconstruction_weight,
              {{"vid_recon_loss", seen.reconstruction}, {"aud_recon_loss", heard.reconstruction}});
  }
  means.finish();
  return step;
}

void update_centers(XkdNetworks& networks, const XkdStep& step, double momentum) {
  if (!step.video_teacher.defined()) return;
  networks.vt2as_ce_loss->update(step.video_teacher, momentum);
  networks.at2vs_ce_loss->update(step.audio_teacher, momentum);
}

}  // namespace cmkd
