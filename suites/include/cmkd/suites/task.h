// The three tasks: what each measures, and which of its metrics ranks; and the two protocols that judge by them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/suites/action_recognition.h"

namespace cmkd {

enum class Task { kActionRecognition, kRetrieval, kAudioTagging };
constexpr auto enum_names(Task) noexcept {
  return std::to_array<EnumName<Task>>({{Task::kActionRecognition, "action_recognition"},
                                        {Task::kRetrieval, "retrieval"},
                                        {Task::kAudioTagging, "audio_tagging"}});
}

enum class Protocol {
  kStrict,  // nothing is chosen on the reported split, which is touched once
  kPaper,   // as the original scripts: the best epoch is chosen on the reported split
};
constexpr auto enum_names(Protocol) noexcept {
  return std::to_array<EnumName<Protocol>>({{Protocol::kStrict, "strict"}, {Protocol::kPaper, "paper"}});
}

struct TaskInfo {
  std::string id;  // "retrieval"
  std::string title;
  std::string doc;             // two sentences
  std::string primary_metric;  // ranks, and chooses epochs and settings on the validation clips
  const std::vector<MetricDoc>* metrics = nullptr;
};

[[nodiscard]] const std::vector<TaskInfo>& tasks();  // in the order of Task
[[nodiscard]] const TaskInfo& task_info(Task task);
// Throws Error(kUsage) with a suggestion for an unknown name.
[[nodiscard]] const TaskInfo& task_info(const std::string& id);
// Of all tasks, each name once.
[[nodiscard]] std::vector<MetricDoc> all_metric_docs();

}  // namespace cmkd
