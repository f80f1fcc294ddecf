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

// Neither the suite's name nor the method is in the streams: renaming a suite retrains nothing, and all methods of a
// cell draw the same numbers.
RandomStreams streams_of(const Suite& suite, std::int64_t seed) { return {"cmkd", suite.dataset, seed}; }

// Of which clips a training may see the label or the tags.
std::vector<bool> visible_clips(const ClipList& list, const Roles& roles, bool teacher, bool all_labels) {
  std::vector<bool> visible(list.clips.size(), false);
  for (const std::int64_t clip : teacher ? roles.teacher : (all_labels ? roles.transfer : roles.labelled)) {
    visible[static_cast<std::size_t>(clip)] = true;
  }
  return visible;
}

BatchPlan plan_batches(const Roles& roles, const Parameters& budget, bool teacher, const RandomStreams& streams) {
  const BatchPlan::Settings settings{budget.integer("batch_labelled"), budget.integer("batch_unlabelled")};
  if (teacher) return {roles.teacher, roles.teacher, settings, streams};
  return {roles.transfer, roles.labelled, settings, streams};
}

ErrorParts unbuildable(const MethodEntry& entry, const std::exception& error) {
  return {fmt::format("method '{}' cannot be built for these models: {}", entry.id, reason_of(error)), entry.origin, "",
          "take other models, or leave the method out"};
}

}  // namespace

namespace {

// What no method can mend: the task, the data and the two networks do not go together.
void check_method(const Suite& suite, const ClipList& list, const MethodEntry& entry, const MethodInfo& info) {
  const auto refuse = [&](const std::string& why, const std::string& fix) {
    throw Error(ErrorKind::kUsage, {fmt::format("method '{}' {}", entry.id, why), entry.origin, "", fix});
  };
  if (list.multi_label && !info.multi_label) {
    refuse(fmt::format("is defined for one label a clip, and clips of '{}' have tags", suite.dataset),
           "leave the method out, or take a dataset of one label a clip");
  }
  if (info.needs.teacher_network && suite.teacher.modality == suite.student.modality) {
    refuse("works on two modalities, and teacher and student have the same one",
           "leave the method out, or give the teacher another modality");
  }
}

void check_methods(const Suite& suite, const SuiteData& data, const Roles& roles) {
  const WindowReader reader(data.cache, suite.window_settings());
  const ScopedSeed guard(0);
  const auto make_model = [&](const ModelEntry& entry) {
    const auto model = model_registry().get(entry.id).make(model_config(suite, entry, data, reader));
    (void)load_weights(*model, entry);
    return model;
  };
  const auto student = make_model(suite.student);
  const auto teacher = make_model(suite.teacher);
  for (const MethodEntry& entry : suite.methods) {
    const MethodInfo& info = method_registry().get(entry.id, entry.origin);
    check_method(suite, data.listed.list, entry, info);
    const bool is_teacher = info.role == MethodRole::kTeacher;
    TrainingSetup setup;
    setup.student = is_teacher ? teacher : student;
    setup.student_shape = setup.student->shape();
    if (info.needs.teacher) setup.teacher_shape = teacher->shape();
    if (info.needs.teacher_network) setup.teacher = teacher;
    setup.classes = setup.student_shape.classes;
    setup.multi_label = data.listed.list.multi_label;
    setup.transfer_clips = static_cast<std::int64_t>((is_teacher ? roles.teacher : roles.transfer).size());
    setup.transfer_labels = at::full({setup.transfer_clips}, -1, at::kLong);
    setup.transfer_pseudo_labels = at::zeros({setup.transfer_clips}, at::kLong);
    setup.parameters = entry.section.values;
    try {
      (void)info.make(setup);
    } catch (const Error& error) {
      // A method's own refusal is written for the reader; anything else it throws is not.
      if (error.kind() != ErrorKind::kInternal) throw;
      throw Error(ErrorKind::kUsage, unbuildable(entry, error));
    } catch (const std::exception& error) {
      throw Error(ErrorKind::kUsage, unbuildable(entry, error));
    }
  }
}

void check_task(const Suite& suite, const ClipList& list) {
  const std::string& task = suite.general.values.text("task");
  if (task != "action_recognition" || !list.multi_label) return;
  throw Error(
      ErrorKind::kUsage,
      {fmt::format("the task 'action_recognition' wants one label a clip, and clips of '{}' have tags", suite.dataset),
       suite.general.origin("task"), "audio_tagging, retrieval", "set suite.task"});
}

}  // namespace

ModelConfig model_config(const Suite& suite, const ModelEntry& entry, const SuiteData& data,
                         const WindowReader& reader) {
  ModelConfig config;
  config.classes = static_cast<std::int64_t>(data.listed.list.classes.size());
  config.frames = suite.window_settings().frames;
  config.height = reader.height();
  config.width = reader.width();
  config.sample_rate = data.listed.settings.sample_rate;
  config.samples = reader.samples_per_window();
  config.parameters = entry.section.values;
  return config;
}

void check_suite(const Suite& suite, const SuiteData& data) {
  check_task(suite, data.listed.list);
  for (const Suite* one : suite.cases()) {
    Roles roles;
    for (const std::string& fold : data.folds(*one)) {
      for (const std::int64_t seed : one->seeds()) roles = data.roles(*one, seed, fold);
    }
    check_methods(*one, data, roles);
  }
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
      roles_(data.roles(suite, planned.seed, planned.fold)),
      streams_(streams_of(suite, planned.seed)),
      reader_(data.cache, suite.window_settings()),
      clips_(planned.is_teacher ? roles_.teacher : roles_.transfer),
      batches_(plan_batches(roles_, budget_, planned.is_teacher, streams_)),
      visible_(visible_clips(data.listed.list, roles_, planned.is_teacher, info_.needs.all_labels)),
      teacher_reader_(reader_) {
  if (teacher_ != nullptr) corrupt_teacher();
  if (teacher_ != nullptr && !planned.control.empty()) {
    shuffled_ = shuffle_teacher(*teacher_, planned.control, streams_.stream("control-" + planned.control));
  }
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

// What the teacher says of damaged pairs replaces what it says of the clips as they are.
void Trainer::corrupt_teacher() {
  const CorruptionSettings settings = suite_.corruption_settings();
  if (settings.kind == CorruptionKind::kNone) return;
  corruption_ = std::make_shared<CorruptionPlan>(
      plan_corruption(settings, data_.listed.list, roles_.transfer, streams_.stream("corruption")));
  teacher_reader_.emplace(reader_.corrupted(corruption_));
  const std::shared_ptr<Model> network = load_teacher();
  const Modality modality = teacher_->shape.modality;
  // The teacher stays in eval mode: its modules are not the predictor's.
  const Predictor teacher{{modality}, {}, [&](const Batch& batch) { return network->forward(batch.input(modality)); }};
  corrupted_ = compute_teacher_outputs(teacher, teacher_->shape, teacher_->clips, *teacher_reader_, teacher_->windows,
                                       suite_.evaluation.values.integer("batch"), options_.device);
  corrupted_->logits = corrupted_->logits.to(options_.device);
  corrupted_->embedding = corrupted_->embedding.to(options_.device);
  corrupted_->weights = teacher_->weights;
  corrupted_->test_scores = teacher_->test_scores;
  teacher_ = &*corrupted_;
}

void Trainer::build() {
  const ModelEntry& entry = planned_.is_teacher ? suite_.teacher : suite_.student;
  std::shared_ptr<Model> model;
  {
    const ScopedSeed seed(streams_.seed_for(planned_.is_teacher ? "teacher-init" : "student-init"));
    model = model_registry().get(entry.id).make(model_config(suite_, entry, data_, reader_));
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
  setup.transfer_clips = static_cast<std::int64_t>(clips_.size());
  setup.transfer_labels = at::empty({setup.transfer_clips}, at::kLong);
  for (std::size_t i = 0; i < clips_.size(); ++i) {
    setup.transfer_labels.mutable_data_ptr<std::int64_t>()[i] = visible_label(clips_[i]);
  }
  if (teacher_ != nullptr) setup.transfer_pseudo_labels = teacher_->pseudo_labels();
  if (info_.needs.teacher_network) setup.teacher = load_teacher();
  setup.parameters = planned_.parameters;
  setup.device = options_.device;
  try {
    const ScopedSeed seed(streams_.seed_for("method-init"));
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
    teacher_maps_.emplace(load_teacher(), OutputRequest{info_.needs.teacher_tokens, info_.needs.teacher_stages}, view,
                          *teacher_, *teacher_reader_, options_.device);
  }
  OptimizerOptions optimizer;
  optimizer.kind = budget_.text("optimizer");
  optimizer.momentum = budget_.number("momentum");
  for (const ModuleGroup& group : training_->groups()) {
    optimizer.weight_decay = group.weight_decay.value_or(budget_.number("weight_decay"));
    optimizers_.emplace_back(group.name, Optimizer(unique_parameters(*group.module), optimizer));
    group.module->train();
  }
  for (Phase phase : training_->phases()) {
    if (phase.epochs == 0) phase.epochs = budget_.integer("epochs");
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
  const Batch one =
      reader_.make_batch({reader_.draw_window(clips_.front(), 0)}, /*test=*/false, video, !video, options_.device);
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
    model = model_registry().get(suite_.teacher.id).make(model_config(suite_, suite_.teacher, data_, reader_));
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
  if (teacher_maps_) {
    teacher_maps_->keep(suite_.evaluation.values.integer("batch"), budget_.integer("teacher_maps_mib") * 1024 * 1024);
  }
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

std::int64_t Trainer::visible_label(std::int64_t clip) const {
  return visible_[static_cast<std::size_t>(clip)] ? data_.listed.list.clips[static_cast<std::size_t>(clip)].label : -1;
}

// Batch::labels and label_known, on the host.
void Trainer::fill_labels(const std::vector<ClipDraw>& draws, Batch& batch) const {
  const auto size = static_cast<std::int64_t>(draws.size());
  const bool multi_label = data_.listed.list.multi_label;
  batch.label_known = at::empty({size}, at::kBool);
  batch.labels = multi_label ? at::full({size, shape_.classes}, -1.0, at::kFloat) : at::empty({size}, at::kLong);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t clip = draws[static_cast<std::size_t>(i)].clip;
    const bool known = visible_[static_cast<std::size_t>(clip)];
    batch.label_known.mutable_data_ptr<bool>()[i] = known;
    if (!multi_label) batch.labels.mutable_data_ptr<std::int64_t>()[i] = visible_label(clip);
    if (!multi_label || !known) continue;
    float* row = batch.labels.mutable_data_ptr<float>() + i * shape_.classes;
    std::fill_n(row, shape_.classes, 0.0F);
    for (const std::int64_t tag : data_.listed.list.clips[static_cast<std::size_t>(clip)].tags) row[tag] = 1.0F;
  }
}

Batch Trainer::make_batch(const std::vector<ClipDraw>& draws) const {
  const bool video = shape_.modality == Modality::kVideo;
  Batch batch = reader_.make_batch(draws, /*test=*/false, video, !video, options_.device);
  fill_labels(draws, batch);
  batch.transfer_index = at::empty({static_cast<std::int64_t>(draws.size())}, at::kLong);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    batch.transfer_index.mutable_data_ptr<std::int64_t>()[i] =
        std::ranges::lower_bound(clips_, draws[i].clip) - clips_.begin();
  }
  batch.labels = batch.labels.to(options_.device);
  batch.label_known = batch.label_known.to(options_.device);
  batch.transfer_index = batch.transfer_index.to(options_.device);
  attach_teacher(batch, draws);
  return batch;
}

Batch Trainer::next_batch(const PhaseSpan& span) {
  const std::vector<ClipDraw> draws = batches_.step(span.stream_epoch + state_.epoch, state_.step, reader_);
  Batch batch = make_batch(draws);
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
  const auto size = static_cast<std::size_t>(suite_.evaluation.values.integer("batch"));
  for (std::size_t first = 0; first < clips_.size(); first += size) {
    std::vector<ClipDraw> draws;
    for (std::size_t i = first; i < std::min(first + size, clips_.size()); ++i) {
      draws.push_back(reader_.draw_window(clips_[i], 0));
    }
    for (const auto& [name, values] : training_->clip_signals(make_batch(draws))) {
      parts[name].push_back(values.to(at::kFloat).to(at::kCPU));
    }
  }
  TensorMap signals;
  for (const auto& [name, list] : parts) signals.emplace(name, at::cat(list));
  return signals;
}

void Trainer::attach_teacher(Batch& batch, const std::vector<ClipDraw>& draws) const {
  if (teacher_ == nullptr || !info_.needs.teacher) return;
  const at::Tensor rows = teacher_->rows(batch);
  const TeacherOutputs& seen = shuffled_ ? *shuffled_ : *teacher_;
  batch.teacher.logits = seen.logits.index_select(0, rows);
  batch.teacher.embedding = seen.embedding.index_select(0, rows);
  batch.pseudo_labels = teacher_->logits.index_select(0, rows).argmax(1);
  if (!teacher_maps_ && !info_.needs.teacher_network) return;
  // The same windows as in the cached outputs: centre crop, not mirrored; under a control, the other clip's.
  std::vector<ClipDraw> views;
  for (const ClipDraw& draw : draws)
    views.push_back(teacher_reader_->draw_window(seen.source_of(draw.clip), draw.window));
  if (info_.needs.teacher_network) {
    const bool video = teacher_->shape.modality == Modality::kVideo;
    const Batch sensed = teacher_reader_->make_batch(views, /*test=*/false, video, !video, options_.device);
    (video ? batch.video : batch.audio) = sensed.input(teacher_->shape.modality);
  }
  if (!teacher_maps_) return;
  const ModelOutput maps = teacher_maps_->of(views);
  batch.teacher.tokens = maps.tokens;
  batch.teacher.stages = maps.stages;
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
    const ScopedSeed seed(streams_.seed_for("step", position));
    const BatchGuard guard(batch);
    const StepResult result = training_->step(context, batch);
    guard.require_unchanged();
    require_scalar_terms(result.terms);
    if (guarded_phase_ != state_.phase) require_owned(result.terms, training_->groups());
    guarded_phase_ = state_.phase;
    route_gradients(result.terms, training_->groups(), span.phase.name);
    const auto steps_per_epoch = static_cast<double>(batches_.steps_per_epoch());
    const double factor =
        schedule_factor(budget_.text("schedule"), context.step, span.phase.epochs * batches_.steps_per_epoch(),
                        std::llround(budget_.number("warmup_epochs") * steps_per_epoch));
    for (const ModuleGroup& group : groups) {
      const double limit = budget_.number("clip_gradient_norm");
      if (limit > 0) torch::nn::utils::clip_grad_norm_(unique_parameters(*group.module), limit);
      const auto optimizer = std::ranges::find(optimizers_, group.name, &std::pair<std::string, Optimizer>::first);
      optimizer->second.step(budget_.number("learning_rate") * group.learning_rate_scale * factor);
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
bool Trainer::chooses_on_test() const { return suite_.general.values.text("protocol") == "paper"; }

const std::vector<std::int64_t>& Trainer::selection_clips() const {
  return chooses_on_test() ? roles_.test : roles_.validation;
}

void Trainer::validate(const PhaseSpan& span) {
  const TaskEvaluation task(suite_, data_, roles_, reader_, options_.device);
  const double value = task.primary(training_->predictor(), selection_clips());
  if (std::isnan(value)) return;  // undefined on these clips: says nothing of the epoch
  const std::string& name = task_info(suite_.general.values.text("task")).primary_metric;
  state_.epochs.push_back({state_.epoch, span.phase.name, "validation", name, value});
  const bool chooses = budget_.text("select") == "best_validation" || chooses_on_test();
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
  record.selection_rule =
      best_.empty() ? results::kLastEpochRule
                    : fmt::format("best {} on the {}", task_info(suite_.general.values.text("task")).primary_metric,
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
