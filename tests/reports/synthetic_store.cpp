#include "synthetic_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "cmkd/core/hash.h"
#include "cmkd/core/random.h"

namespace cmkd::reports::fixture {

namespace {

using results::RowRole;

struct SyntheticMethod {
  std::string label;
  std::string method;
  std::string control;
  RowRole role = RowRole::kMethod;
  double quality = 0;  // added to the dataset's base
  double cost = 1;     // × student
};

constexpr std::array<const char*, 14> kUsual{"kd",  "mnf_csc", "xkd", "crd", "rkd", "fitnet",   "at",
                                             "dkd", "dist",    "pkt", "vid", "nst", "reviewkd", "ofa"};
constexpr std::array<const char*, 4> kHostile{"<b>x</b> & \"y\", 100 %_$#{}~^\\", "知识蒸馏", "تقطير المعرفة",
                                              "a|b `c` _d_ *e*"};

std::vector<SyntheticMethod> methods_of(const SyntheticOptions& options) {
  std::vector<SyntheticMethod> methods{
      {"student", "student", "", RowRole::kLowerBound, 0, 1},
      {"teacher", "teacher", "", RowRole::kTeacher, 0.25, 1.4},
      {"kd (shuffled-teacher)", "kd", "shuffled-teacher", RowRole::kControl, -0.005, 1.5}};
  RandomStream stream = RandomStreams("synthetic store", "methods", 0).stream("quality");
  for (std::int64_t i = 0; i < options.methods; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::string label = at < kUsual.size() ? kUsual[at] : fmt::format("method_{:04}", i);
    const std::int64_t last = options.methods - 1 - i;
    if (options.hostile && last < static_cast<std::int64_t>(kHostile.size()) && i >= 3) {
      label = kHostile[static_cast<std::size_t>(last)];
    }
    methods.push_back({label, label, "", RowRole::kMethod, stream.uniform(-0.01, 0.12), stream.uniform(1.1, 4)});
  }
  return methods;
}

struct SyntheticCell {
  std::string dataset;
  std::string direction;
  std::int64_t dataset_number = 0;
  std::int64_t seed = 0;
};

void add_series(results::TrainingRecord& training, const SyntheticOptions& options, RandomStream& stream, double top1) {
  const auto last = static_cast<double>(options.epochs);
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    const double done = static_cast<double>(epoch + 1) / last;
    const double falling = 2.3 * std::exp(-2.5 * done) + 0.05 * stream.uniform();
    training.epochs.push_back({epoch, "main", "term", "student_cls", falling});
    training.epochs.push_back({epoch, "main", "schedule", "learning_rate", 0.001 * (1 - done)});
    training.epochs.push_back(
        {epoch, "main", "validation", "top1", top1 * (1 - std::exp(-4 * done)) + 0.01 * stream.uniform()});
    if (training.method != "student" && training.method != "teacher") {
      training.epochs.push_back({epoch, "main", "term", "kd", 0.6 * falling + 0.1});
    }
    if (training.method == "mnf_csc" || training.method == "xkd") {
      training.epochs.push_back({epoch, "main", "diagnostic", "gate_mean", 0.5 + 0.3 * done + 0.02 * stream.uniform()});
      training.epochs.push_back({epoch, "main", "diagnostic", "gate_entropy", 0.69 - 0.3 * done});
      training.epochs.push_back({epoch, "main", "diagnostic", "tau_positive",
                                 epoch == 1 ? std::numeric_limits<double>::quiet_NaN() : 0.4 + 0.1 * done});
    }
  }
}

void add_outputs(results::EvaluationRecord& evaluation, const SyntheticOptions& options, const SyntheticCell& cell,
                 RandomStream& stream, double top1) {
  if (options.clips == 0) return;
  results::ClipOutputs& outputs = evaluation.outputs;
  outputs.width = options.classes;
  double right = 0;
  for (std::int64_t clip = 0; clip < options.clips; ++clip) {
    outputs.clip_ids.push_back(options.hostile && clip == 1 ? "clip <1> & \"شريط\""
                                                            : fmt::format("{}_{:05}", cell.dataset, clip));
    outputs.groups.push_back(fmt::format("video_{}", clip / 3));
    const auto label = static_cast<std::int32_t>(clip % options.classes);
    outputs.labels.push_back(label);
    // Some clips are hard for everybody.
    const double hardness = 0.3 * std::sin(static_cast<double>(clip) * 1.7);
    const bool is_right = stream.uniform() < top1 + hardness;
    const auto wrong = static_cast<std::int32_t>((label + stream.integer(1, options.classes - 1)) % options.classes);
    const std::int32_t predicted = is_right ? label : wrong;
    right += is_right ? 1 : 0;
    for (std::int32_t c = 0; c < options.classes; ++c) {
      outputs.scores.push_back(c == predicted ? 0.6F : 0.4F / static_cast<float>(options.classes - 1));
    }
  }
  evaluation.metrics[1].value = right / static_cast<double>(options.clips);
}

results::SuiteLink link_of(const SyntheticMethod& method, const SyntheticCell& cell, std::size_t order) {
  results::SuiteLink link;
  link.suite = kSyntheticSuite;
  link.suite_title = "Results that nobody trained";
  link.suite_file = "suites/synthetic-store.toml";
  link.task = "action_recognition";
  link.dataset = cell.dataset;
  link.direction = cell.direction;
  link.protocol = "strict";
  link.primary_metric = "top1";
  link.method_order = fmt::format("{:04}", order);
  link.method = method.method;
  link.control = method.control;
  link.label = method.label;
  link.role = method.role;
  link.student_model = method.role == RowRole::kTeacher ? "audio_cnn" : "r2plus1d_tiny";
  link.seed = cell.seed;
  const std::string content = fmt::format("{}/{}/{}/{}", method.label, cell.dataset, cell.direction, cell.seed);
  link.training_key = hash_hex("training " + content);
  link.evaluation_key = hash_hex("evaluation " + content);
  link.row_rerun_command = fmt::format("cmkd run suites/synthetic-store.toml --only '{}'", method.label);
  link.rerun_command = fmt::format("{} --seed {}", link.row_rerun_command, cell.seed);
  return link;
}

results::TrainingRecord training_of(const results::SuiteLink& link, const SyntheticCell& cell, bool failed) {
  results::TrainingRecord training;
  training.key = link.training_key;
  training.config_json = fmt::format("{{\"key\":\"{}\"}}", link.training_key);
  training.cell_key = hash_hex(fmt::format("cell {} {} {}", cell.dataset, cell.direction, cell.seed));
  training.dataset_fingerprint = "source of " + cell.dataset;
  training.decoded_fingerprint = "decoded " + cell.dataset;
  training.method = link.method;
  training.control = link.control;
  training.label = link.label;
  training.verified = link.method == "mnf_csc" ? "step" : "loss";
  training.direction = cell.direction;
  training.student_model = link.student_model;
  training.seed = cell.seed;
  training.initial_weights_fingerprint = fmt::format("initial {} {}", link.student_model, cell.seed);
  training.batch_order_fingerprint = fmt::format("order {}", cell.seed);
  training.augmentation_fingerprint = fmt::format("augmentation {}", cell.seed);
  training.final_weights_fingerprint = training.key;
  training.selection_rule = results::kLastEpochRule;
  training.shared_code = "fedcba9876543210";
  training.environment.values = {
      {"cmkd", "0.1.0"},     {"compiler", "gcc 12.2.0"},
      {"cpu_level", "AVX2"}, {"deterministic", "true"},
      {"device", "cpu"},     {"libtorch", "2.13.0"},
      {"threads", "1"},      {"git_revision", cell.seed == 1 ? "0123456789ab" : "ba9876543210"}};
  if (failed) {
    training.status = results::RunStatus::kFailed;
    training.reason = "loss is not finite at epoch 3, step 120 (term 'kd')";
  }
  return training;
}

void add_run(results::Store& store, const SyntheticOptions& options, const SyntheticMethod& method,
             const SyntheticCell& cell, const results::SuiteLink& link) {
  const RandomStreams streams("synthetic store", cell.dataset + cell.direction + method.label, cell.seed);
  RandomStream stream = streams.stream("run");
  const bool failed = options.holes && method.method == "crd" && cell.seed == 2;
  results::TrainingRecord training = training_of(link, cell, failed);
  const double base = 0.35 + 0.4 * std::fmod(static_cast<double>(cell.dataset_number) * 0.618, 1.0);
  const double common = 0.01 * RandomStreams("synthetic store", cell.dataset, cell.seed).stream("cell").normal();
  double top1 = std::clamp(base + method.quality + common + 0.008 * stream.normal(), 0.02, 0.99);
  if (options.holes && method.method == "at") top1 = 0.5;  // ties
  add_series(training, options, stream, top1);
  if (failed) {
    store.commit_run(training, {});
    return;
  }
  training.measured = {{"train_seconds", 40 * method.cost + stream.uniform()},
                       {"step_milliseconds", 12.5 * method.cost},
                       {"peak_memory_bytes", 5e8 * std::sqrt(method.cost)}};
  results::EvaluationRecord evaluation;
  evaluation.key = link.evaluation_key;
  evaluation.config_json = fmt::format("{{\"training\":\"{}\"}}", training.key);
  evaluation.training_key = training.key;
  evaluation.task = link.task;
  evaluation.protocol = link.protocol;
  evaluation.split = "test";
  evaluation.shared_code = training.shared_code;
  const std::int64_t clips = std::max<std::int64_t>(options.clips, 100);
  evaluation.metrics = {
      {"ece", "test", 0.2 * (1 - top1), clips}, {"top1", "test", top1, clips}, {"nll", "test", 2 - top1, clips}};
  add_outputs(evaluation, options, cell, stream, top1);
  store.commit_run(training, {evaluation});
}

results::DatasetRecord dataset_of(const std::string& name) {
  results::DatasetRecord dataset;
  dataset.name = name;
  dataset.source_fingerprint = "source of " + name;
  dataset.decoded_fingerprint = "decoded " + name;
  dataset.config_json = "{}";
  dataset.listed_clips = 1002;
  dataset.used_clips = 1000;
  dataset.excluded = {{"<img src=x onerror=alert(1)>", "c3.mp4", "test", "no_audio_stream: none of 1 streams is audio"},
                      {"clip_4", "c4.mp4", "train", "truncated: 3 of 16 frames"}};
  return dataset;
}

}  // namespace

results::Store make_store(const std::filesystem::path& path, const SyntheticOptions& options) {
  results::Store store = results::Store::open(path, results::OpenMode::kReadWriteCreate);
  const std::vector<SyntheticMethod> methods = methods_of(options);
  std::vector<results::SuiteLink> links;
  for (std::int64_t number = 0; number < options.datasets; ++number) {
    const std::string dataset = fmt::format("set_{:02}", number);
    store.put_dataset(dataset_of(dataset));
    for (const char* direction : {"audio->video", "video->audio"}) {
      if (!options.both_directions && direction == std::string("video->audio")) continue;
      for (std::size_t order = 0; order < methods.size(); ++order) {
        for (std::int64_t seed = 1; seed <= options.seeds; ++seed) {
          const SyntheticCell cell{dataset, direction, number, seed};
          // One row of one seed: its table then has no tiers.
          if (options.holes && number == 0 && methods[order].method == "rkd" && seed > 1) break;
          links.push_back(link_of(methods[order], cell, order));
          if (options.holes && methods[order].method == "fitnet" && seed == options.seeds) continue;  // not run
          add_run(store, options, methods[order], cell, links.back());
        }
      }
    }
  }
  store.set_suite_links(kSyntheticSuite, links);
  return store;
}

}  // namespace cmkd::reports::fixture
