#include "fixture.h"

#include <fmt/format.h>

namespace cmkd::reports::fixture {

results::LeaderboardRow row(const Case& one, std::int64_t seed) {
  const double top1 = one.top1.at(static_cast<std::size_t>(seed - 1));
  results::LeaderboardRow row;
  row.link.suite = "quick";
  row.link.suite_title = "Quick suite";
  row.link.dataset = "synthetic";
  row.link.task = "action_recognition";
  row.link.primary_metric = "top1";
  row.link.method_order = "0001";
  row.link.training_key = fmt::format("training-{}-{}", one.label, seed);
  row.link.evaluation_key = fmt::format("evaluation-{}-{}", one.label, seed);
  row.link.rerun_command = fmt::format("cmkd run suites/quick.toml --only '{}' --seed {}", one.label, seed);
  row.link.note = one.note;
  results::TrainingRecord& training = row.training;
  training.key = row.link.training_key;
  training.dataset_fingerprint = "source1";
  training.decoded_fingerprint = "decoded1";
  training.method = one.method;
  training.control = one.control;
  training.label = one.label;
  training.verified = one.verified;
  training.direction = "audio->video";
  training.student_model = one.note == "teacher" ? "audio_cnn" : "r2plus1d_tiny";
  training.seed = seed;
  training.initial_weights_fingerprint = fmt::format("initial-{}-{}", training.student_model, seed);
  training.batch_order_fingerprint = fmt::format("order-{}", seed);
  training.augmentation_fingerprint = fmt::format("augmentation-{}", seed);
  training.selection_rule = "last epoch";
  if (top1 < 0) {
    row.state = results::RowState::kFailed;
    training.status = results::RunStatus::kFailed;
    training.reason = "loss is not finite at epoch 3, step 120 (term 'kd')";
    return row;
  }
  const double cost = one.method == "student" ? 1 : 1.5;
  training.measured = {
      {"train_seconds", 40 * cost}, {"step_milliseconds", 12.5 * cost}, {"peak_memory_bytes", 1 << 29}};
  row.state = results::RowState::kEvaluated;
  row.protocol = "strict";
  row.split = "test";
  row.metrics = {{"ece", "test", 0.25 * (1 - top1), 200},
                 {"mean_class_accuracy", "test", top1 - 0.01, 200},
                 {"nll", "test", 2 - top1, 200},
                 {"top1", "test", top1, 200},
                 {"top5", "test", 0.5 + top1 / 2, 200}};
  if (one.note == "teacher") {
    row.metrics.push_back({"top1", "transfer", top1 + 0.05, 400});
  } else if (one.method != "student") {
    row.metrics.push_back({"teacher_agreement", "test", 0.4, 200});
    row.metrics.push_back({"teacher_kl", "test", 0.75, 200});
  }
  return row;
}

results::LeaderboardRow not_run(const results::LeaderboardRow& from) {
  results::LeaderboardRow row;
  row.link = from.link;
  row.state = results::RowState::kNotRun;
  row.training.key = from.link.training_key;
  return row;
}

std::vector<results::LeaderboardRow> rows() {
  const std::vector<Case> cases{
      {"student", "student", "", "lower bound", "none", {0.410, 0.425, 0.400, 0.415, 0.430}},
      {"teacher", "teacher", "", "teacher", "none", {0.700, 0.715, 0.690, 0.705, 0.710}},
      {"oracle_labels", "oracle_labels", "", "ceiling", "none", {0.800, 0.805, 0.790, 0.795, 0.810}},
      {"late_fusion", "late_fusion", "", "uses both modalities", "none", {0.750, 0.755, 0.740, 0.745, 0.760}},
      {"mnf_csc", "mnf_csc", "", "", "step", {0.480, 0.500, 0.465, 0.490, 0.500}},
      {"kd", "kd", "", "", "loss", {0.475, 0.495, 0.470, 0.480, 0.500}},
      {"kd (shuffled-teacher)", "kd", "shuffled-teacher", "control", "loss", {0.405, 0.430, 0.395, 0.410, 0.420}},
      {"crd", "crd", "", "", "loss", {0.455, -1, 0.460, 0.450, 0.470}},
      {"at", "at", "", "", "", {0, 0, 0, 0, 0}},
      {"<script>alert(\"1\")</script> | `x`", "hostile", "", "", "part", {0.400, 0.395, 0.410, 0.405, 0.390}}};
  std::vector<results::LeaderboardRow> rows;
  for (const Case& one : cases) {
    for (std::int64_t seed = 1; seed <= 5; ++seed) {
      const results::LeaderboardRow complete = row(one, seed);
      rows.push_back(one.label == "at" || (one.label == "crd" && seed == 5) ? not_run(complete) : complete);
    }
  }
  return rows;
}

std::vector<results::DatasetRecord> datasets() {
  results::DatasetRecord dataset;
  dataset.source_fingerprint = "source1";
  dataset.name = "synthetic";
  dataset.decoded_fingerprint = "decoded1";
  dataset.listed_clips = 1004;
  dataset.used_clips = 1001;
  dataset.excluded = {{"caf\xE9\u202Egnp", "c9.mp4", "train", "truncated: 3 of 16 frames"},  // no UTF-8; turned
                      {"<img src=x onerror=alert(1)>", "c3.mp4", "test", "no_audio_stream: none of 1 streams is audio"},
                      {"c4", "c4.mp4", "train", "no_audio_stream: none of 2 streams is audio"}};
  results::DatasetRecord other = dataset;
  other.source_fingerprint = "source2";
  other.name = "not of this suite";
  return {other, dataset};
}

}  // namespace cmkd::reports::fixture
