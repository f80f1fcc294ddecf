// One training from its first weights to its last, resumable at any step: the same bytes however often it was
// interrupted.
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/batches/batch_plan.h"
#include "cmkd/batches/batch_queue.h"
#include "cmkd/harness/batch_source.h"
#include "cmkd/harness/checkpoint.h"
#include "cmkd/harness/epoch_log.h"
#include "cmkd/harness/group_optimizers.h"
#include "cmkd/harness/pairing.h"
#include "cmkd/harness/phase_spans.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/step_graphs.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/task_evaluation.h"
#include "cmkd/harness/teacher_outputs.h"
#include "cmkd/harness/training_build.h"
#include "cmkd/harness/weight_selection.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/training.h"
#include "cmkd/runtime/device_graph.h"

namespace cmkd {

struct TrainerProgress {
  std::int64_t epoch = 0;  // over all phases
  std::int64_t epochs = 0;
  std::int64_t step = 0;
  std::int64_t steps = 0;  // of an epoch
  double validation = -1;  // top-1 of the last validation; −1 before the first or without validation clips
};

struct TrainerOptions {
  c10::Device device = c10::kCPU;
  std::filesystem::path checkpoint_file;
  double checkpoint_seconds = 10;  // between checkpoints
  std::function<void(const TrainerProgress&)> progress;
  MakeDeviceGraph make_graph = make_device_graph;  // for training.graphs
};

// Trains `planned` on its clips. Checkpoints now and then and when interrupted (then throws Error(kInterrupted)).
// Throws TrainingFailed for a loss that is not finite or diverges, for a step that breaks the rules of step_guard.h,
// and for whatever a method throws.
class Trainer {
 public:
  Trainer(const Suite& suite, const PlannedTraining& planned, const SuiteData& data, const TeacherOutputs* teacher,
          TrainerOptions options);
  ~Trainer();

  void run();

  // Of the features that the suite evaluates, or that another one of its sweep does.
  [[nodiscard]] Predictor predictor() { return predictor(suite_.evaluation.values.features); }
  [[nodiscard]] Predictor predictor(FeatureSource features);
  // By what the suite's task judges it. This must outlive it.
  [[nodiscard]] TaskEvaluation evaluation() const { return evaluation(suite_, reader()); }
  // By what another suite of the sweep judges it. This, `judge` and `judge_reader` must outlive it.
  [[nodiscard]] TaskEvaluation evaluation(const Suite& judge, const WindowReader& judge_reader) const;
  [[nodiscard]] ModelShape model_shape() const { return built_.shape; }
  [[nodiscard]] const Roles& roles() const { return source_.roles(); }
  [[nodiscard]] const WindowReader& reader() const { return source_.reader(); }
  // The weights that are evaluated, by group and name.
  [[nodiscard]] TensorMap weights();
  // What was done to the teacher's side, by position in the clip list; null when nothing was.
  [[nodiscard]] const CorruptionPlan* corruption() const { return source_.corruption(); }
  // Of the trained method, as training_build.h has them.
  [[nodiscard]] TensorMap clip_signals();
  // As Training::reconstructions.
  [[nodiscard]] std::vector<Reconstruction> reconstructions(const Batch& batch) {
    return built_.training->reconstructions(batch);
  }
  // Everything of the record that training determines (fingerprints, epochs, selection, measured).
  void fill(results::TrainingRecord& record);

 private:
  void restore();
  void save();
  // From where the training stands to the phase's end.
  void read_ahead(const PhaseSpan& span);
  void run_epoch(const PhaseSpan& span);
  void run_step(const PhaseSpan& span);
  [[nodiscard]] Batch next_batch(const PhaseSpan& span);
  void train_on(const Batch& batch, const StepContext& context);
  [[nodiscard]] double scheduled_factor(const StepContext& context) const;
  void finish_epoch(const PhaseSpan& span);
  [[nodiscard]] const std::vector<std::int64_t>& selection_clips() const;
  void validate(const PhaseSpan& span);
  void report() const;

  const Suite& suite_;
  const PlannedTraining& planned_;
  const SuiteData& data_;
  TrainerOptions options_;
  const TrainingBudget& budget_;  // [training] or [teacher.training]
  BatchSource source_;
  BatchPlan batches_;
  BuiltTraining built_;
  GroupOptimizers optimizers_;
  std::unique_ptr<StepTaker> steps_;
  std::vector<PhaseSpan> phases_;
  std::int64_t epochs_ = 0;          // over all phases
  std::int64_t guarded_phase_ = -1;  // of which this session has looked through the first step's graph
  EpochLog log_;
  WeightSelection selection_;
  PairingFingerprints seen_;  // in the last phase: the phase that all methods have
  Checkpoint position_;       // phase, epoch, step and seconds; what others hold is put in when it is saved
  double session_start_ = 0;
  double last_save_ = 0;
  std::unique_ptr<BatchQueue> queue_;  // of the phase; it reads what stands above
};

}  // namespace cmkd
