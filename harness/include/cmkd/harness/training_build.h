// A planned training made ready for its first step.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "cmkd/harness/batch_source.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/teacher_outputs.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/training.h"
#include "cmkd/models/model.h"

namespace cmkd {

struct BuiltTraining {
  std::unique_ptr<Training> training;
  ModelShape shape;  // of the model that is trained
  std::string initial_weights_fingerprint;
};

// Gives `source` the teacher's side that the method needs. What is given must outlive the source.
void add_teacher_side(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                      const TeacherOutputs& teacher, c10::Device device, BatchSource& source);

// Makes the model (random or given first weights) and the method on top of it. `teacher` is null for a training without
// one. Throws TrainingFailed when the method cannot be built.
[[nodiscard]] BuiltTraining build_training(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                                           const TeacherOutputs* teacher, c10::Device device, BatchSource& source);

// Training::clip_signals of the transfer clips, in their order, in the first window: name -> [N] float on the host.
[[nodiscard]] TensorMap clip_signals(Training& training, BatchSource& source, std::int64_t batch_size);

}  // namespace cmkd
