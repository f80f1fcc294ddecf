// xkd, xkd_mas, xkd_mats and mae — Sarkar and Etemad 2022, "XKD: Cross-modal Knowledge Distillation with Domain
// Alignment", arXiv 2211.13929, sections 3.2 to 3.4; mae after He et al. 2022, arXiv 2111.06377.
//
//   reconstruction   mean over masked patches of mean (predicted − normalised patch)²
//   alignment        f' = sqrt(|mean f|² / |mean (w f)|²) · w · f, w the mean over heads of the cross-modal attention;
//                    (MMD(s_v, s_a) + MMD(t_v, t_a)) / 2 on head outputs
//   distillation     −Σ softmax((t − c) / τ_t) log softmax(s / τ_s), teacher of one modality, student of the other
//   L = (alignment_weight · alignment + distillation_weight · distillation + reconstruction_weight · reconstruction)
//       / the sum of the weights;  teachers are moving averages of the students
//
// f [B, L, D] patch features, s, t [B, K] head outputs, c [1, K] the centre. xkd_mas shares the students' blocks,
// xkd_mats the teachers', too; mae is the reconstruction alone. No label is used. docs/xkd.md explains the parts.
//
// Differs: teachers see the global view, as the paper says, where the official code gives them the first local one
// (`teacher_view`). Squared distances of a set with itself have an exact zero on the diagonal of the discrepancy. A
// loss of weight 0 is not computed. Views are cut and resampled linearly by products of matrices, which are
// deterministic on every device; the hue is not turned. The learning rate is the suite's. docs/xkd.md lists every
// difference.
#include "cmkd/methods/xkd_pretraining.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

std::shared_ptr<VitModel> required_vit(const std::shared_ptr<Model>& model) {
  auto vit = std::dynamic_pointer_cast<VitModel>(model);
  if (vit) return vit;
  throw Error(ErrorKind::kUsage, {.what = "XKD trains vision transformers, and the suite has another network",
                                  .allowed = "video_vit_tiny, …_small, …_base and audio_vit_tiny, …_small, …_base",
                                  .fix = "set student.model and teacher.model"});
}

// The network of `modality` among the suite's two.
std::shared_ptr<VitModel> vit_of_setup(const TrainingSetup& setup, Modality modality) {
  if (!setup.student || !setup.other) throw Error(ErrorKind::kInternal, {.what = "XKD without both networks"});
  return required_vit(setup.student_shape.modality == modality ? setup.student : setup.other);
}

// Below this deviation over the clips of a batch, of outputs whose own deviation is 1, all clips look alike.
constexpr double kCollapsedSpread = 1e-4;

class XkdPretraining final : public Training {
 public:
  XkdPretraining(const TrainingSetup& setup, const XkdRecipe& recipe)
      : recipe_(recipe),
        own_modality_(setup.student_shape.modality),
        video_(vit_of_setup(setup, Modality::kVideo)),
        audio_(vit_of_setup(setup, Modality::kAudio)),
        networks_(std::make_shared<XkdNetworks>(network_options())),
        weight_decay_(recipe.weight_decay) {
    if (recipe.views.local_views > 0) (void)xkd_local_size(video_->vit_options(), recipe.views);
    // Video last: blocks that both students share are its.
    take_first_weights(*audio_, *networks_->aud_student->backbone);
    take_first_weights(*video_, *networks_->vid_student->backbone);
    networks_->update_teachers(0.0);
    networks_->to(setup.device);
    networks_->train();
  }

  std::vector<ModuleGroup> groups() override {
    ModuleGroup group{"student", networks_, 1.0, weight_decay_, {}};
    group.decay_matrices_only = true;
    group.betas = {0.9, 0.95};
    return {group};
  }

  StepResult step(const StepContext& context, const Batch& batch) override {
    const std::int64_t steps = context.epochs * context.steps_per_epoch;
    weight_decay_ = cosine_between(recipe_.weight_decay, recipe_.weight_decay_end, context.step, steps);
    XkdViews video;
    XkdViews audio;
    {
      const at::NoGradGuard no_grad;
      video = take_views(xkd_video_views(batch.video, video_->vit_options(), recipe_.views));
      audio = take_views(xkd_audio_views(batch.audio, *audio_, recipe_.views));
      video.mask_noise = mask_noise(video_->vit_options(), batch.video);
      audio.mask_noise = mask_noise(audio_->vit_options(), batch.audio);
    }
    last_ = xkd_step(*networks_, video, audio, options_at(context));
    return {last_.losses, last_.diagnostics};
  }

  void after_backward(const StepContext& context) override {
    if (recipe_.clip_gradient > 0) networks_->clip_gradients(recipe_.clip_gradient);
    if (context.epoch >= recipe_.frozen_last_layer_epochs) return;
    for (const auto& student : {networks_->vid_student, networks_->aud_student}) {
      for (auto& item : student->head->named_parameters()) {
        if (item.key().find("last_layer") != std::string::npos) item.value().mutable_grad() = at::Tensor();
      }
    }
  }

  void after_step(const StepContext& context, const Batch& batch) override {
    if (!recipe_.distils) return;
    const at::NoGradGuard no_grad;
    update_centers(*networks_, last_, recipe_.step.center_momentum);
    networks_->update_teachers(
        cosine_between(recipe_.ema_start, 1.0, context.step, context.epochs * context.steps_per_epoch));
    const bool epoch_ends = (context.step + 1) % context.steps_per_epoch == 0;
    if (epoch_ends && batch.size() > 1) require_spread();
    last_ = {};
  }

  Predictor predictor() override { return encoders({own_modality_}); }

  Predictor encoders(const std::vector<Modality>& modalities) override {
    const auto encode = [networks = networks_, video = video_, audio = audio_, whose = recipe_.features,
                         modalities](const Batch& batch) {
      std::vector<at::Tensor> features;
      for (const Modality modality : modalities) {
        const bool sees = modality == Modality::kVideo;
        const bool of_teacher = whose == XkdFeatures::kTeacher;
        XkdBranch& branch = *(sees ? (of_teacher ? networks->vid_teacher : networks->vid_student)
                                   : (of_teacher ? networks->aud_teacher : networks->aud_student));
        const at::Tensor input = (sees ? *video : *audio).backbone_input(batch.input(modality));
        features.push_back(without_class_token(branch.backbone->forward(input)).mean(1));
      }
      ModelOutput output;
      output.embedding = joined_features(features);
      return output;
    };
    return {modalities, {networks_}, encode};
  }

  std::vector<Reconstruction> reconstructions(const Batch& batch) override {
    const at::NoGradGuard no_grad;
    networks_->eval();
    std::vector<Reconstruction> rebuilt{
        rebuild(Modality::kVideo, *networks_->vid_student->backbone, *networks_->vid_ae, batch.video,
                mask_noise(video_->vit_options(), batch.video), recipe_.step.video_mask_ratio),
        rebuild(Modality::kAudio, *networks_->aud_student->backbone, *networks_->aud_ae,
                audio_->backbone_input(batch.audio), mask_noise(audio_->vit_options(), batch.audio),
                recipe_.step.audio_mask_ratio)};
    networks_->train();
    return rebuilt;
  }

 private:
  // With normalised patches the decoder says a patch but for its mean and deviation: those of the input are taken.
  [[nodiscard]] Reconstruction rebuild(Modality modality, VitBackbone& backbone, MaskedDecoder& decoder,
                                       const at::Tensor& input, const at::Tensor& noise, double ratio) const {
    const PatchMask mask = mask_patches(noise, ratio);
    const at::Tensor patches = backbone.patches(input);
    at::Tensor said = decoder.forward(backbone.forward_kept(input, mask.kept), mask.restore);
    if (recipe_.step.normalise_patches) {
      const at::Tensor variance = patches.var(2, /*unbiased=*/true, /*keepdim=*/true);
      said = said * (variance + 1e-6).sqrt() + patches.mean(2, /*keepdim=*/true);
    }
    const at::Tensor hidden = mask.masked.to(input.scalar_type()).unsqueeze(2).expand_as(patches);
    const VitOptions& vit = backbone.options();
    const std::vector<std::int64_t> grid = patch_grid_of(input, vit.patch);
    const auto joined = [&](const at::Tensor& all) { return join_patches(all, grid, vit.patch, vit.channels()); };
    return {modality, input, joined(hidden), joined(at::where(hidden.gt(0), said, patches))};
  }

  [[nodiscard]] XkdNetworkOptions network_options() const {
    XkdNetworkOptions options;
    options.variant = recipe_.variant;
    options.video = video_->vit_options();
    options.audio = audio_->vit_options();
    options.decoder = recipe_.decoder;
    options.head = recipe_.head;
    return options;
  }

  static void take_first_weights(VitModel& model, VitBackbone& backbone) {
    copy_state(model.backbone_state(), state_of(backbone), "the first weights of XKD's backbone");
  }

  static XkdViews take_views(std::vector<at::Tensor> views) {
    XkdViews taken;
    taken.global = views.front();
    taken.locals.assign(views.begin() + 1, views.end());
    return taken;
  }

  static at::Tensor mask_noise(const VitOptions& vit, const at::Tensor& input) {
    return at::rand({input.size(0), vit.patches()}, at::TensorOptions().dtype(at::kFloat)).to(input.device());
  }

  [[nodiscard]] XkdOptions options_at(const StepContext& context) const {
    XkdOptions options = recipe_.step;
    const std::int64_t warmup = recipe_.temperature_warmup_epochs;
    if (context.epoch >= warmup) return options;
    const double done = warmup <= 1 ? 1.0 : static_cast<double>(context.epoch) / static_cast<double>(warmup - 1);
    const auto between = [done](double from, double to) { return from + (to - from) * done; };
    options.video_teacher_temperature =
        between(recipe_.video_teacher_temperature_start, options.video_teacher_temperature);
    options.audio_teacher_temperature =
        between(recipe_.audio_teacher_temperature_start, options.audio_teacher_temperature);
    return options;
  }

  // Once an epoch: a transfer from the device.
  void require_spread() const {
    for (const Diagnostic& diagnostic : last_.diagnostics) {
      if (!diagnostic.name.ends_with("_spread")) continue;
      const double spread = diagnostic.value.item<double>();
      if (spread >= kCollapsedSpread) continue;
      throw std::runtime_error(
          fmt::format("collapsed: the teacher gives all clips the same ({} = {:.2g}, below {:.0e})", diagnostic.name,
                      spread, kCollapsedSpread));
    }
  }

  XkdRecipe recipe_;
  Modality own_modality_;
  std::shared_ptr<VitModel> video_;
  std::shared_ptr<VitModel> audio_;
  std::shared_ptr<XkdNetworks> networks_;
  double weight_decay_;
  XkdStep last_;  // of the step that is going on
};

const char* title_of(XkdVariant variant) {
  switch (variant) {
    case XkdVariant::kSpecific:
      return "XKD: cross-modal distillation with domain alignment, a backbone for each network";
    case XkdVariant::kSharedStudent:
      return "XKD, modality-agnostic student";
    case XkdVariant::kSharedBackbones:
      return "XKD, modality-agnostic student and teacher";
  }
  return "";
}

MethodInfo pretraining_info(XkdVariant variant, bool distils) {
  MethodInfo info;
  info.paper = distils ? "Sarkar and Etemad 2022, XKD, arXiv 2211.13929, AAAI 2024"
                       : "He et al. 2022, arXiv 2111.06377, as XKD's control (arXiv 2211.13929)";
  info.parameters = XkdRecipe::parameters(distils);
  info.needs.teacher = false;
  info.needs.both_inputs = true;
  info.stops_gradients = true;  // the teachers
  info.multi_label = true;
  info.classifies = false;
  info.unlabelled = "as every other clip: no label is used";
  info.make = [variant, distils](const TrainingSetup& setup) {
    return make_xkd_pretraining(setup, XkdRecipe::from(setup.parameters, variant, distils));
  };
  return info;
}

MethodInfo describe_xkd(XkdVariant variant) {
  MethodInfo info = pretraining_info(variant, /*distils=*/true);
  info.id = to_string(variant);
  info.title = title_of(variant);
  info.formula =
      "L = (alignment_weight (MMD(s_v, s_a) + MMD(t_v, t_a))/2 + distillation_weight (H(t_v, s_a) + H(t_a, s_v))/2 + "
      "reconstruction_weight (MSE_v + MSE_a)/2) / their sum; students s see masked global and local views, teachers t "
      "are moving averages whose patch features are weighted by cross-modal attention";
  info.verified = Verified::kStep;
  info.presets["paper"] = {};
  // Chosen by hand on the embedded set's validation clips (docs/xkd.md).
  info.presets["suite"] = {};
  info.search = {{"alignment_weight", 0.1, 10.0}, {"distillation_weight", 0.1, 10.0}, {"ema_start", 0.9, 0.999}};
  info.conformance = xkd_conformance(variant);
  return info;
}

MethodInfo describe_mae() {
  MethodInfo info = pretraining_info(XkdVariant::kSpecific, /*distils=*/false);
  info.id = "mae";
  info.title = "Masked autoencoder, one for each modality";
  info.formula = "L = (MSE_v + MSE_a)/2 on masked patches: XKD without alignment and distillation";
  info.verified = Verified::kPart;
  info.presets["paper"] = {};
  info.presets["suite"] = {};
  info.conformance = masked_autoencoder_conformance();
  info.search = {{"video_mask_ratio", 0.5, 0.95}, {"audio_mask_ratio", 0.5, 0.95}};
  return info;
}

const MethodRegistration xkd_registration{describe_xkd(XkdVariant::kSpecific)};
const MethodRegistration xkd_mas_registration{describe_xkd(XkdVariant::kSharedStudent)};
const MethodRegistration xkd_mats_registration{describe_xkd(XkdVariant::kSharedBackbones)};
const MethodRegistration mae_registration{describe_mae()};

}  // namespace

std::unique_ptr<Training> make_xkd_pretraining(const TrainingSetup& setup, const XkdRecipe& recipe) {
  return std::make_unique<XkdPretraining>(setup, recipe);
}

}  // namespace cmkd
