// The models of a suite, made for its clips.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "cmkd/batches/window_reader.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/teacher_outputs.h"
#include "cmkd/models/model.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// What the suite's clips and windows fix about a model's input and output.
[[nodiscard]] ModelConfig model_config(const Suite& suite, const ModelEntry& entry, const SuiteData& data,
                                       const WindowReader& reader);

// A copy of the trained teacher on `device`, in eval mode.
[[nodiscard]] std::shared_ptr<Model> trained_teacher(const Suite& suite, const TeacherOutputs& teacher,
                                                     const SuiteData& data, const WindowReader& reader,
                                                     c10::Device device);

}  // namespace cmkd
