// Records that the tests of the store fill in.
#pragma once

#include <string>
#include <vector>

#include "cmkd/core/hash.h"
#include "cmkd/results/store.h"

namespace cmkd::results::example {

// Catch2's matcher for this has another name in each of its versions.
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline DatasetRecord dataset() {
  return {"source1",
          "synthetic",
          R"({"clips":4})",
          "decoded1",
          4,
          2,
          {{"c3", "c3.mp4", "test", "no_audio_stream: none of 1 streams is audio"},
           {"c4", "c4.mp4", "train", "truncated: 3 of 16 frames"}}};
}

inline TrainingRecord training(const std::string& method, std::int64_t seed) {
  TrainingRecord training;
  training.config_json = R"({"method":")" + method + R"(","seed":)" + std::to_string(seed) + "}";
  training.key = hash_hex(training.config_json);
  training.cell_key = "cell" + std::to_string(seed);
  training.dataset_fingerprint = "source1";
  training.decoded_fingerprint = "decoded1";
  training.method = method;
  training.label = method;
  training.verified = "loss";
  training.direction = "audio->video";
  training.student_model = "r2plus1d_tiny";
  training.teacher_model = "audio_cnn";
  training.teacher_key = "teacher" + std::to_string(seed);
  training.seed = seed;
  training.initial_weights_fingerprint = "initial" + std::to_string(seed);
  training.batch_order_fingerprint = "order" + std::to_string(seed);
  training.augmentation_fingerprint = "augmentation" + std::to_string(seed);
  training.final_weights_fingerprint = "final-" + method + std::to_string(seed);
  training.selected_epoch = 1;
  training.selection_rule = "last epoch";
  training.epochs = {
      {0, "main", "term", "kd", 1.5}, {1, "main", "term", "kd", 0.25}, {1, "main", "validation", "top1", 0.5}};
  training.environment.values = {{"libtorch", "2.13.0"}, {"threads", "1"}};
  training.measured = {{"train_seconds", 9.0 + static_cast<double>(seed)}};
  return training;
}

inline TrainingRecord failed(TrainingRecord training) {
  training.status = RunStatus::kFailed;
  training.reason = "loss is not finite at epoch 0, step 3 (term 'kd')";
  training.final_weights_fingerprint = "";
  training.selected_epoch = -1;
  return training;
}

inline EvaluationRecord evaluation(const TrainingRecord& training, double top1) {
  EvaluationRecord evaluation;
  evaluation.config_json = R"({"training":")" + training.key + R"(","task":"action_recognition"})";
  evaluation.key = hash_hex(evaluation.config_json);
  evaluation.training_key = training.key;
  evaluation.task = "action_recognition";
  evaluation.protocol = "strict";
  evaluation.split = "test";
  evaluation.metrics = {{"top1", "test", top1, 2}, {"top5", "test", 1.0, 2}};
  evaluation.outputs = {{"c1", "c2"}, {"g1", "g1"}, {0, 1}, 2, {0.75F, 0.25F, 0.5F, 0.5F}};
  evaluation.measured = {{"evaluate_seconds", 0.5}};
  return evaluation;
}

inline SuiteLink link(const TrainingRecord& training, const EvaluationRecord& evaluation, const std::string& order) {
  SuiteLink link;
  link.suite = "quick";
  link.suite_title = "Quick suite";
  link.suite_file = "suites/quick.toml";
  link.task = "action_recognition";
  link.dataset = "synthetic";
  link.direction = training.direction;
  link.protocol = evaluation.protocol;
  link.primary_metric = "top1";
  link.method_order = order;
  link.method = training.method;
  link.control = training.control;
  link.label = training.label;
  link.student_model = training.student_model;
  link.seed = training.seed;
  link.training_key = training.key;
  link.evaluation_key = evaluation.key;
  link.row_rerun_command = "cmkd run suites/quick.toml --only " + training.method;
  link.rerun_command = link.row_rerun_command + " --seed " + std::to_string(training.seed);
  return link;
}

}  // namespace cmkd::results::example
