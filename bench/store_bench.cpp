// The store: committing whole runs, each in its own transaction, and reading them back.
#include <fmt/format.h>

#include "bench.h"
#include "cmkd/core/hash.h"
#include "cmkd/results/store.h"

namespace cmkd::bench {

namespace {

constexpr std::int64_t kEpochs = 50;
constexpr std::int64_t kTerms = 6;

results::TrainingRecord training(std::int64_t index) {
  results::TrainingRecord record;
  record.config_json = fmt::format("{{\"run\":{}}}", index);
  record.key = hash_hex(record.config_json);
  record.cell_key = hash_hex("cell");
  record.dataset_fingerprint = hash_hex("dataset");
  record.method = record.label = "kd";
  record.verified = "loss";
  record.direction = "audio->video";
  record.student_model = "r2plus1d_small";
  record.seed = index;
  record.initial_weights_fingerprint = record.batch_order_fingerprint = record.augmentation_fingerprint =
      hash_hex("same");
  record.final_weights_fingerprint = record.key;
  record.selection_rule = "last epoch";
  record.selected_epoch = kEpochs - 1;
  record.environment.values = {{"device", "cpu"}};
  for (std::int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    for (std::int64_t term = 0; term < kTerms; ++term) {
      record.epochs.push_back({epoch, "main", "term", fmt::format("term{}", term), static_cast<double>(epoch + term)});
    }
  }
  return record;
}

results::EvaluationRecord evaluation(const results::TrainingRecord& run) {
  results::EvaluationRecord record;
  record.config_json = "{\"training\":\"" + run.key + "\"}";
  record.key = hash_hex(record.config_json);
  record.training_key = run.key;
  record.task = "action_recognition";
  record.protocol = "strict";
  record.split = "test";
  record.metrics = {{"top1", "test", 0.5, 100}, {"ece", "test", 0.1, 100}};
  record.outputs.width = 10;
  for (int i = 0; i < 100; ++i) {
    record.outputs.clip_ids.push_back(fmt::format("clip{}", i));
    record.outputs.groups.push_back(fmt::format("clip{}", i));
    record.outputs.labels.push_back(i % 10);
  }
  record.outputs.scores.assign(1000, 0.1F);
  return record;
}

void store_rows(benchmark::State& state) {
  static int number = 0;
  results::Store store =
      results::Store::open(scratch() / fmt::format("store{}.db", number++), results::OpenMode::kReadWriteCreate);
  results::DatasetRecord dataset;
  dataset.source_fingerprint = hash_hex("dataset");
  dataset.name = "bench";
  dataset.config_json = "{}";
  dataset.decoded_fingerprint = hash_hex("decoded");
  dataset.listed_clips = dataset.used_clips = 100;
  store.put_dataset(dataset);
  std::int64_t runs = 0;
  for (auto _ : state) {
    const results::TrainingRecord run = training(runs++);
    store.commit_run(run, {evaluation(run)});
  }
  const results::TrainingRecord last = training(runs - 1);
  verify(store.epoch_values(last.key).size() == last.epochs.size() &&
             store.trainings().size() == static_cast<std::size_t>(runs),
         "the store does not give back what it was given");
  state.SetItemsProcessed(runs * (kEpochs * kTerms + 4));
}

}  // namespace

void register_store() { benchmark::RegisterBenchmark(kStore, store_rows)->Unit(benchmark::kMillisecond); }

}  // namespace cmkd::bench
