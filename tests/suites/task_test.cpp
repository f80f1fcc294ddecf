#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <algorithm>
#include <cmath>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/suites/task_metrics.h"

namespace {

using namespace cmkd;

double value_of(const std::vector<Metric>& metrics, const std::string& name) {
  const auto found = std::ranges::find(metrics, name, &Metric::name);
  INFO(name);
  REQUIRE(found != metrics.end());
  return found->value;
}

bool has(const std::vector<Metric>& metrics, const std::string& name) {
  return std::ranges::find(metrics, name, &Metric::name) != metrics.end();
}

TaskRules rules(Task task) { return {task, Protocol::kStrict, 0, Modality::kVideo, Modality::kAudio}; }

}  // namespace

TEST_CASE("every task ranks by one of its own metrics, and gives no metric that is not documented") {
  for (const TaskInfo& task : tasks()) {
    INFO(task.id);
    CHECK(std::ranges::find(*task.metrics, task.primary_metric, &MetricDoc::name) != task.metrics->end());
    CHECK(task_info(task.id).title == task.title);
    CHECK(task_info(parse_named<Task>(task.id, "task")).id == task.id);
  }
  CHECK_THROWS_WITH(task_info("retreival"), message_contains("retrieval"));
  std::set<std::string> names;
  for (const MetricDoc& doc : all_metric_docs()) CHECK(names.insert(doc.name).second);
}

TEST_CASE("tagging of three clips with two tags, by hand") {
  TaskOutputs outputs;
  outputs.labels = {-1, -1, -1};
  outputs.tags = {{0}, {0, 1}, {}};
  outputs.width = 2;
  // Tag 0: 0.9, 0.2, 0.4 with truth 1, 1, 0: AP = (1 + 2/3) / 2. Tag 1: 0.1, 0.8, 0.3 with truth 0, 1, 0: AP = 1.
  outputs.values = {0.9F, 0.1F, 0.2F, 0.8F, 0.4F, 0.3F};
  const std::vector<Metric> metrics = task_metrics(rules(Task::kAudioTagging), outputs, nullptr);
  CHECK(value_of(metrics, "map_macro") == Approx((5.0 / 6.0 + 1.0) / 2));
  CHECK(value_of(metrics, "auc_macro") == Approx((0.5 + 1.0) / 2));
  CHECK_FALSE(has(metrics, "top1"));
  CHECK_THROWS_WITH(task_metrics(rules(Task::kActionRecognition), outputs, nullptr), message_contains("tags"));
}

TEST_CASE("tagging of a set with one label a clip tells top-1 too") {
  TaskOutputs outputs;
  outputs.labels = {0, 1, 1};
  outputs.width = 2;
  outputs.values = {0.9F, 0.1F, 0.2F, 0.8F, 0.6F, 0.4F};
  const std::vector<Metric> metrics = task_metrics(rules(Task::kAudioTagging), outputs, nullptr);
  CHECK(value_of(metrics, "top1") == Approx(2.0 / 3.0));
  CHECK(value_of(metrics, "map_macro") == Approx(1.0));
}

TEST_CASE("retrieval from stored embeddings: queries, gallery, and the other modality") {
  TaskOutputs student;
  student.labels = {0, 1, 1, 0};  // two queries, then the gallery
  student.width = 2;
  student.values = {1, 0, 0, 1, 0.1F, 1, 1, 0.1F};
  student.queries = 2;
  std::vector<Metric> metrics = task_metrics(rules(Task::kRetrieval), student, nullptr);
  CHECK(value_of(metrics, "recall@1") == 1.0);
  CHECK(value_of(metrics, "map") == 1.0);
  CHECK_FALSE(has(metrics, "audio_to_video_map"));
  TaskOutputs teacher = student;
  teacher.values = {0, 1, 1, 0, 1, 0, 0, 1};  // its queries point the other way
  metrics = task_metrics(rules(Task::kRetrieval), student, &teacher);
  CHECK(value_of(metrics, "audio_to_video_recall@1") == 0.0);
  CHECK(value_of(metrics, "video_to_audio_recall@5") == 1.0);
  teacher.width = 1;
  teacher.values = {1, 1, 1, 1};
  CHECK_FALSE(has(task_metrics(rules(Task::kRetrieval), student, &teacher), "audio_to_video_map"));
  // The same pair as one embedding of two encoders, the video's first: the same metrics across.
  TaskOutputs joined = student;
  teacher = student;
  teacher.values = {0, 1, 1, 0, 1, 0, 0, 1};
  joined.width = 4;
  joined.values = {1, 0, 0, 1, 0, 1, 1, 0, 0.1F, 1, 1, 0, 1, 0.1F, 0, 1};
  TaskRules both = rules(Task::kRetrieval);
  both.joined_embeddings = true;
  const std::vector<Metric> of_joined = task_metrics(both, joined, nullptr);
  for (const Metric& metric : task_metrics(rules(Task::kRetrieval), student, &teacher)) {
    if (metric.name.find("_to_") != std::string::npos) CHECK(value_of(of_joined, metric.name) == metric.value);
  }
  CHECK(value_of(of_joined, "audio_to_video_recall@1") == 0.0);
  CHECK(value_of(of_joined, "video_to_audio_recall@5") == 1.0);
  student.queries = 4;  // each leaves itself out
  CHECK(value_of(task_metrics(rules(Task::kRetrieval), student, nullptr), "recall@1") == 1.0);
  TaskRules paper = rules(Task::kRetrieval);
  paper.protocol = Protocol::kPaper;
  paper.truncate_at = 1;
  CHECK(has(task_metrics(paper, student, nullptr), "map_truncated"));
}
