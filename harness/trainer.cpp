#include "cmkd/harness/trainer.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/nn/utils/clip_grad.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "cmkd/core/clock.h"
#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/step_guard.h"
#include "cmkd/harness/task_evaluation.h"
#include "cmkd/methods/source_code.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/errors.h"

namespace cmkd {

namespace {

// A training whose loss is beyond this is taken to diverge: losses of all methods start many orders below.
constexpr double kDivergence = 1e8;

BatchPlan plan_batches(const BatchSource& source, const PlannedTraining& planned) {
  const BatchPlan::Settings settings{planned.budget.batch_labelled, planned.budget.batch_unlabelled};
  const std::vector<std::int64_t>& labelled = planned.is_teacher ? source.clips() : source.roles().labelled;
  return {source.clips(), labelled, settings, source.streams()};
}

BatchSourceOptions source_options(const PlannedTraining& planned, const MethodInfo& info, bool teacher_beside,
                                  c10::Device device) {
  BatchSourceOptions options;
  options.seed = planned.seed;
  options.fold = planned.fold;
  options.of_teacher = planned.is_teacher;
  options.all_labels = info.needs.all_labels;
  options.teacher_beside = teacher_beside;
  options.device = device;
  return options;
}

}  // namespace

ModelConfig model_config(const Suite& suite, const ModelEntry& entry, const SuiteData& data,
                         const WindowReader& reader) {
  ModelConfig config;
  config.classes = static_cast<std::int64_t>(data.listed.list.classes.size());
  config.frames = suite.clip.values.frames;
  config.height = reader.height();
  config.width = reader.width();
  config.sample_rate = data.listed.settings.sample_rate;
  config.samples = reader.samples_per_window();
  config.parameters = entry.section.values;
  return config;
}

Trainer::Trainer(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                 const TeacherOutputs* teacher, TrainerOptions options)
    : suite_(suite),
      planned_(planned),
      data_(data),
      teacher_(teacher),
      options_(std::move(options)),
      info_(method_registry().get(planned.method)),
      budget_(planned.budget),
      source_(suite, data, source_options(planned, info_, teacher != nullptr, options_.device)),
      batches_(plan_batches(source_, planned)) {
  if (teacher_ != nullptr) set_teacher_side();
  state_.key = planned.key;
  state_.shared_code = shared_code_hash();
  try {
    build();
  } catch (const c10::Error& error) {
    throw TrainingFailed(fmt::format("method '{}' cannot be built: {}", planned.method, short_message(error)));
  }
  restore();
}

Trainer::~Trainer() = default;

void Trainer::set_teacher_side() {
  TeacherSideOptions options;
  options.outputs = info_.needs.teacher;
  options.input = info_.needs.teacher_network;
  options.control = planned_.control;
  options.batch_size = suite_.evaluation.values.batch;
  options.device = options_.device;
  source_.set_teacher(std::make_unique<TeacherSide>(
      *teacher_, source_.teacher_reader(), source_.corruption() != nullptr, [this] { return load_teacher(); },
      source_.streams(), options));
}

void Trainer::build() {
  const ModelEntry& entry = planned_.is_teacher ? suite_.teacher : suite_.student;
  std::shared_ptr<Model> model;
  {
    const ScopedSeed seed(source_.streams().seed_for(planned_.is_teacher ? "teacher-init" : "student-init"));
    model = model_registry().get(entry.id).make(model_config(suite_, entry, data_, reader()));
  }
  (void)load_weights(*model, entry, planned_.weights_hash);
  model->to(options_.device);
  shape_ = model->shape();
  state_.initial_weights_fingerprint = fingerprint(state_of(*model));
  TrainingSetup setup;
  setup.student = model;
  setup.student_shape = shape_;
  if (teacher_ != nullptr) setup.teacher_shape = teacher_->shape;
  setup.classes = shape_.classes;
  setup.multi_label = data_.listed.list.multi_label;
  setup.transfer_clips = static_cast<std::int64_t>(source_.clips().size());
  setup.transfer_labels = at::empty({setup.transfer_clips}, at::kLong);
  for (std::size_t i = 0; i < source_.clips().size(); ++i) {
    setup.transfer_labels.mutable_data_ptr<std::int64_t>()[i] = source_.visible_label(source_.clips()[i]);
  }
  if (teacher_ != nullptr) setup.transfer_pseudo_labels = source_.teacher()->outputs().pseudo_labels();
  if (info_.needs.teacher_network) setup.teacher = load_teacher();
  setup.parameters = planned_.parameters;
  setup.device = options_.device;
  try {
    const ScopedSeed seed(source_.streams().seed_for("method-init"));
    training_ = info_.make(setup);
  } catch (const std::exception& error) {
    if (!blames_method(error)) throw;
    throw TrainingFailed(fmt::format("method '{}' cannot be built: {}", planned_.method, reason_of(error)));
  }
  if (info_.needs.teacher_stages || info_.needs.teacher_tokens) {
    std::vector<at::Tensor> sample;
    if (info_.needs.teacher_stages) sample = student_stages(*model);
    const auto view = [this, sample](std::vector<at::Tensor> stages) {
      return training_->teacher_maps(std::move(stages), sample);
    };
    source_.teacher()->add_maps({info_.needs.teacher_tokens, info_.needs.teacher_stages}, view);
  }
  OptimizerOptions optimizer;
  optimizer.kind = budget_.optimizer;
  optimizer.momentum = budget_.momentum;
  for (const ModuleGroup& group : training_->groups()) {
    optimizer.weight_decay = group.weight_decay.value_or(budget_.weight_decay);
    optimizers_.emplace_back(group.name, Optimizer(unique_parameters(*group.module), optimizer));
    group.module->train();
  }
  for (Phase phase : training_->phases()) {
    if (phase.epochs == 0) phase.epochs = budget_.epochs;
    phases_.push_back({phase, epochs_, epochs_, false});
    epochs_ += phase.epochs;
  }
  for (PhaseSpan& span : phases_) span.stream_epoch += phases_.back().phase.epochs;
  phases_.back().stream_epoch = 0;
  phases_.back().is_last = true;
}

// Of one clip.
std::vector<at::Tensor> Trainer::student_stages(Model& model) const {
  const at::NoGradGuard no_grad;
  const bool video = shape_.modality == Modality::kVideo;
  const Batch one = reader().make_batch({reader().draw_window(source_.clips().front(), 0)}, /*test=*/false, video,
                                        !video, options_.device);
  model.eval();
  std::vector<at::Tensor> stages = model.forward(one.input(shape_.modality), {false, true}).stages;
  model.train();
  return stages;
}

// A copy of the trained teacher, in eval mode.
std::shared_ptr<Model> Trainer::load_teacher() const {
  if (teacher_ == nullptr) {
    throw Error(ErrorKind::kInternal, {fmt::format("method '{}' needs a teacher", planned_.method), "", "", ""});
  }
  std::shared_ptr<Model> model;
  {
    const ScopedSeed seed(0);  // every weight is overwritten
    model = model_registry().get(suite_.teacher.id).make(model_config(suite_, suite_.teacher, data_, reader()));
  }
  load_state(*model, teacher_->weights, "the teacher's kept weights");
  model->to(options_.device);
  model->eval();
  return model;
}

std::vector<ModuleGroup> Trainer::groups_of(const std::string& phase) {
  std::vector<ModuleGroup> groups;
  for (const ModuleGroup& group : training_->groups()) {
    if (group.phases.empty() || std::ranges::find(group.phases, phase) != group.phases.end()) groups.push_back(group);
  }
  return groups;
}

TensorMap Trainer::weights() {
  TensorMap weights;
  for (const ModuleGroup& group : training_->groups()) {
    for (const auto& [name, tensor] : state_of(*group.module)) weights.emplace(group.name + "." + name, tensor);
  }
  return weights;
}

Predictor Trainer::predictor() { return training_->predictor(); }

void Trainer::run() {
  session_start_ = last_save_ = steady_seconds();
  if (source_.teacher() != nullptr) source_.teacher()->keep_maps(budget_.teacher_maps_mib * 1024 * 1024);
  for (; state_.phase < static_cast<std::int64_t>(phases_.size()); ++state_.phase, state_.epoch = 0) {
    const PhaseSpan& span = phases_[static_cast<std::size_t>(state_.phase)];
    while (state_.epoch < span.phase.epochs) run_epoch(span);
  }
  select_weights();
  state_.seconds += steady_seconds() - session_start_;
}

void Trainer::run_epoch(const PhaseSpan& span) {
  while (state_.step < batches_.steps_per_epoch()) {
    run_step(span);
    ++state_.step;
    report();
    if (interrupt_requested()) {
      save();
      throw_if_interrupted();
    }
    if (steady_seconds() - last_save_ >= options_.checkpoint_seconds) save();
  }
  finish_epoch(span);
  state_.step = 0;
  ++state_.epoch;
}

Batch Trainer::next_batch(const PhaseSpan& span) {
  const std::vector<ClipDraw> draws = batches_.step(span.stream_epoch + state_.epoch, state_.step, reader());
  Batch batch = source_.make(draws);
  // Runs are paired by what their last phase saw: the phase that all methods have.
  if (!span.is_last) return batch;
  Hasher order;
  Hasher augmentation;
  order.field(state_.batch_order);
  augmentation.field(state_.augmentation);
  for (const ClipDraw& draw : draws) {
    order.field(draw.clip);
    augmentation.field(draw.window).field(draw.top).field(draw.left).field(draw.mirrored ? 1 : 0);
  }
  state_.batch_order = order.hex();
  state_.augmentation = augmentation.hex();
  return batch;
}

TensorMap Trainer::clip_signals() {
  std::map<std::string, std::vector<at::Tensor>> parts;
  const auto size = static_cast<std::size_t>(suite_.evaluation.values.batch);
  const std::vector<std::int64_t>& clips = source_.clips();
  for (std::size_t first = 0; first < clips.size(); first += size) {
    std::vector<ClipDraw> draws;
    for (std::size_t i = first; i < std::min(first + size, clips.size()); ++i) {
      draws.push_back(reader().draw_window(clips[i], 0));
    }
    for (const auto& [name, values] : training_->clip_signals(source_.make(draws))) {
      parts[name].push_back(values.to(at::kFloat).to(at::kCPU));
    }
  }
  TensorMap signals;
  for (const auto& [name, list] : parts) signals.emplace(name, at::cat(list));
  return signals;
}

void Trainer::run_step(const PhaseSpan& span) {
  const std::int64_t position = (span.stream_epoch + state_.epoch) * batches_.steps_per_epoch() + state_.step;
  const Batch batch = next_batch(span);
  StepContext context;
  context.phase = span.phase.name;
  context.epoch = state_.epoch;
  context.epochs = span.phase.epochs;
  context.step = state_.epoch * batches_.steps_per_epoch() + state_.step;
  context.steps_per_epoch = batches_.steps_per_epoch();
  const std::vector<ModuleGroup> groups = groups_of(span.phase.name);
  try {
    const ScopedSeed seed(source_.streams().seed_for("step", position));
    const BatchGuard guard(batch);
    const StepResult result = training_->step(context, batch);
    guard.require_unchanged();
    require_scalar_terms(result.terms);
    if (guarded_phase_ != state_.phase) require_owned(result.terms, training_->groups());
    guarded_phase_ = state_.phase;
    route_gradients(result.terms, training_->groups(), span.phase.name);
    const auto steps_per_epoch = static_cast<double>(batches_.steps_per_epoch());
    const double factor =
        schedule_factor(budget_.schedule, context.step, span.phase.epochs * batches_.steps_per_epoch(),
                        std::llround(budget_.warmup_epochs * steps_per_epoch));
    for (const ModuleGroup& group : groups) {
      const double limit = budget_.clip_gradient_norm;
      if (limit > 0) torch::nn::utils::clip_grad_norm_(unique_parameters(*group.module), limit);
      const auto optimizer = std::ranges::find(optimizers_, group.name, &std::pair<std::string, Optimizer>::first);
      optimizer->second.step(budget_.learning_rate * group.learning_rate_scale * factor);
    }
    training_->after_step(context, batch);
    guard.require_unchanged();
    accumulate(result);
  } catch (const std::exception& error) {
    if (!blames_method(error)) throw;
    throw TrainingFailed(fmt::format("method '{}' failed in phase '{}', epoch {}, step {}: {}", planned_.method,
                                     span.phase.name, state_.epoch, state_.step, reason_of(error)));
  }
}

void Trainer::accumulate(const StepResult& result) {
  const at::NoGradGuard no_grad;
  const auto add = [&](const std::string& name, const at::Tensor& value) {
    const auto found = std::ranges::find(state_.sum_names, name);
    if (found == state_.sum_names.end()) {
      state_.sum_names.push_back(name);
      sums_.push_back(value.detach().to(at::kDouble).clone());
    } else {
      sums_[static_cast<std::size_t>(found - state_.sum_names.begin())].add_(value.detach().to(at::kDouble));
    }
  };
  for (const LossTerm& term : result.terms) add("term." + term.name, term.value);
  for (const Diagnostic& diagnostic : result.diagnostics) add("diagnostic." + diagnostic.name, diagnostic.value);
}

void Trainer::check_finite(const std::string& name, double value, const PhaseSpan& span) const {
  if (std::isfinite(value) && std::abs(value) < kDivergence) return;
  throw TrainingFailed(fmt::format("the loss of method '{}' {}: term '{}' is {} on average in phase '{}', epoch {}",
                                   planned_.method, std::isfinite(value) ? "diverges" : "is not finite", name, value,
                                   span.phase.name, state_.epoch));
}

void Trainer::finish_epoch(const PhaseSpan& span) {
  const std::int64_t epoch = state_.epoch;
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    const std::string& full = state_.sum_names[i];
    const std::size_t dot = full.find('.');
    const std::string kind = full.substr(0, dot);
    const std::string name = full.substr(dot + 1);
    const double mean = sums_[i].item<double>() / static_cast<double>(batches_.steps_per_epoch());
    if (kind == "term") check_finite(name, mean, span);
    if (std::isfinite(mean)) state_.epochs.push_back({epoch, span.phase.name, kind, name, mean});
  }
  sums_.clear();
  state_.sum_names.clear();
  if (selection_clips().empty()) return;
  const double start = steady_seconds();
  validate(span);
  state_.validation_seconds += steady_seconds() - start;
}

// Protocol `paper` chooses on the reported split, as the original scripts do; `strict` never looks at it.
bool Trainer::chooses_on_test() const { return suite_.general.values.protocol == Protocol::kPaper; }

const std::vector<std::int64_t>& Trainer::selection_clips() const {
  return chooses_on_test() ? roles().test : roles().validation;
}

void Trainer::validate(const PhaseSpan& span) {
  const TaskEvaluation task(suite_, data_, roles(), reader(), options_.device);
  const double value = task.primary(training_->predictor(), selection_clips());
  if (std::isnan(value)) return;  // undefined on these clips: says nothing of the epoch
  const std::string& name = task_info(suite_.general.values.task).primary_metric;
  state_.epochs.push_back({state_.epoch, span.phase.name, "validation", name, value});
  const bool chooses = budget_.select == Selection::kBestValidation || chooses_on_test();
  if (!chooses || !span.is_last || value <= state_.best_validation) return;
  state_.best_validation = value;
  state_.selected_epoch = span.first_epoch + state_.epoch;
  best_.clear();
  for (const auto& [name_of, tensor] : weights()) best_.emplace(name_of, tensor.clone());
}

void Trainer::select_weights() {
  if (best_.empty()) {
    state_.selected_epoch = epochs_ - 1;
    return;
  }
  copy_state(best_, weights(), "best weights");
}

void Trainer::report() const {
  if (!options_.progress) return;
  TrainerProgress progress;
  progress.epoch = phases_[static_cast<std::size_t>(state_.phase)].first_epoch + state_.epoch;
  progress.epochs = epochs_;
  progress.step = state_.step;
  progress.steps = batches_.steps_per_epoch();
  for (const results::EpochValue& value : state_.epochs) {
    if (value.kind == "validation") progress.validation = value.value;
  }
  options_.progress(progress);
}

void Trainer::fill(results::TrainingRecord& record) {
  record.initial_weights_fingerprint = state_.initial_weights_fingerprint;
  record.batch_order_fingerprint = state_.batch_order;
  record.augmentation_fingerprint = state_.augmentation;
  record.final_weights_fingerprint = fingerprint(weights());
  record.selected_epoch = state_.selected_epoch;
  record.selection_rule = best_.empty()
                              ? results::kLastEpochRule
                              : fmt::format("best {} on the {}", task_info(suite_.general.values.task).primary_metric,
                                            chooses_on_test() ? "reported split (protocol paper)" : "validation clips");
  record.epochs = state_.epochs;
  record.measured["train_seconds"] = state_.seconds;
  record.measured["step_milliseconds"] =
      1e3 * (state_.seconds - state_.validation_seconds) /
      static_cast<double>(std::max<std::int64_t>(1, epochs_ * batches_.steps_per_epoch()));
  std::int64_t added = 0;
  for (const ModuleGroup& group : training_->groups()) {
    if (group.name == "student") continue;
    for (const at::Tensor& parameter : unique_parameters(*group.module)) added += parameter.numel();
  }
  record.measured["parameters_added"] = static_cast<double>(added);
}

}  // namespace cmkd
