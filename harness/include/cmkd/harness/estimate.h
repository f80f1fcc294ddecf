// How long a plan will take, from steps measured on this machine.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"

namespace cmkd {

struct TimeEstimate {
  std::map<std::string, double> seconds_by_label;  // of one training and its evaluation, one process
  double total_seconds = 0;                        // of `trainings`, one after the other
};

// Trains a few steps of each kind of row on the suite's clips (with stand-in teacher outputs: only the time is used)
// and one evaluation batch. Changes nothing on disk. `measuring` is called with each row before it is measured.
[[nodiscard]] TimeEstimate estimate_time(const Suite& suite, const SuiteData& data,
                                         const std::vector<PlannedTraining>& trainings, c10::Device device,
                                         const std::function<void(const std::string& label)>& measuring = {});

}  // namespace cmkd
