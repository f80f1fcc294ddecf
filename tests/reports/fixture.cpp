#include "fixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace cmkd::reports::fixture {

using results::RowRole;

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
  row.link.row_rerun_command = fmt::format("cmkd run suites/quick.toml --only '{}'", one.label);
  row.link.suite_file = "suites/quick.toml";
  row.link.direction = "audio->video";
  row.link.protocol = "strict";
  row.link.method = one.method;
  row.link.control = one.control;
  row.link.label = one.label;
  row.link.role = one.role;
  row.link.student_model = one.role == RowRole::kTeacher ? "audio_cnn" : "r2plus1d_tiny";
  row.link.seed = seed;
  results::TrainingRecord& training = row.training;
  training.cell_key = fmt::format("cell-{}", seed);
  training.key = row.link.training_key;
  training.dataset_fingerprint = "source1";
  training.decoded_fingerprint = "decoded1";
  training.method = one.method;
  training.control = one.control;
  training.label = one.label;
  training.verified = one.verified;
  training.direction = row.link.direction;
  training.student_model = row.link.student_model;
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
  // One method was trained by an older program, with an older LibTorch.
  const bool older = one.method == "crd";
  row.origin = {older ? "0123456789abcdef" : "fedcba9876543210", older ? "2.11.0" : "2.13.0", "cpu", "AVX2"};
  row.evaluation_code = row.origin.shared_code;
  row.state = results::RowState::kEvaluated;
  row.outputs_fingerprint = fmt::format("outputs-{}-{}", one.label, seed);
  row.split = "test";
  row.metrics = {{"ece", "test", 0.25 * (1 - top1), 200},
                 {"mean_class_accuracy", "test", top1 - 0.01, 200},
                 {"nll", "test", 2 - top1, 200},
                 {"top1", "test", top1, 200},
                 {"top5", "test", 0.5 + top1 / 2, 200}};
  if (one.role == RowRole::kTeacher) {
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
      {"student", "student", "", RowRole::kLowerBound, "none", {0.410, 0.425, 0.400, 0.415, 0.430}},
      {"teacher", "teacher", "", RowRole::kTeacher, "none", {0.700, 0.715, 0.690, 0.705, 0.710}},
      {"oracle_labels", "oracle_labels", "", RowRole::kCeiling, "none", {0.800, 0.805, 0.790, 0.795, 0.810}},
      {"late_fusion", "late_fusion", "", RowRole::kUpperBound, "none", {0.750, 0.755, 0.740, 0.745, 0.760}},
      {"mnf_csc", "mnf_csc", "", RowRole::kMethod, "step", {0.480, 0.500, 0.465, 0.490, 0.500}},
      {"kd", "kd", "", RowRole::kMethod, "loss", {0.475, 0.495, 0.470, 0.480, 0.500}},
      {"kd (shuffled-teacher)",
       "kd",
       "shuffled-teacher",
       RowRole::kControl,
       "loss",
       {0.405, 0.430, 0.395, 0.410, 0.420}},
      {"crd", "crd", "", RowRole::kMethod, "loss", {0.455, -1, 0.460, 0.450, 0.470}},
      {"at", "at", "", RowRole::kMethod, "", {0, 0, 0, 0, 0}},
      {"<script>alert(\"1\")</script> | `x`",
       "hostile",
       "",
       RowRole::kMethod,
       "part",
       {0.400, 0.395, 0.410, 0.405, 0.390}}};
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

results::ClipOutputs outputs(const std::vector<results::LeaderboardRow>& rows, const std::string& evaluation_key) {
  constexpr std::int64_t kClips = 200;
  const auto row =
      std::ranges::find_if(rows, [&](const auto& one) { return one.link.evaluation_key == evaluation_key; });
  const auto top1 = std::ranges::find(row->metrics, "top1", &results::MetricValue::name);
  const auto right = static_cast<std::int64_t>(std::llround(top1->value * kClips));
  results::ClipOutputs outputs;
  outputs.width = 2;
  for (std::int64_t clip = 0; clip < kClips; ++clip) {
    outputs.clip_ids.push_back(fmt::format("clip{:03}", clip));
    outputs.groups.push_back(fmt::format("video{:02}", clip / 5));
    outputs.labels.push_back(static_cast<std::int32_t>(clip % 2));
    // 37 and 200 have no common factor: each seed is right on other clips, spread over the videos.
    const bool is_right = (37 * clip + 11 * row->link.seed) % kClips < right;
    const bool first = (clip % 2 == 0) == is_right;
    outputs.scores.insert(outputs.scores.end(), {first ? 0.75F : 0.25F, first ? 0.25F : 0.75F});
  }
  return outputs;
}

std::vector<results::LeaderboardRow> dataset_rows(std::int64_t datasets) {
  std::vector<results::LeaderboardRow> rows;
  for (std::int64_t set = 0; set < datasets; ++set) {
    const double ease = 0.02 * static_cast<double>(set);
    const auto top1 = [&](double first, double second, double third) {
      return std::vector<double>{first + ease, second + ease, third + ease};
    };
    std::vector<Case> cases{
        {"student", "student", "", RowRole::kLowerBound, "none", top1(0.40, 0.42, 0.41)},
        {"kd", "kd", "", RowRole::kMethod, "loss", top1(0.45, 0.43, 0.44 + 0.01 * static_cast<double>(set))},
        {"mnf_csc", "mnf_csc", "", RowRole::kMethod, "step", top1(0.52, 0.50, set == 0 ? 0.20 : 0.51)}};
    if (set + 1 < datasets) cases.push_back({"crd", "crd", "", RowRole::kMethod, "loss", top1(0.47, 0.46, 0.45)});
    for (const Case& one : cases) {
      for (std::int64_t seed = 1; seed <= 3; ++seed) {
        results::LeaderboardRow& added = rows.emplace_back(row(one, seed));
        added.link.dataset = fmt::format("set{}", set + 1);
        for (std::string* key : {&added.link.training_key, &added.link.evaluation_key})
          *key += "-" + added.link.dataset;
        added.training.key = added.link.training_key;
        added.training.dataset_fingerprint = "none";
      }
    }
  }
  return rows;
}

results::LeaderboardRow at_level(results::LeaderboardRow row, const std::string& setting, double level) {
  row.link.swept_setting = setting;
  row.link.swept_value = fmt::format("{}", level);
  row.link.level = level;
  if (row.training.method == "student" || row.training.method == "teacher") return row;
  for (std::string* key : {&row.link.training_key, &row.link.evaluation_key}) *key += fmt::format("-{}", level);
  row.training.key = row.link.training_key;
  return row;
}

namespace {

struct LevelCase {
  double level;
  std::vector<Case> cases;
};

const std::vector<LevelCase>& level_cases() {
  const Case teacher{"teacher", "teacher", "", RowRole::kTeacher, "none", {0.72, 0.69, 0.75}};
  const Case student{"student", "student", "", RowRole::kLowerBound, "none", {0.42, 0.45, 0.36}};
  const auto mnf_csc = [](const std::vector<double>& top1) {
    return Case{"mnf_csc", "mnf_csc", "", RowRole::kMethod, "step", top1};
  };
  const auto kd = [](const std::vector<double>& top1) { return Case{"kd", "kd", "", RowRole::kMethod, "loss", top1}; };
  static const std::vector<LevelCase> cases{
      {0, {teacher, student, mnf_csc({0.60, 0.57, 0.60}), kd({0.54, 0.57, 0.51})}},
      {0.5, {teacher, student, mnf_csc({0.54, 0.52, 0.56}), kd({0.48, 0.50, 0.46})}},
      {0.75, {teacher, student, mnf_csc({0.48, 0.45, 0.42}), kd({0.36, -1, 0.33})}}};
  return cases;
}

}  // namespace

std::vector<results::LeaderboardRow> sweep_rows() {
  std::vector<results::LeaderboardRow> rows;
  for (const auto& [level, cases] : level_cases()) {
    for (const Case& one : cases) {
      for (std::int64_t seed = 1; seed <= 3; ++seed) {
        results::LeaderboardRow& added = rows.emplace_back(at_level(row(one, seed), "corruption.share", level));
        if (one.method != "mnf_csc" || level == 0) continue;  // no clip is damaged: there is nothing to tell
        const double gate = 0.70 + 0.05 * static_cast<double>(seed);
        added.metrics.push_back({"corruption_auc_gate", "transfer", gate, 400});
        added.metrics.push_back({"corruption_auc_similarity", "transfer", gate - 0.08 * level, 400});
      }
    }
  }
  return rows;
}

std::vector<results::LeaderboardRow> tuned_rows() {
  std::vector<results::LeaderboardRow> rows;
  for (const Case& one : {Case{"teacher", "teacher", "", RowRole::kTeacher, "none", {0.94, 0.90}},
                          Case{"student", "student", "", RowRole::kLowerBound, "none", {0.42, 0.45}},
                          Case{"mnf_csc", "mnf_csc", "", RowRole::kMethod, "step", {0.60, 0.57}},
                          Case{"kd", "kd", "", RowRole::kMethod, "loss", {0.54, 0.57}}}) {
    for (std::int64_t seed = 1; seed <= 2; ++seed) rows.push_back(row(one, seed));
  }
  for (results::LeaderboardRow& row : rows) {
    row.link.suite = "quick-tuned";
    row.link.suite_title = "Quick suite, tuned";
  }
  return rows;
}

namespace {

struct TrialCase {
  std::string method;
  std::int64_t position = 0;          // in the suite
  std::vector<double> learning_rate;  // by trial
  std::vector<double> validation;     // by trial; negative: failed; above 1: not run
};

results::LeaderboardRow trial_row(const TrialCase& one, std::int64_t trial, std::int64_t seed) {
  const auto index = static_cast<std::size_t>(trial);
  results::LeaderboardRow row;
  row.link.suite = "quick-tuning";
  row.link.primary_metric = "top1";
  row.link.method_order = fmt::format("{:04}", 100 * one.position + trial);
  row.link.method = one.method;
  row.link.label = fmt::format("{} trial {}", one.method, trial);
  row.link.seed = seed;
  row.link.trial = trial;
  row.link.rerun_command = row.link.row_rerun_command =
      fmt::format("cmkd tune suites/quick.toml --only '{}'", one.method);
  if (one.validation[index] > 1) return row;
  row.training.method = one.method;
  row.training.seed = seed;
  row.training.config_json = fmt::format(
      R"({{"training": {{"learning_rate": {}, "weight_decay": 0.0}}, "method": {{"parameters": {{"weight": 1.0}}}}}})",
      one.learning_rate[index]);
  if (one.validation[index] < 0) {
    row.state = results::RowState::kFailed;
    row.training.status = results::RunStatus::kFailed;
    return row;
  }
  row.state = results::RowState::kEvaluated;
  const double spread = seed == 901 ? 0.01 : -0.01;
  row.metrics = {{"top1", "validation", one.validation[index] + spread, 100}};
  return row;
}

}  // namespace

std::vector<results::LeaderboardRow> trial_rows() {
  std::vector<results::LeaderboardRow> rows;
  for (const TrialCase& one : {TrialCase{"student", 0, {0.001, 0.003, 0.0005, 0.002}, {0.40, 0.44, 0.36, 0.42}},
                               TrialCase{"mnf_csc", 1, {0.001, 0.03, 0.002, 0.0004}, {0.56, -1, 0.60, 0.50}},
                               TrialCase{"kd", 2, {0.001, 0.003, 0.0005, 0.002}, {0.55, 0.52, 0.48, 2}}}) {
    for (std::int64_t trial = 0; trial < 4; ++trial) {
      for (const std::int64_t seed : {901, 902}) rows.push_back(trial_row(one, trial, seed));
    }
  }
  return rows;
}

}  // namespace cmkd::reports::fixture
