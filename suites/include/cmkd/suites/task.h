// The three tasks by name: what each measures, and which of its metrics ranks.
#pragma once

#include <string>
#include <vector>

#include "cmkd/suites/action_recognition.h"

namespace cmkd {

struct TaskInfo {
  std::string id;  // "retrieval"
  std::string title;
  std::string doc;             // two sentences
  std::string primary_metric;  // ranks, and chooses epochs and settings on the validation clips
  const std::vector<MetricDoc>* metrics = nullptr;
};

[[nodiscard]] const std::vector<TaskInfo>& tasks();
// Throws Error(kUsage) with a suggestion for an unknown name.
[[nodiscard]] const TaskInfo& task_info(const std::string& id);
// Of all tasks, each name once.
[[nodiscard]] std::vector<MetricDoc> all_metric_docs();

}  // namespace cmkd
