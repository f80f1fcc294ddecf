// XKD's pretraining as a Training (Sarkar and Etemad 2022, arXiv 2211.13929, section 4.1 and the official
// configuration): views, schedules, clipping, moving averages round the step of xkd.h. Not thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/xkd.h"
#include "cmkd/methods/xkd_views.h"

namespace cmkd {

enum class XkdFeatures { kStudent, kTeacher };  // whose encoder is evaluated
constexpr auto enum_names(XkdFeatures) noexcept {
  return std::to_array<EnumName<XkdFeatures>>({{XkdFeatures::kStudent, "student"}, {XkdFeatures::kTeacher, "teacher"}});
}

struct XkdRecipe {
  XkdVariant variant = XkdVariant::kSpecific;
  bool distils = true;  // false: the masked autoencoder alone (`mae`): no teachers, no local views
  TransformerOptions decoder{384, 4, 12};
  ProjectorHeadOptions head;
  XkdOptions step;
  XkdViewOptions views;
  double video_teacher_temperature_start = 0.1;  // rises linearly to the step's over `temperature_warmup_epochs`
  double audio_teacher_temperature_start = 0.07;
  std::int64_t temperature_warmup_epochs = 30;
  double ema_start = 0.997;  // of the teachers; to 1 by a cosine
  double clip_gradient = 0.3;
  double weight_decay = 0.3;
  double weight_decay_end = 0.3;  // reached by a cosine
  std::int64_t frozen_last_layer_epochs = 0;
  XkdFeatures features = XkdFeatures::kStudent;

  // What a suite file may set of it, and the reverse. Without `distils`, what concerns teachers is not among them.
  [[nodiscard]] static std::vector<ParameterSpec> parameters(bool distils);
  [[nodiscard]] static XkdRecipe from(const Parameters& parameters, XkdVariant variant, bool distils);
};

// from + (to − from) · (1 − cos(π · step / steps)) / 2.
[[nodiscard]] double cosine_between(double from, double to, std::int64_t step, std::int64_t steps);

// One group, "student": students, decoders, and the teachers, which want no gradient. The first weights of the
// backbones are the setup's models'. Throws Error(kUsage) when these are no vision transformers of two modalities that
// go together. A step throws std::runtime_error at the end of an epoch when a teacher gives all clips the same
// (collapse).
[[nodiscard]] std::unique_ptr<Training> make_xkd_pretraining(const TrainingSetup& setup, const XkdRecipe& recipe);

}  // namespace cmkd
