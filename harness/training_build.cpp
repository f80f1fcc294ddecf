#include "cmkd/harness/training_build.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <map>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/step_guard.h"
#include "cmkd/harness/suite_models.h"
#include "cmkd/harness/training_failed.h"
#include "cmkd/models/memory_layout.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/errors.h"

namespace cmkd {

namespace {

void lay_out(Model& model, MemoryFormat wanted) {
  if (wanted == MemoryFormat::kChannelsLast) lay_channels_last(model);
}

// `weights_hash`: of the file that the plan has seen; "": whatever lies there now.
std::shared_ptr<Model> first_model(const Suite& suite, bool of_teacher, const std::string& weights_hash,
                                   const SuiteData& data, const BatchSource& source, MemoryFormat format,
                                   c10::Device device) {
  const ModelEntry& entry = of_teacher ? suite.teacher : suite.student;
  std::shared_ptr<Model> model;
  {
    const ScopedSeed seed(source.streams().seed_for(of_teacher ? "teacher-init" : "student-init"));
    model = model_registry().get(entry.id).make(model_config(suite, entry, data, source.reader()));
  }
  (void)load_pretrained(*model, entry, weights_hash);
  model->to(device);
  lay_out(*model, format);
  return model;
}

TrainingSetup setup_of(const Suite& suite, const std::shared_ptr<Model>& model, const PlannedTraining& planned,
                       const SuiteData& data, const TeacherOutputs* teacher, c10::Device device, BatchSource& source) {
  TrainingSetup setup;
  setup.student = model;
  setup.student_shape = model->shape();
  if (teacher != nullptr) setup.teacher_shape = teacher->shape;
  setup.classes = setup.student_shape.classes;
  setup.multi_label = data.listed.list.multi_label;
  setup.transfer_clips = static_cast<std::int64_t>(source.clips().size());
  setup.transfer_labels = at::empty({setup.transfer_clips}, at::kLong);
  for (std::size_t i = 0; i < source.clips().size(); ++i) {
    setup.transfer_labels.mutable_data_ptr<std::int64_t>()[i] = source.visible_label(source.clips()[i]);
  }
  if (teacher != nullptr) setup.transfer_pseudo_labels = source.teacher()->outputs().pseudo_labels();
  setup.parameters = planned.parameters;
  setup.pixels = pixel_scale(suite.clip.values.normalise);
  setup.device = device;
  return setup;
}

// Of one clip.
std::vector<at::Tensor> student_stages(Model& model, const BatchSource& source, c10::Device device) {
  const at::NoGradGuard no_grad;
  const WindowReader& reader = source.reader();
  const Batch one =
      reader.make_batch({reader.draw_window(source.clips().front(), 0)}, only(model.shape().modality), device);
  model.eval();
  std::vector<at::Tensor> stages = model.forward(one.input(model.shape().modality), {false, true}).stages;
  model.train();
  return stages;
}

void add_teacher_maps(const Needs& needs, Model& model, Training& training, c10::Device device, BatchSource& source) {
  if (!needs.teacher_stages && !needs.teacher_tokens) return;
  std::vector<at::Tensor> sample;
  if (needs.teacher_stages) sample = student_stages(model, source, device);
  const auto view = [&training, sample](std::vector<at::Tensor> stages) {
    return training.teacher_maps(std::move(stages), sample);
  };
  source.teacher()->add_maps({needs.teacher_tokens, needs.teacher_stages}, view);
}

}  // namespace

void add_teacher_side(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                      const TeacherOutputs& teacher, c10::Device device, BatchSource& source) {
  const Needs& needs = method_registry().get(planned.method).needs;
  TeacherSideOptions options;
  options.outputs = needs.teacher;
  options.input = needs.teacher_network;
  options.control = planned.control;
  options.batch_size = suite.evaluation.values.batch;
  options.device = device;
  const WindowReader& reader = source.reader();
  source.set_teacher(std::make_unique<TeacherSide>(
      teacher, source.teacher_reader(), source.corruption() != nullptr,
      [&suite, &teacher, &data, &reader, device] { return trained_teacher(suite, teacher, data, reader, device); },
      source.streams(), options));
}

BuiltTraining build_training(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                             const TeacherOutputs* teacher, c10::Device device, BatchSource& source) {
  const MethodInfo& info = method_registry().get(planned.method);
  const auto failed = [&](const std::string& why) {
    return TrainingFailed(fmt::format("method '{}' cannot be built: {}", planned.method, why));
  };
  const MemoryFormat format = planned.budget.memory_format;
  BuiltTraining built;
  try {
    const std::shared_ptr<Model> model =
        first_model(suite, planned.is_teacher, planned.weights_hash, data, source, format, device);
    built.shape = model->shape();
    built.initial_weights_fingerprint = fingerprint(state_of(*model));
    TrainingSetup setup = setup_of(suite, model, planned, data, teacher, device, source);
    if (info.needs.both_inputs) {
      setup.other = first_model(suite, /*of_teacher=*/true, planned.other_weights_hash, data, source, format, device);
    }
    if (info.needs.second_student) {
      setup.second_student = first_model(suite, planned.is_teacher, planned.weights_hash, data, source, format, device);
    }
    if (info.needs.teacher_network) {
      if (teacher == nullptr) {
        throw Error(ErrorKind::kInternal, {.what = fmt::format("method '{}' needs a teacher", planned.method)});
      }
      setup.teacher = trained_teacher(suite, *teacher, data, source.reader(), device);
      lay_out(*setup.teacher, format);
    }
    try {
      const ScopedSeed seed(source.streams().seed_for("method-init"));
      built.training = info.make(setup);
    } catch (const std::exception& error) {
      if (!blames_method(error)) throw;
      throw failed(reason_of(error));
    }
    add_teacher_maps(info.needs, *model, *built.training, device, source);
  } catch (const c10::Error& error) {
    throw failed(short_message(error));
  }
  return built;
}

TensorMap clip_signals(Training& training, BatchSource& source, std::int64_t batch_size) {
  std::map<std::string, std::vector<at::Tensor>> parts;
  const std::vector<std::int64_t>& clips = source.clips();
  const auto size = static_cast<std::size_t>(batch_size);
  for (std::size_t first = 0; first < clips.size(); first += size) {
    std::vector<ClipDraw> draws;
    for (std::size_t i = first; i < std::min(first + size, clips.size()); ++i) {
      draws.push_back(source.reader().draw_window(clips[i], 0));
    }
    for (const auto& [name, values] : training.clip_signals(source.make(draws))) {
      parts[name].push_back(values.to(at::kFloat).to(at::kCPU));
    }
  }
  TensorMap signals;
  for (const auto& [name, list] : parts) signals.emplace(name, at::cat(list));
  return signals;
}

}  // namespace cmkd
