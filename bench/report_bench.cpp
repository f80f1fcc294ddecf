// The leaderboard of 10,000 runs from its store: with its bootstraps kept beside it, and without.
#include <fmt/format.h>

#include <cmath>

#include "bench.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/random.h"
#include "cmkd/reports/stored.h"
#include "cmkd/results/number_cache.h"
#include "cmkd/results/store.h"
#include "peak_memory.h"

namespace cmkd::bench {

namespace fs = std::filesystem;

namespace {

constexpr int kReportDatasets = 20;
constexpr int kReportMethods = 25;  // the student among them
constexpr int kReportSeeds = 10;
constexpr int kReportClips = 200;
constexpr int kReportVideos = 50;
constexpr std::int64_t kReportRuns = std::int64_t{2} * kReportDatasets * kReportMethods * kReportSeeds;

struct MadeRun {
  int dataset;
  bool audio_student;
  int method;
  int seed;
};

results::TrainingRecord made_training(const MadeRun& run) {
  results::TrainingRecord record;
  record.config_json = fmt::format("{{\"run\":[{},{},{},{}]}}", run.dataset, run.audio_student, run.method, run.seed);
  record.key = hash_hex(record.config_json);
  record.cell_key = hash_hex(fmt::format("{} {} {}", run.dataset, run.audio_student, run.seed));
  record.dataset_fingerprint = fmt::format("source{}", run.dataset);
  record.method = record.label = run.method == 0 ? "student" : fmt::format("method{:02}", run.method);
  record.verified = "loss";
  record.direction = run.audio_student ? "video->audio" : "audio->video";
  record.student_model = "r2plus1d_small";
  record.seed = run.seed;
  record.initial_weights_fingerprint = record.batch_order_fingerprint = record.augmentation_fingerprint =
      fmt::format("seed{}", run.seed);
  record.final_weights_fingerprint = record.key;
  record.selection_rule = "last epoch";
  record.selected_epoch = 9;
  record.environment.values = {{"device", "cpu"}};
  record.measured = {{"train_seconds", 100.0 + run.method}, {"peak_memory_bytes", 1e9}};
  for (std::int64_t epoch = 0; epoch < 10; ++epoch) record.epochs.push_back({epoch, "main", "term", "loss", 1.0});
  return record;
}

results::EvaluationRecord made_evaluation(const MadeRun& run, const results::TrainingRecord& training) {
  results::EvaluationRecord record;
  record.config_json = "{\"training\":\"" + training.key + "\"}";
  record.key = hash_hex(record.config_json);
  record.training_key = training.key;
  record.task = "action_recognition";
  record.protocol = "strict";
  record.split = "test";
  record.outputs.width = 10;
  RandomStream stream(hash64(training.key));
  const double share = 0.4 + 0.01 * run.method + 0.005 * run.dataset;
  int right = 0;
  for (int clip = 0; clip < kReportClips; ++clip) {
    const std::int32_t label = clip % 10;
    const bool is_right = stream.bernoulli(share);
    right += is_right ? 1 : 0;
    record.outputs.clip_ids.push_back(fmt::format("clip{}", clip));
    record.outputs.groups.push_back(fmt::format("video{}", clip % kReportVideos));
    record.outputs.labels.push_back(label);
    for (std::int32_t c = 0; c < 10; ++c) {
      record.outputs.scores.push_back(c == (is_right ? label : (label + 1) % 10) ? 0.55F : 0.05F);
    }
  }
  record.metrics = {{"top1", "test", static_cast<double>(right) / kReportClips, kReportClips},
                    {"top5", "test", 0.9, kReportClips},
                    {"ece", "test", 0.1, kReportClips},
                    {"nll", "test", 1.5, kReportClips}};
  return record;
}

results::SuiteLink made_link(const MadeRun& run, const results::TrainingRecord& training,
                             const results::EvaluationRecord& evaluation) {
  results::SuiteLink link;
  link.suite = link.suite_title = "bench";
  link.task = evaluation.task;
  link.dataset = fmt::format("set{:02}", run.dataset);
  link.direction = training.direction;
  link.protocol = evaluation.protocol;
  link.primary_metric = "top1";
  link.method_order = fmt::format("{:04}", run.method);
  link.method = link.label = training.method;
  link.role = run.method == 0 ? results::RowRole::kLowerBound : results::RowRole::kMethod;
  link.student_model = training.student_model;
  link.seed = run.seed;
  link.training_key = training.key;
  link.evaluation_key = evaluation.key;
  link.rerun_command = fmt::format("cmkd run bench.toml --only '{}' --seed {}", training.label, run.seed);
  link.row_rerun_command = fmt::format("cmkd run bench.toml --only '{}'", training.label);
  return link;
}

// Made once in a process; each run is a commit of its own, as in real stores, which takes a while on a slow disk.
const fs::path& made_report_store() {
  static const fs::path path = [] {
    fs::path file = scratch() / "reports.db";
    results::Store store = results::Store::open(file, results::OpenMode::kReadWriteCreate);
    std::vector<results::SuiteLink> links;
    for (int dataset = 0; dataset < kReportDatasets; ++dataset) {
      results::DatasetRecord record;
      record.source_fingerprint = fmt::format("source{}", dataset);
      record.name = fmt::format("set{:02}", dataset);
      record.config_json = "{}";
      record.decoded_fingerprint = "decoded";
      record.listed_clips = record.used_clips = kReportClips;
      store.put_dataset(record);
      for (int i = 0; i < 2 * kReportMethods * kReportSeeds; ++i) {
        const MadeRun run{dataset, i % 2 == 1, i / 2 % kReportMethods, 1 + i / 2 / kReportMethods};
        const results::TrainingRecord training = made_training(run);
        const results::EvaluationRecord evaluation = made_evaluation(run, training);
        store.commit_run(training, {evaluation});
        links.push_back(made_link(run, training, evaluation));
      }
    }
    store.set_suite_links("bench", links);
    return file;
  }();
  return path;
}

std::string report_text(bool kept) {
  const fs::path& path = made_report_store();
  if (!kept) fs::remove(results::number_cache_path(path, "bench"));
  const results::Store store = results::Store::open(path, results::OpenMode::kReadOnly);
  reports::StoredLeaderboard stored = reports::stored_leaderboard(store, "bench");
  verify(stored.notes.empty(), "the bootstraps of a report cannot be kept");
  verify(stored.board.tables.size() == 2UL * kReportDatasets && stored.board.overviews.size() == 2 &&
             stored.board.overviews.front().omnibus.has_value(),
         "a leaderboard of 10,000 runs is not whole");
  return reports::render_markdown(stored.board) + reports::render_csv(stored.board);
}

// Of the report whose bootstraps are computed: what each later one must equal.
const std::string& first_report() {
  static const std::string text = report_text(false);
  return text;
}

void report_kept(benchmark::State& state) {
  const std::string& wanted = first_report();
  for (auto _ : state) verify(report_text(true) == wanted, "kept bootstraps change a report");
  state.SetItemsProcessed(state.iterations() * kReportRuns);
}

void report_fresh(benchmark::State& state) {
  const std::string& wanted = first_report();
  for (auto _ : state) verify(report_text(false) == wanted, "the same store gives another report");
  if (const auto peak = peak_in_own_process("report", 1)) state.counters["peak_bytes"] = *peak;
  state.SetItemsProcessed(state.iterations() * kReportRuns);
}

}  // namespace

void register_reports() {
  benchmark::RegisterBenchmark(kReportKept, report_kept)->Unit(benchmark::kSecond)->UseRealTime();
  benchmark::RegisterBenchmark(kReportFresh, report_fresh)
      ->Unit(benchmark::kSecond)
      ->UseRealTime()
      ->Iterations(1)
      ->Repetitions(1);
}

std::optional<double> report_peak(const std::string& name) {
  if (name != "report") return std::nullopt;
  (void)made_report_store();
  return peak_above_now([] { (void)report_text(false); });
}

}  // namespace cmkd::bench
