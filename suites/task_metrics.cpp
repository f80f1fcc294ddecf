#include "cmkd/suites/task_metrics.h"

#include <ATen/Functions.h>

#include <span>

#include "cmkd/core/error.h"
#include "cmkd/suites/audio_tagging.h"
#include "cmkd/suites/retrieval.h"

namespace cmkd {

namespace {

std::vector<std::uint8_t> truth_of(const TaskOutputs& outputs) {
  const auto width = static_cast<std::size_t>(outputs.width);
  std::vector<std::uint8_t> truth(outputs.labels.size() * width, 0);
  for (std::size_t i = 0; i < outputs.labels.size(); ++i) {
    if (outputs.tags.empty()) truth[i * width + static_cast<std::size_t>(outputs.labels[i])] = 1;
    if (outputs.tags.empty()) continue;
    for (const std::int32_t tag : outputs.tags[i]) truth[i * width + static_cast<std::size_t>(tag)] = 1;
  }
  return truth;
}

at::Tensor rows_of(const TaskOutputs& outputs, std::int64_t first, std::int64_t count) {
  const float* values = outputs.values.data() + first * outputs.width;
  at::Tensor rows = at::empty({count, outputs.width}, at::kFloat);
  std::copy_n(values, count * outputs.width, rows.mutable_data_ptr<float>());
  return rows;
}

RetrievalLabels ranked_labels_of(const TaskOutputs& outputs, std::int64_t first, std::int64_t count) {
  std::vector<std::vector<std::int64_t>> tags;
  for (std::int64_t i = first; i < first + count; ++i) {
    const auto row = static_cast<std::size_t>(i);
    if (outputs.tags.empty()) {
      tags.push_back({outputs.labels[row]});
    } else {
      tags.emplace_back(outputs.tags[row].begin(), outputs.tags[row].end());
    }
  }
  return RetrievalLabels::lists(tags);
}

RetrievalInput search(const TaskOutputs& outputs) {
  const auto clips = static_cast<std::int64_t>(outputs.labels.size());
  RetrievalInput input;
  input.queries = rows_of(outputs, 0, outputs.queries);
  input.query_labels = ranked_labels_of(outputs, 0, outputs.queries);
  input.leave_one_out = outputs.queries == clips;
  const std::int64_t first = input.leave_one_out ? 0 : outputs.queries;
  input.gallery = rows_of(outputs, first, clips - first);
  input.gallery_labels = ranked_labels_of(outputs, first, clips - first);
  return input;
}

// Queries of one modality search the same clips in the other: a query's own clip is among what it may find.
void add_across(const TaskOutputs& queries, const TaskOutputs& gallery, const std::string& prefix,
                std::vector<Metric>& values) {
  RetrievalInput input;
  input.queries = rows_of(queries, 0, queries.queries);
  input.gallery = rows_of(gallery, 0, gallery.queries);
  input.query_labels = input.gallery_labels = ranked_labels_of(queries, 0, queries.queries);
  for (Metric& metric : retrieval_metrics(retrieve(input), prefix)) values.push_back(std::move(metric));
}

// What one encoder says of the clips, of embeddings that two made: the first half of each is the video's.
TaskOutputs half_of(const TaskOutputs& joined, bool first) {
  TaskOutputs half = joined;
  half.width = joined.width / 2;
  half.values.clear();
  for (std::size_t row = 0; row < joined.labels.size(); ++row) {
    const auto begin =
        joined.values.begin() + static_cast<std::ptrdiff_t>(row) * joined.width + (first ? 0 : half.width);
    half.values.insert(half.values.end(), begin, begin + half.width);
  }
  return half;
}

void add_both_ways(const TaskOutputs& video, const TaskOutputs& audio, std::vector<Metric>& values) {
  add_across(audio, video, kAudioToVideo, values);
  add_across(video, audio, kVideoToAudio, values);
}

std::vector<Metric> retrieval(const TaskRules& rules, const TaskOutputs& outputs, const TaskOutputs* teacher) {
  RetrievalOptions options;
  if (rules.protocol == Protocol::kPaper) options.truncate_at = rules.truncate_at;
  std::vector<Metric> values = retrieval_metrics(retrieve(search(outputs), options));
  if (rules.joined_embeddings) {
    add_both_ways(half_of(outputs, /*first=*/true), half_of(outputs, /*first=*/false), values);
    return values;
  }
  const bool across = teacher != nullptr && rules.student_modality != rules.teacher_modality &&
                      teacher->width == outputs.width && teacher->queries == outputs.queries;
  if (!across) return values;
  const bool student_sees = rules.student_modality == Modality::kVideo;
  add_both_ways(student_sees ? outputs : *teacher, student_sees ? *teacher : outputs, values);
  return values;
}

}  // namespace

std::vector<Metric> task_metrics(const TaskRules& rules, const TaskOutputs& outputs, const TaskOutputs* teacher) {
  if (rules.task == Task::kRetrieval) return retrieval(rules, outputs, teacher);
  if (rules.task == Task::kAudioTagging) {
    return audio_tagging_metrics(outputs.values, truth_of(outputs), outputs.width, outputs.tags.empty());
  }
  if (!outputs.tags.empty()) {
    throw Error(ErrorKind::kUsage,
                {.what = "the task 'action_recognition' wants one label a clip, and this dataset has tags",
                 .where = "[suite] task",
                 .allowed = "audio_tagging, retrieval"});
  }
  return action_recognition_metrics(outputs.values, outputs.labels, outputs.width,
                                    teacher == nullptr ? std::span<const float>() : teacher->values);
}

}  // namespace cmkd
