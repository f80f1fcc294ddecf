#include "cmkd/harness/trainer.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "cmkd/core/clock.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/harness/step_guard.h"
#include "cmkd/harness/task_evaluation.h"
#include "cmkd/harness/training_failed.h"
#include "cmkd/harness/training_step.h"
#include "cmkd/methods/source_code.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

namespace {

BatchSourceOptions source_options(const PlannedTraining& planned, bool teacher_beside, c10::Device device) {
  BatchSourceOptions options;
  options.seed = planned.seed;
  options.fold = planned.fold;
  options.of_teacher = planned.is_teacher;
  const Needs& needs = method_registry().get(planned.method).needs;
  options.all_labels = needs.all_labels;
  options.both_inputs = needs.both_inputs;
  options.teacher_beside = teacher_beside;
  options.device = device;
  return options;
}

BatchPlan plan_batches(const BatchSource& source, const PlannedTraining& planned) {
  const BatchPlan::Settings settings{planned.budget.batch_labelled, planned.budget.batch_unlabelled};
  const std::vector<std::int64_t>& labelled = planned.is_teacher ? source.clips() : source.roles().labelled;
  return {source.clips(), labelled, settings, source.streams()};
}

BuiltTraining built_with_teacher(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                                 const TeacherOutputs* teacher, c10::Device device, BatchSource& source) {
  if (teacher != nullptr) add_teacher_side(suite, planned, data, *teacher, device, source);
  return build_training(suite, planned, data, teacher, device, source);
}

OptimizerOptions optimizer_options(const TrainingBudget& budget) {
  OptimizerOptions options;
  options.kind = budget.optimizer;
  options.momentum = budget.momentum;
  options.weight_decay = budget.weight_decay;
  return options;
}

bool repeats_steps(const PlannedTraining& planned) {
  return planned.budget.graphs && method_registry().get(planned.method).repeatable_step;
}

std::unique_ptr<StepTaker> step_taker(const PlannedTraining& planned, const TrainerOptions& options, Training& training,
                                      GroupOptimizers& optimizers) {
  if (repeats_steps(planned)) {
    return std::make_unique<StepGraphs>(training, optimizers, options.device, options.make_graph);
  }
  return std::make_unique<StepTaker>(training, optimizers);
}

std::string selection_rule(const Suite& suite, const TrainingBudget& budget) {
  if (!suite.chooses_epoch(budget)) return "";
  return fmt::format("best {} on the {}", task_info(suite.general.values.task).primary_metric,
                     suite.chooses_on_reported_split() ? "reported split (protocol paper)" : "validation clips");
}

double parameters_added(const std::vector<ModuleGroup>& groups) {
  std::int64_t added = 0;
  for (const ModuleGroup& group : groups) {
    if (group.name == "student") continue;
    for (const at::Tensor& parameter : unique_parameters(*group.module)) added += parameter.numel();
  }
  return static_cast<double>(added);
}

}  // namespace

Trainer::Trainer(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                 const TeacherOutputs* teacher, TrainerOptions options)
    : suite_(suite),
      planned_(planned),
      data_(data),
      options_(std::move(options)),
      budget_(planned.budget),
      source_(suite, data, source_options(planned, teacher != nullptr, options_.device)),
      batches_(plan_batches(source_, planned)),
      built_(built_with_teacher(suite, planned, data, teacher, options_.device, source_)),
      optimizers_(built_.training->groups(), optimizer_options(planned.budget)),
      steps_(step_taker(planned, options_, *built_.training, optimizers_)),
      phases_(phase_spans(built_.training->phases(), planned.budget.epochs)),
      epochs_(total_epochs(phases_)),
      log_(planned.method),
      selection_(selection_rule(suite, planned.budget)) {
  for (const ModuleGroup& group : built_.training->groups()) group.module->train();
  position_.key = planned.key;
  position_.shared_code = shared_code_hash();
  position_.initial_weights_fingerprint = built_.initial_weights_fingerprint;
  restore();
}

Trainer::~Trainer() = default;

TensorMap Trainer::weights() {
  TensorMap weights;
  for (const ModuleGroup& group : built_.training->groups()) {
    for (const auto& [name, tensor] : state_of(*group.module)) weights.emplace(group.name + "." + name, tensor);
  }
  return weights;
}

TaskEvaluation Trainer::evaluation(const Suite& judge, const WindowReader& judge_reader) const {
  return {judge, data_, roles(), source_.known_clips(), judge_reader, source_.streams(), options_.device};
}

Predictor Trainer::predictor(FeatureSource features) {
  if (planned_.is_teacher || features == FeatureSource::kOwn) return built_.training->predictor();
  if (features == FeatureSource::kOther) return built_.training->encoders({opposite(built_.shape.modality)});
  return built_.training->encoders({Modality::kVideo, Modality::kAudio});
}

TensorMap Trainer::clip_signals() {
  return cmkd::clip_signals(*built_.training, source_, suite_.evaluation.values.batch);
}

void Trainer::run() {
  session_start_ = last_save_ = steady_seconds();
  std::optional<WorkStream> stream;
  if (repeats_steps(planned_)) stream.emplace(options_.device);
  if (source_.teacher() != nullptr) source_.teacher()->keep_maps(budget_.teacher_maps_mib * 1024 * 1024);
  for (; position_.phase < static_cast<std::int64_t>(phases_.size()); ++position_.phase, position_.epoch = 0) {
    const PhaseSpan& span = phases_[static_cast<std::size_t>(position_.phase)];
    read_ahead(span);
    while (position_.epoch < span.phase.epochs) run_epoch(span);
  }
  queue_.reset();
  selection_.apply(weights(), epochs_);
  position_.seconds += steady_seconds() - session_start_;
}

void Trainer::run_epoch(const PhaseSpan& span) {
  while (position_.step < batches_.steps_per_epoch()) {
    run_step(span);
    ++position_.step;
    report();
    if (interrupt_requested()) {
      save();
      throw_if_interrupted();
    }
    if (steady_seconds() - last_save_ >= options_.checkpoint_seconds) save();
  }
  finish_epoch(span);
  position_.step = 0;
  ++position_.epoch;
}

void Trainer::read_ahead(const PhaseSpan& span) {
  queue_.reset();  // before the next one: two would hold twice as many batches
  const std::int64_t steps = batches_.steps_per_epoch();
  const auto make = [this, steps, stream_epoch = span.stream_epoch](std::int64_t index) {
    DrawnBatch drawn;
    drawn.draws = batches_.step(stream_epoch + index / steps, index % steps, reader());
    drawn.batch = source_.make(drawn.draws);
    return drawn;
  };
  queue_ = std::make_unique<BatchQueue>(position_.epoch * steps + position_.step, span.phase.epochs * steps,
                                        reader().loading(), options_.device, make);
}

Batch Trainer::next_batch(const PhaseSpan& span) {
  DrawnBatch drawn = queue_->next();
  if (span.is_last) seen_.add_step(drawn.draws);
  return std::move(drawn.batch);
}

void Trainer::run_step(const PhaseSpan& span) {
  const std::int64_t steps = batches_.steps_per_epoch();
  const Batch batch = next_batch(span);
  StepContext context;
  context.phase = span.phase.name;
  context.epoch = position_.epoch;
  context.epochs = span.phase.epochs;
  context.step = position_.epoch * steps + position_.step;
  context.steps_per_epoch = steps;
  try {
    const std::int64_t stream_step = (span.stream_epoch + position_.epoch) * steps + position_.step;
    const ScopedSeed seed(source_.streams().seed_for("step", stream_step));
    train_on(batch, context);
  } catch (const std::exception& error) {
    if (!blames_method(error)) throw;
    throw TrainingFailed(fmt::format("method '{}' failed in phase '{}', epoch {}, step {}: {}", planned_.method,
                                     span.phase.name, position_.epoch, position_.step, reason_of(error)));
  }
}

void Trainer::train_on(const Batch& batch, const StepContext& context) {
  StepRules rules;
  rules.rate = {budget_.learning_rate, scheduled_factor(context)};
  rules.clip_gradient_norm = budget_.clip_gradient_norm;
  rules.precision = budget_.precision;
  rules.device = options_.device;
  rules.look_for_strays = guarded_phase_ != position_.phase;
  const StepResult result = steps_->take(context, batch, rules);
  guarded_phase_ = position_.phase;
  log_.add(result);
}

double Trainer::scheduled_factor(const StepContext& context) const {
  const auto steps_per_epoch = static_cast<double>(context.steps_per_epoch);
  return schedule_factor(budget_.schedule, context.step, context.epochs * context.steps_per_epoch,
                         std::llround(budget_.warmup_epochs * steps_per_epoch));
}

void Trainer::finish_epoch(const PhaseSpan& span) {
  log_.finish_epoch(span.phase.name, position_.epoch, batches_.steps_per_epoch());
  if (selection_clips().empty()) return;
  const double start = steady_seconds();
  validate(span);
  position_.validation_seconds += steady_seconds() - start;
}

const std::vector<std::int64_t>& Trainer::selection_clips() const {
  return suite_.chooses_on_reported_split() ? roles().test : roles().validation;
}

void Trainer::validate(const PhaseSpan& span) {
  const TaskEvaluation task = evaluation();
  const double value = task.primary(predictor(), selection_clips());
  if (std::isnan(value)) return;  // undefined on these clips: says nothing of the epoch
  const std::string& metric = task_info(suite_.general.values.task).primary_metric;
  log_.add_validation(span.phase.name, position_.epoch, metric, value);
  if (span.is_last && selection_.chooses()) selection_.consider(value, span.first_epoch + position_.epoch, weights());
}

void Trainer::report() const {
  if (!options_.progress) return;
  TrainerProgress progress;
  progress.epoch = phases_[static_cast<std::size_t>(position_.phase)].first_epoch + position_.epoch;
  progress.epochs = epochs_;
  progress.step = position_.step;
  progress.steps = batches_.steps_per_epoch();
  progress.validation = log_.last_validation();
  options_.progress(progress);
}

void Trainer::fill(results::TrainingRecord& record) {
  record.initial_weights_fingerprint = built_.initial_weights_fingerprint;
  record.batch_order_fingerprint = seen_.batch_order;
  record.augmentation_fingerprint = seen_.augmentation;
  record.final_weights_fingerprint = fingerprint(weights());
  record.selected_epoch = selection_.epoch();
  record.selection_rule = selection_.rule();
  record.epochs = log_.values();
  record.measured["train_seconds"] = position_.seconds;
  record.measured["step_milliseconds"] =
      1e3 * (position_.seconds - position_.validation_seconds) /
      static_cast<double>(std::max<std::int64_t>(1, epochs_ * batches_.steps_per_epoch()));
  record.measured["parameters_added"] = parameters_added(built_.training->groups());
}

}  // namespace cmkd
