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
#include "cmkd/harness/batch_source.h"
#include "cmkd/harness/checkpoint.h"
#include "cmkd/harness/optimizer.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/teacher_outputs.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/training.h"

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
};

// What the suite's clips and windows fix about a model's input and output.
[[nodiscard]] ModelConfig model_config(const Suite& suite, const ModelEntry& entry, const SuiteData& data,
                                       const WindowReader& reader);

// What can be known before anything is trained: every seed's roles are filled, windows and models fit the data, and
// every method can be built for these models. Throws Error(kUsage) otherwise.
void check_suite(const Suite& suite, const SuiteData& data);

// A failure that belongs to the run: it becomes a row with this reason.
class TrainingFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
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

  [[nodiscard]] Predictor predictor();
  [[nodiscard]] ModelShape model_shape() const { return shape_; }
  [[nodiscard]] const Roles& roles() const { return source_.roles(); }
  [[nodiscard]] const WindowReader& reader() const { return source_.reader(); }
  // The weights that are evaluated, by group and name.
  [[nodiscard]] TensorMap weights();
  // What was done to the teacher's side, by position in the clip list; null when nothing was.
  [[nodiscard]] const CorruptionPlan* corruption() const { return source_.corruption(); }
  // Training::clip_signals of the transfer clips, in their order, in the first window: name -> [N] float on the host.
  [[nodiscard]] TensorMap clip_signals();
  // Everything of the record that training determines (fingerprints, epochs, selection, measured).
  void fill(results::TrainingRecord& record);

 private:
  struct PhaseSpan {
    Phase phase;
    std::int64_t first_epoch = 0;  // over all phases
    // Which epoch of the random streams its first is. The last phase begins at 0, so that a method of several phases
    // sees there what the methods of one see; earlier phases come from beyond it.
    std::int64_t stream_epoch = 0;
    bool is_last = true;
  };

  void set_teacher_side();
  void build();
  void restore();
  void save();
  void run_epoch(const PhaseSpan& span);
  void run_step(const PhaseSpan& span);
  [[nodiscard]] Batch next_batch(const PhaseSpan& span);
  [[nodiscard]] bool chooses_on_test() const;
  [[nodiscard]] const std::vector<std::int64_t>& selection_clips() const;
  [[nodiscard]] std::shared_ptr<Model> load_teacher() const;
  [[nodiscard]] std::vector<at::Tensor> student_stages(Model& model) const;
  void accumulate(const StepResult& result);
  void finish_epoch(const PhaseSpan& span);
  void check_finite(const std::string& name, double value, const PhaseSpan& span) const;
  void validate(const PhaseSpan& span);
  void select_weights();
  void report() const;
  [[nodiscard]] std::vector<ModuleGroup> groups_of(const std::string& phase);

  const Suite& suite_;
  const PlannedTraining& planned_;
  const SuiteData& data_;
  const TeacherOutputs* teacher_;  // of the clips as they are; may be null
  TrainerOptions options_;
  const MethodInfo& info_;
  const TrainingBudget& budget_;  // [training] or [teacher.training]
  BatchSource source_;
  BatchPlan batches_;
  ModelShape shape_;
  std::unique_ptr<Training> training_;
  std::vector<std::pair<std::string, Optimizer>> optimizers_;  // by group
  std::vector<PhaseSpan> phases_;
  std::int64_t epochs_ = 0;          // over all phases
  std::int64_t guarded_phase_ = -1;  // of which this session has looked through the first step's graph
  Checkpoint state_;
  std::vector<at::Tensor> sums_;  // one a sum_name, 0-d double on the device
  TensorMap best_;
  double session_start_ = 0;
  double last_save_ = 0;
};

}  // namespace cmkd
