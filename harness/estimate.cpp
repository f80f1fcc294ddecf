#include "cmkd/harness/estimate.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <set>

#include "cmkd/core/clock.h"
#include "cmkd/harness/evaluator.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/trainer.h"
#include "cmkd/models/model.h"

namespace cmkd {

namespace {

constexpr std::int64_t kWarmupSteps = 2;  // the first steps allocate
constexpr std::int64_t kMeasuredSteps = 4;
constexpr double kEnoughSeconds = 10;  // one step that takes as long says enough

struct EnoughSteps {};

// Seconds of a whole training and its evaluation, from a few steps and one batch.
double measure(const Suite& whole, const PlannedTraining& planned, const SuiteData& data, const TeacherOutputs* teacher,
               c10::Device device) {
  const Suite& suite = suite_of(whole, planned);
  std::int64_t steps = 0;
  std::int64_t warmup = kWarmupSteps;
  double start = 0;
  double per_step = 0;
  double begin = steady_seconds();
  double setup = 0;
  TrainerProgress last;
  TrainerOptions options;
  options.device = device;
  options.checkpoint_seconds = 1e9;
  options.progress = [&](const TrainerProgress& progress) {
    last = progress;
    if (++steps == 1) {
      setup = steady_seconds() - begin;  // the teacher's maps, and one step
      if (setup > kEnoughSeconds) warmup = 1;
    }
    const std::int64_t measured = steps - warmup;
    if (measured == 0) start = steady_seconds();
    if (measured <= 0) return;
    const double passed = steady_seconds() - start;
    if (measured < kMeasuredSteps && passed < kEnoughSeconds) return;
    per_step = passed / static_cast<double>(measured);
    throw EnoughSteps{};
  };
  Trainer trainer(suite, planned, data, teacher, options);
  begin = steady_seconds();
  try {
    trainer.run();
    per_step =
        (steady_seconds() - begin) / static_cast<double>(std::max<std::int64_t>(steps, 1));  // it was over before
  } catch (const EnoughSteps&) {
  }
  const std::vector<std::int64_t>& test = trainer.roles().test;
  const auto sample = std::min<std::size_t>(test.size(), static_cast<std::size_t>(suite.evaluation.values.batch));
  const std::int64_t views = trainer.reader().test_views();
  start = steady_seconds();
  (void)score_clips(trainer.predictor(), {test.begin(), test.begin() + static_cast<std::ptrdiff_t>(sample)},
                    trainer.reader(), {}, suite.evaluation.values.batch, device);
  const double per_clip = (steady_seconds() - start) / static_cast<double>(sample);
  double clips = static_cast<double>(test.size());
  if (suite.general.values.task == Task::kRetrieval && suite.evaluation.values.gallery == Gallery::kTrain) {
    clips += static_cast<double>(trainer.roles().teacher.size() + trainer.roles().transfer.size());
  }
  clips += static_cast<double>(trainer.roles().validation.size()) * static_cast<double>(last.epochs);
  if (planned.is_teacher) {
    clips += static_cast<double>(trainer.roles().transfer.size()) * static_cast<double>(suite.clip.values.windows) /
             static_cast<double>(views);
  }
  return setup + per_step * static_cast<double>(last.epochs * last.steps) + per_clip * clips;
}

// Outputs of the right shape: the time of a step does not depend on what the teacher says.
TeacherOutputs stand_in(const ModelShape& shape, const Roles& roles, std::int64_t windows, c10::Device device) {
  TeacherOutputs outputs;
  outputs.clips = roles.transfer;
  outputs.windows = windows;
  outputs.shape = shape;
  const std::int64_t rows = static_cast<std::int64_t>(roles.transfer.size()) * windows;
  const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat).device(device);
  outputs.logits = at::linspace(-1, 1, rows * shape.classes, options).view({rows, shape.classes});
  outputs.embedding =
      at::linspace(0, 1, rows * shape.embedding_width, options).view({rows, shape.embedding_width}).sin();
  return outputs;
}

}  // namespace

TimeEstimate estimate_time(const Suite& suite, const SuiteData& data, const std::vector<PlannedTraining>& trainings,
                           c10::Device device, const std::function<void(const std::string&)>& measuring) {
  TimeEstimate estimate;
  std::optional<TeacherOutputs> teacher;
  for (const PlannedTraining& planned : trainings) {
    if (!estimate.seconds_by_label.contains(planned.label)) {
      if (measuring) measuring(planned.label);
      if (!planned.teacher_key.empty() && !teacher) {
        PlannedTraining as_teacher = planned;
        as_teacher.is_teacher = true;
        as_teacher.method = "teacher";
        as_teacher.control.clear();
        as_teacher.weights_hash = weights_hash(suite.teacher);
        as_teacher.budget = suite.teacher.training.values;
        as_teacher.parameters = Parameters(method_registry().get("teacher").parameters);
        Trainer trainer(suite, as_teacher, data, nullptr, {device, {}, 1e9, {}});
        teacher = stand_in(trainer.model_shape(), data.roles(suite, planned.seed, planned.fold),
                           suite.clip.values.windows, device);
        teacher->weights = with_prefix(trainer.weights(), "student.");
      }
      estimate.seconds_by_label[planned.label] =
          measure(suite, planned, data, planned.teacher_key.empty() ? nullptr : &*teacher, device);
    }
    estimate.total_seconds += estimate.seconds_by_label[planned.label];
  }
  return estimate;
}

}  // namespace cmkd
