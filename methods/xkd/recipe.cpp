#include <cmath>
#include <numbers>

#include "cmkd/methods/xkd_pretraining.h"

namespace cmkd {

namespace {

std::vector<ParameterSpec> recipe_parameters() {
  return {
      ParameterSpec::number("video_mask_ratio", 0.85, 0, 0.99, "Share of the video patches that are hidden."),
      ParameterSpec::number("audio_mask_ratio", 0.80, 0, 0.99, "Share of the audio patches that are hidden."),
      ParameterSpec::boolean("normalise_patches", true, "Reconstruct each patch with its own mean and deviation."),
      ParameterSpec::integer("decoder_width", 384, 8, 4096, "Width of the decoders."),
      ParameterSpec::integer("decoder_depth", 4, 1, 48, "Blocks of the decoders."),
      ParameterSpec::integer("decoder_heads", 12, 1, 64, "Heads of the decoders; they divide the width."),
      ParameterSpec::boolean("mirror", true,
                             "Mirror views by a toss of a coin (not where left and right are classes)."),
      ParameterSpec::boolean("augment", true,
                             "Cut, colour and loudness of the views at random; off: only local views "
                             "are cut out."),
      ParameterSpec::number("clip_gradient", 0.3, 0, 1e9, "Norm to which each gradient by itself is cut; 0: not."),
      ParameterSpec::number("weight_decay", 0.3, 0, 10, "At first, instead of the suite's; not of biases and norms."),
      ParameterSpec::number("weight_decay_end", 0.3, 0, 10, "At the end, reached by a cosine."),
  };
}

std::vector<ParameterSpec> distillation_parameters() {
  return {
      ParameterSpec::number("alignment_weight", 1.0, 0, 1e9, "Weight of the domain alignment; 0: off."),
      ParameterSpec::number("distillation_weight", 1.0, 0, 1e9, "Weight of the cross-modal distillation; 0: off."),
      ParameterSpec::number("reconstruction_weight", 5.0, 0, 1e9, "Weight of the masked reconstruction; 0: off."),
      ParameterSpec::choice("cross_attention", "mean", names_of<CrossAttentionMode>(),
                            "How the teachers' features are weighted by the other modality's attention."),
      ParameterSpec::choice("direction", "both", names_of<XkdDirection>(), "Who distils to whom."),
      ParameterSpec::choice("teacher_view", "global", names_of<TeacherView>(),
                            "What the teachers see: the global view, as the paper says, or the first local one, as its "
                            "code does."),
      ParameterSpec::number("video_teacher_temperature", 0.1, 1e-3, 10, "Of the video teacher's softmax."),
      ParameterSpec::number("audio_teacher_temperature", 0.07, 1e-3, 10, "Of the audio teacher's softmax."),
      ParameterSpec::number("video_teacher_temperature_start", 0.1, 1e-3, 10, "At first."),
      ParameterSpec::number("audio_teacher_temperature_start", 0.07, 1e-3, 10, "At first."),
      ParameterSpec::integer("temperature_warmup_epochs", 30, 0, 10000, "From the first temperature to the other.",
                             "epochs"),
      ParameterSpec::number("student_temperature", 0.1, 1e-3, 10, "Of the students' softmax."),
      ParameterSpec::number("center_momentum", 0.9, 0, 1, "Of the centres of the teachers' outputs."),
      ParameterSpec::number("ema_start", 0.997, 0, 1, "Momentum of the teachers at first; a cosine takes it to 1."),
      ParameterSpec::integer("frozen_last_layer_epochs", 0, 0, 10000, "The projectors' last layer rests so long.",
                             "epochs"),
      ParameterSpec::integer("head_hidden", 2048, 4, 65536, "Hidden width of the projectors."),
      ParameterSpec::integer("head_bottleneck", 256, 2, 65536, "Width of the projectors' normalised bottleneck."),
      ParameterSpec::integer("head_out", 8192, 2, 1 << 20, "Outputs of the projectors."),
      ParameterSpec::integer("local_views", 1, 0, 16, "Local views of each clip and modality."),
      ParameterSpec::integer("temporal_ratio", 4, 1, 64, "The window is so many times as long as a local view."),
      ParameterSpec::integer("local_size", 0, 0, 4096, "Side of a local view; 0: 96/112 of the window's.", "px"),
      ParameterSpec::choice("features", "student", names_of<XkdFeatures>(),
                            "Whose encoders are evaluated; the official code keeps both."),
  };
}

}  // namespace

double cosine_between(double from, double to, std::int64_t step, std::int64_t steps) {
  const double done = steps <= 0 ? 1.0 : static_cast<double>(step) / static_cast<double>(steps);
  return from + (to - from) * 0.5 * (1.0 - std::cos(std::numbers::pi * done));
}

std::vector<ParameterSpec> XkdRecipe::parameters(bool distils) {
  std::vector<ParameterSpec> all = recipe_parameters();
  if (!distils) return all;
  for (ParameterSpec& spec : distillation_parameters()) all.push_back(std::move(spec));
  return all;
}

XkdRecipe XkdRecipe::from(const Parameters& parameters, XkdVariant variant, bool distils) {
  XkdRecipe recipe;
  recipe.variant = variant;
  recipe.distils = distils;
  recipe.decoder = {parameters.integer("decoder_width"), parameters.integer("decoder_depth"),
                    parameters.integer("decoder_heads")};
  recipe.clip_gradient = parameters.number("clip_gradient");
  recipe.weight_decay = parameters.number("weight_decay");
  recipe.weight_decay_end = parameters.number("weight_decay_end");
  recipe.views.mirror = parameters.boolean("mirror");
  recipe.views.augment = parameters.boolean("augment");
  XkdOptions& step = recipe.step;
  step.video_mask_ratio = parameters.number("video_mask_ratio");
  step.audio_mask_ratio = parameters.number("audio_mask_ratio");
  step.normalise_patches = parameters.boolean("normalise_patches");
  if (!distils) {
    recipe.views.local_views = 0;
    step.alignment_weight = step.distillation_weight = 0;
    step.reconstruction_weight = 1;
    return recipe;
  }
  step.alignment_weight = parameters.number("alignment_weight");
  step.distillation_weight = parameters.number("distillation_weight");
  step.reconstruction_weight = parameters.number("reconstruction_weight");
  step.cross_attention = parse_named<CrossAttentionMode>(parameters.text("cross_attention"), "cross_attention");
  step.direction = parse_named<XkdDirection>(parameters.text("direction"), "direction");
  step.teacher_view = parse_named<TeacherView>(parameters.text("teacher_view"), "teacher_view");
  step.video_teacher_temperature = parameters.number("video_teacher_temperature");
  step.audio_teacher_temperature = parameters.number("audio_teacher_temperature");
  step.student_temperature = parameters.number("student_temperature");
  step.center_momentum = parameters.number("center_momentum");
  step.diagnose = true;
  recipe.video_teacher_temperature_start = parameters.number("video_teacher_temperature_start");
  recipe.audio_teacher_temperature_start = parameters.number("audio_teacher_temperature_start");
  recipe.temperature_warmup_epochs = parameters.integer("temperature_warmup_epochs");
  recipe.ema_start = parameters.number("ema_start");
  recipe.frozen_last_layer_epochs = parameters.integer("frozen_last_layer_epochs");
  recipe.head.hidden = parameters.integer("head_hidden");
  recipe.head.bottleneck = parameters.integer("head_bottleneck");
  recipe.head.out = parameters.integer("head_out");
  recipe.views.local_views = parameters.integer("local_views");
  recipe.views.temporal_ratio = parameters.integer("temporal_ratio");
  recipe.views.local_size = parameters.integer("local_size");
  recipe.features = parse_named<XkdFeatures>(parameters.text("features"), "features");
  return recipe;
}

}  // namespace cmkd
