#include "cmkd/suites/task.h"

#include <algorithm>

#include "cmkd/suites/audio_tagging.h"
#include "cmkd/suites/retrieval.h"

namespace cmkd {

const std::vector<TaskInfo>& tasks() {
  static const std::vector<TaskInfo> all{
      {to_string(Task::kActionRecognition), "Action recognition",
       "Which class is the clip? Scores of several views at test are averaged.", "top1",
       &action_recognition_metric_docs()},
      {to_string(Task::kRetrieval), "Video retrieval",
       "Clips of the reported split look for clips of their class in the training split, by the cosine of embeddings.",
       "map", &retrieval_metric_docs()},
      {to_string(Task::kAudioTagging), "Audio tagging",
       "Which tags does the clip have? Sets of one label a clip count as tags of one.", "map_macro",
       &audio_tagging_metric_docs()}};
  return all;
}

const TaskInfo& task_info(Task task) { return tasks().at(static_cast<std::size_t>(task)); }

const TaskInfo& task_info(const std::string& id) { return task_info(parse_named<Task>(id, "task")); }

std::vector<MetricDoc> all_metric_docs() {
  std::vector<MetricDoc> docs;
  for (const TaskInfo& task : tasks()) {
    for (const MetricDoc& doc : *task.metrics) {
      if (std::ranges::find(docs, doc.name, &MetricDoc::name) == docs.end()) docs.push_back(doc);
    }
  }
  return docs;
}

}  // namespace cmkd
