// finetune — supervised training of a pretrained network as XKD does it (Sarkar and Etemad 2022, arXiv 2211.13929),
// after BEiT (Bao et al. 2021, arXiv 2106.08254) and MAE (He et al. 2022, arXiv 2111.06377). With [student] weights
// from a file it finetunes; without, it trains from scratch with the same care.
//
//   L = classification_weight · −Σ_c t_c log softmax(z)_c, averaged over the labelled clips of the batch
//   t = (1 − ε) y + ε / C of the clip, mixed with the t of the labelled clip that it is mixed with
//   learning rate of layer l of L: layer_decay^(L − 1 − l) times the suite's
//
// z [B, C] student logits of the changed clips. Clips are changed on the device: RandAugment, random erasing (sight),
// volume, silenced stretches and bands (sound), then mixup or CutMix. No teacher.
//
// Differs: crops of random size, time warp, three of RandAugment's operations and the final learning rate are not
// here, and the masks of sound act on the waveform, so that any network that hears can be finetuned: docs/xkd.md
// lists each. Not verified by vectors: the official recipe is a script, not a loss.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/methods/erasing.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/mixing.h"
#include "cmkd/methods/rand_augment.h"
#include "cmkd/methods/sound_masking.h"

namespace cmkd {
namespace {

std::vector<ParameterSpec> finetune_parameters() {
  return {
      classification_weight_parameter(),
      ParameterSpec::number("layer_decay", 0.75, 0.01, 1.0,
                            "Each layer's learning rate over that of the layer behind it; 1: all alike."),
      ParameterSpec::number("mixup", 0.2, 0, kLargestAlpha, "Alpha of mixup's Beta(alpha, alpha); 0: off."),
      ParameterSpec::number("cutmix", 0.0, 0, kLargestAlpha, "Alpha of CutMix's; 0: off."),
      ParameterSpec::number("mix_chance", 1.0, 0, 1, "Share of the batches that are mixed."),
      ParameterSpec::number("cutmix_chance", 0.5, 0, 1, "Of the mixed batches, where both are on, that are cut."),
      ParameterSpec::number("label_smoothing", 0.1, 0, 0.9, "Share of a label that all classes get alike."),
      ParameterSpec::number("dropout", 0.0, 0, 0.95, "Share of the embedding that the classifier does not see."),
      ParameterSpec::integer("augment_operations", 1, 0, 16, "RandAugment: operations drawn for a clip; 0: off."),
      ParameterSpec::number("augment_magnitude", 3.0, 0, 10, "RandAugment: how much, of 10."),
      ParameterSpec::number("augment_deviation", 0.5, 0, 10, "RandAugment: deviation of the magnitude."),
      ParameterSpec::number("augment_chance", 0.5, 0, 1, "RandAugment: share of the drawn operations that are done."),
      ParameterSpec::boolean("augment_geometry", false,
                             "RandAugment: turn, shear and move pictures, too (not where place or direction is a "
                             "class)."),
      ParameterSpec::number("erasing", 0.0, 0, 1, "Share of the clips with a rectangle of noise."),
      ParameterSpec::number("volume", 0.2, 0, 1, "Sound: factor 1 ± this."),
      ParameterSpec::integer("time_masks", 1, 0, 16, "Sound: silenced stretches of a clip."),
      ParameterSpec::number("time_mask_share", 0.045, 0, 1, "Sound: the longest, of the window."),
      ParameterSpec::integer("band_masks", 1, 0, 16, "Sound: silenced bands of a clip."),
      ParameterSpec::number("band_mask_share", 0.125, 0, 1, "Sound: the widest, of the mel scale."),
  };
}

class Finetuning final : public Training {
 public:
  Finetuning(const TrainingSetup& setup, Needs needs)
      : student_(setup.student),
        modality_(setup.student_shape.modality),
        needs_(needs),
        classes_(setup.classes),
        multi_label_(setup.multi_label),
        pixels_(setup.pixels) {
    if (!student_) throw Error(ErrorKind::kInternal, {.what = "a training without a student"});
    const Parameters& values = setup.parameters;
    classification_weight_ = values.number("classification_weight");
    layer_decay_ = values.number("layer_decay");
    smoothing_ = values.number("label_smoothing");
    dropout_ = values.number("dropout");
    mixing_ = {values.number("mixup"), values.number("cutmix"), values.number("mix_chance"),
               values.number("cutmix_chance")};
    augmenting_ = {values.integer("augment_operations"), values.number("augment_magnitude"),
                   values.number("augment_deviation"), values.number("augment_chance"),
                   values.boolean("augment_geometry")};
    erasing_.chance = values.number("erasing");
    masking_ = {values.number("volume"), values.integer("time_masks"), values.number("time_mask_share"),
                values.integer("band_masks"), values.number("band_mask_share")};
    if (dropout_ > 0) classifier_ = classifier_of(*student_);
  }

  std::vector<ModuleGroup> groups() override {
    ModuleGroup group{"student", student_, 1.0, std::nullopt, {}};
    group.decay_matrices_only = true;
    group.rule_of = [student = student_, decay = layer_decay_](const std::string& parameter) {
      const ParameterPlace place = student->place_of(parameter);
      return ParameterRule{std::pow(decay, static_cast<double>(place.layers - 1 - place.layer)), place.decays};
    };
    return {group};
  }

  StepResult step(const StepContext& /*context*/, const Batch& batch) override {
    require_batch(batch, needs_, modality_);
    at::Tensor input;
    at::Tensor targets;
    Mix mix;
    {
      const at::NoGradGuard no_grad;
      RandomStream stream = stream_of_step();
      input = changed(batch.input(modality_), stream);
      mix = draw_mix(mixing_, input.sizes(), stream);
      const at::Tensor partners = mixing_partners(batch.label_known);
      input = mix_inputs(input, batch.label_known, partners, mix);
      targets = soft_targets(batch.labels, batch.label_known, classes_, smoothing_);
      targets = mix_targets(targets, partners, mix.share);
    }
    const at::Tensor term = soft_classification_term(logits_of(input), targets, batch.label_known, multi_label_);
    const at::Tensor foreign = at::full({}, 1 - mix.share, term.options().requires_grad(false));
    return {{{"student_cls", term, classification_weight_, {"student"}}}, {{"mixed_share", foreign}}};
  }

  Predictor predictor() override {
    return {{modality_}, {student_}, [student = student_, modality = modality_](const Batch& batch) {
              return student->forward(batch.input(modality));
            }};
  }

 private:
  // By one number of LibTorch's generator of the host, which the harness seeds before each step.
  static RandomStream stream_of_step() {
    const at::Tensor key = at::randint(std::int64_t{1} << 62, {1}, at::kLong);
    return RandomStream(static_cast<std::uint64_t>(*key.const_data_ptr<std::int64_t>()));
  }

  static std::shared_ptr<torch::nn::LinearImpl> classifier_of(const Model& student) {
    for (const auto& child : student.named_children()) {
      if (child.key() != "fc") continue;
      if (auto linear = std::dynamic_pointer_cast<torch::nn::LinearImpl>(child.value())) return linear;
    }
    throw Error(ErrorKind::kUsage, {.what = "dropout before the classifier of a network without a linear layer 'fc'",
                                    .fix = "set dropout = 0, or take another network"});
  }

  at::Tensor changed(const at::Tensor& input, RandomStream& stream) const {
    if (modality_ == Modality::kAudio) return mask_sound(input, masking_, stream);
    return random_erasing(rand_augment(input, pixels_, augmenting_, stream), erasing_, stream);
  }

  at::Tensor logits_of(const at::Tensor& input) {
    const ModelOutput output = student_->forward(input);
    if (dropout_ <= 0) return output.logits;
    // Drawn on the host: the same on every device.
    const at::Tensor kept = at::rand(output.embedding.sizes(), at::TensorOptions().dtype(at::kFloat)).ge(dropout_);
    const at::Tensor seen = output.embedding * kept.to(output.embedding.options()) / (1 - dropout_);
    return classifier_->forward(seen);
  }

  std::shared_ptr<Model> student_;
  std::shared_ptr<torch::nn::LinearImpl> classifier_;  // the student's own; dropout only
  Modality modality_;
  Needs needs_;
  std::int64_t classes_;
  bool multi_label_;
  PixelScale pixels_;
  double classification_weight_ = 1;
  double layer_decay_ = 1;
  double smoothing_ = 0;
  double dropout_ = 0;
  MixOptions mixing_;
  RandAugmentOptions augmenting_;
  ErasingOptions erasing_;
  SoundMaskOptions masking_;
};

using FinetunePreset = std::map<std::string, ParameterValue>;

// github.com/pritamqu/XKD, commit c9fdc55a, codes/eval/configs/finetune/ucf101/config_f1.yaml: rand-m7-n4-mstd0.5-inc1,
// which does every other operation that it draws.
FinetunePreset published_for_video() {
  return {{"layer_decay", 0.45},      {"mixup", 0.6},          {"cutmix", 0.5},
          {"mix_chance", 1.0},        {"cutmix_chance", 0.5},  {"label_smoothing", 0.1},
          {"dropout", 0.5},           {"erasing", 0.25},       {"augment_operations", std::int64_t{4}},
          {"augment_magnitude", 7.0}, {"augment_chance", 0.5}, {"augment_deviation", 0.5},
          {"augment_geometry", true}};
}

// esc50/config_f1.yaml: two masks of up to 20 of 448 frames and up to 10 of 80 bands; nothing is mixed or smoothed, and
// the network that hears has no dropout (engine/audio/audio_finetune.py).
FinetunePreset published_for_audio() {
  return {{"layer_decay", 0.65},
          {"mixup", 0.0},
          {"cutmix", 0.0},
          {"label_smoothing", 0.0},
          {"dropout", 0.0},
          {"volume", 0.2},
          {"time_masks", std::int64_t{2}},
          {"time_mask_share", 20.0 / 448.0},
          {"band_masks", std::int64_t{2}},
          {"band_mask_share", 10.0 / 80.0}};
}

MethodInfo describe_finetune() {
  MethodInfo info;
  info.id = "finetune";
  info.title = "Finetuning: layer-wise rates, mixed and augmented clips, soft labels";
  info.paper = "Sarkar and Etemad 2022, XKD, arXiv 2211.13929; after Bao et al. 2021, BEiT, arXiv 2106.08254";
  info.formula =
      "L = classification_weight CE(z, t), t = label smoothed by label_smoothing and mixed as the clips are (mixup, "
      "CutMix); z of clips after RandAugment and erasing, or masked sound; rate of layer l of L: layer_decay^(L - 1 - "
      "l)";
  info.parameters = finetune_parameters();
  info.presets["paper"] = published_for_video();
  info.presets["paper_audio"] = published_for_audio();
  info.presets["suite"] = {};  // the defaults: gentle, for small sets, chosen by hand
  info.needs.teacher = false;
  info.multi_label = true;
  info.search = {{"layer_decay", 0.3, 1.0},
                 {"mixup", 0.0, 1.0, false},
                 {"label_smoothing", 0.0, 0.3, false},
                 {"augment_magnitude", 0.0, 9.0, false}};
  info.unlabelled = "not in the loss, and mixed with no other clip; augmented as the others are";
  info.make = [needs = info.needs](const TrainingSetup& setup) -> std::unique_ptr<Training> {
    return std::make_unique<Finetuning>(setup, needs);
  };
  return info;
}

const MethodRegistration finetune_registration{describe_finetune()};

}  // namespace
}  // namespace cmkd
