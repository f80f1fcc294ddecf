// What goes in comes out; what contradicts is refused; the order of filling leaves no trace.
#include "cmkd/results/store.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "example.h"
#include "paths.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;

namespace {

Store new_store(const TemporaryFolder& folder, const std::string& name = "results.db") {
  Store store = Store::open(folder / name, OpenMode::kReadWriteCreate);
  store.put_dataset(example::dataset());
  return store;
}

template <typename Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("no error was thrown");
}

}  // namespace

TEST_CASE("a run comes back as it was put") {
  const TemporaryFolder folder;
  const TrainingRecord training = example::training("kd", 0);
  const EvaluationRecord evaluation = example::evaluation(training, 0.5);
  new_store(folder, "new/results.db").commit_run(training, {evaluation});

  const Store store = Store::open(folder / "new/results.db", OpenMode::kReadOnly);
  const TrainingRecord found = store.training(training.key).value();
  CHECK(found.config_json == training.config_json);
  CHECK(found.cell_key == "cell0");
  CHECK(found.decoded_fingerprint == "decoded1");
  CHECK(found.teacher_key == "teacher0");
  CHECK(found.initial_weights_fingerprint == "initial0");
  CHECK(found.final_weights_fingerprint == "final-kd0");
  CHECK(found.selection_rule == "last epoch");
  CHECK(found.environment.values == training.environment.values);
  CHECK(found.measured == training.measured);
  REQUIRE(found.epochs.size() == 3);
  CHECK(found.epochs[1].epoch == 1);
  CHECK(found.epochs[1].value == 0.25);
  const EvaluationRecord back = store.evaluation(evaluation.key).value();
  CHECK(back.config_json == evaluation.config_json);
  CHECK(back.protocol == "strict");
  REQUIRE(back.metrics.size() == 2);
  CHECK(back.metrics[0].name == "top1");
  CHECK(back.metrics[0].value == 0.5);
  CHECK(back.metrics[0].clips == 2);
  CHECK(back.measured == evaluation.measured);
  const ClipOutputs outputs = store.outputs(evaluation.key);
  CHECK(outputs.clip_ids == evaluation.outputs.clip_ids);
  CHECK(outputs.groups == evaluation.outputs.groups);
  CHECK(outputs.labels == evaluation.outputs.labels);
  CHECK(outputs.scores == evaluation.outputs.scores);
  CHECK(store.check().empty());
}

TEST_CASE("values that are not finite survive: an infinite loss, and NaN as NaN") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  TrainingRecord training = example::failed(example::training("kd", 0));
  training.epochs = {{0, "main", "term", "a", std::numeric_limits<double>::infinity()},
                     {0, "main", "term", "b", std::nan("")}};
  store.commit_run(training, {});
  const std::vector<EpochValue> values = store.epoch_values(training.key);
  REQUIRE(values.size() == 2);
  CHECK(std::isinf(values[0].value));
  CHECK(std::isnan(values[1].value));
  CHECK_NOTHROW(store.commit_run(training, {}));
}

TEST_CASE("the same run again changes nothing, whatever was measured") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  TrainingRecord training = example::training("kd", 0);
  store.commit_run(training, {example::evaluation(training, 0.5)});
  training.measured["train_seconds"] = 99;
  training.environment.values["git_revision"] = "later";
  std::swap(training.epochs[0], training.epochs[2]);
  store.commit_run(training, {example::evaluation(training, 0.5)});
  CHECK(store.training(training.key)->measured.at("train_seconds") == 9.0);
  CHECK(store.environment(training.key).values.size() == 2);
  CHECK(store.trainings().size() == 1);
}

TEST_CASE("a done run with another outcome is refused and both fingerprints are named") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  const TrainingRecord training = example::training("kd", 0);
  const EvaluationRecord evaluation = example::evaluation(training, 0.5);
  store.commit_run(training, {evaluation});

  TrainingRecord other = training;
  other.final_weights_fingerprint = "final-other";
  const Error error = error_of([&] { store.commit_run(other, {}); });
  CHECK(error.kind() == ErrorKind::kData);
  CHECK(example::contains(error.parts().what, "final weights: stored 'final-kd0', now 'final-other'"));
  CHECK(example::contains(error.parts().what, "determinism is broken"));

  CHECK(error_of([&] { store.commit_run(example::failed(training), {}); }).kind() == ErrorKind::kData);
  const Error metric = error_of([&] { store.put_evaluations(training.key, {example::evaluation(training, 0.75)}); });
  CHECK(example::contains(metric.parts().what, "metrics: stored '"));
  CHECK(store.training(training.key)->final_weights_fingerprint == "final-kd0");
  CHECK(store.evaluation(evaluation.key)->metrics[0].value == 0.5);
}

TEST_CASE("a failed run is a row with its reason, and a later success replaces it") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  const TrainingRecord training = example::training("kd", 0);
  CHECK_FALSE(store.has_training(training.key));
  store.commit_run(example::failed(training), {});
  CHECK(store.status(training.key) == RunStatus::kFailed);
  CHECK(store.training(training.key)->reason == "loss is not finite at epoch 0, step 3 (term 'kd')");
  CHECK(error_of([&] { store.put_evaluations(training.key, {example::evaluation(training, 0.5)}); }).kind() ==
        ErrorKind::kInternal);
  store.commit_run(training, {example::evaluation(training, 0.5)});
  CHECK(store.status(training.key) == RunStatus::kDone);
  CHECK(store.training(training.key)->reason.empty());
  CHECK(store.evaluations(training.key).size() == 1);
}

TEST_CASE("a run whose evaluation contradicts itself leaves nothing behind") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  const TrainingRecord training = example::training("kd", 0);
  EvaluationRecord evaluation = example::evaluation(training, 0.5);
  evaluation.metrics.push_back(evaluation.metrics.front());  // the same metric twice: refused by the last statements
  CHECK(error_of([&] { store.commit_run(training, {evaluation}); }).kind() == ErrorKind::kInternal);
  CHECK_FALSE(store.has_training(training.key));
  evaluation = example::evaluation(training, 0.5);
  evaluation.outputs.labels.pop_back();
  CHECK(error_of([&] { store.commit_run(training, {evaluation}); }).kind() == ErrorKind::kInternal);
  TrainingRecord homeless = training;
  homeless.dataset_fingerprint = "unknown";
  CHECK(error_of([&] { store.commit_run(homeless, {}); }).kind() == ErrorKind::kInternal);
  CHECK(store.trainings().empty());
}

TEST_CASE("an evaluation can be added to a training that is in the store") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  const TrainingRecord training = example::training("kd", 0);
  store.commit_run(training, {});
  store.put_evaluations(training.key, {example::evaluation(training, 0.5)});
  CHECK(store.has_evaluation(example::evaluation(training, 0.5).key));
}

TEST_CASE("large outputs are content-addressed files whose checksum is verified") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  const TrainingRecord training = example::training("kd", 0);
  EvaluationRecord evaluation = example::evaluation(training, 0.5);
  constexpr std::int64_t kClasses = 150'000;  // 2 clips * 150 000 scores * 4 bytes = 1.2 MB
  evaluation.outputs.width = kClasses;
  evaluation.outputs.scores.assign(2 * kClasses, 0.125F);
  store.commit_run(training, {evaluation});
  CHECK(store.outputs(evaluation.key).scores == evaluation.outputs.scores);
  CHECK(store.unreferenced_artifacts().empty());
  CHECK(store.check().empty());

  std::filesystem::path file;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store.artifact_folder())) {
    if (entry.is_regular_file()) file = entry.path();
  }
  REQUIRE_FALSE(file.empty());
  CHECK(file.filename().string().substr(0, 2) == file.parent_path().filename().string());
  CHECK(file.extension() == ".bin");
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(500'000).put('x');
  CHECK(error_of([&] { (void)store.outputs(evaluation.key); }).kind() == ErrorKind::kData);
  CHECK(store.check().size() == 1);
  std::filesystem::remove(file);
  CHECK(error_of([&] { (void)store.outputs(evaluation.key); }).kind() == ErrorKind::kData);
}

TEST_CASE("weights are an artifact that the commit registers") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  TrainingRecord training = example::training("kd", 0);
  training.weights_file = "aa/missing.safetensors";
  CHECK(error_of([&] { store.commit_run(training, {}); }).kind() == ErrorKind::kData);
  const std::string weights = "weights";
  training.weights_file = store.write_artifact(std::as_bytes(std::span(weights)), "safetensors");
  CHECK(store.unreferenced_artifacts() == std::vector<std::string>{training.weights_file});
  store.commit_run(training, {});
  CHECK(store.unreferenced_artifacts().empty());
  CHECK(read_file(store.artifact_path(store.training(training.key)->weights_file)) == "weights");
}

TEST_CASE("two decodings of one source are kept side by side, each with its exclusions") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  store.put_dataset(example::dataset());  // the same again
  DatasetRecord other = example::dataset();
  other.decoded_fingerprint = "decoded2";
  other.used_clips = 3;
  other.excluded.pop_back();
  store.put_dataset(other);
  CHECK(store.datasets().size() == 2);
  CHECK(store.datasets()[1].excluded.size() == 1);
  CHECK(store.exclusions("source1").size() == 2);
  other.used_clips = 4;
  CHECK(error_of([&] { store.put_dataset(other); }).kind() == ErrorKind::kData);
}

TEST_CASE("an id is a prefix of a key, and an ambiguous one names its candidates") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  TrainingRecord a = example::training("kd", 0);
  TrainingRecord b = example::training("rkd", 0);
  a.key = "abc100";
  b.key = "abc200";
  EvaluationRecord evaluation = example::evaluation(a, 0.5);
  evaluation.key = "def300";
  store.commit_run(a, {evaluation});
  store.commit_run(b, {});
  CHECK(store.find_by_prefix("abc1").key == "abc100");
  CHECK(store.find_by_prefix("abc200").key == "abc200");
  CHECK(store.find_by_prefix("d").kind == FoundKey::Kind::kEvaluation);
  const Error ambiguous = error_of([&] { (void)store.find_by_prefix("abc"); });
  CHECK(ambiguous.kind() == ErrorKind::kUsage);
  CHECK(ambiguous.parts().allowed == "abc100 (training kd), abc200 (training rkd)");
  CHECK(error_of([&] { (void)store.find_by_prefix("x"); }).kind() == ErrorKind::kUsage);
  CHECK(error_of([&] { (void)store.find_by_prefix(""); }).kind() == ErrorKind::kUsage);
  CHECK(error_of([&] { (void)store.find_by_prefix("%"); }).kind() == ErrorKind::kUsage);
}

TEST_CASE("a suite links to runs that are there, failed, and not run yet") {
  const TemporaryFolder folder;
  Store store = new_store(folder);
  const TrainingRecord done = example::training("kd", 0);
  const TrainingRecord trained = example::training("kd", 1);
  const TrainingRecord failed = example::failed(example::training("kd", 2));
  const TrainingRecord missing = example::training("kd", 3);
  std::vector<SuiteLink> links;
  for (const TrainingRecord* training : {&done, &trained, &failed, &missing}) {
    links.push_back(example::link(*training, example::evaluation(*training, 0.5), "0001"));
  }
  store.set_suite_links("quick", links);
  store.commit_run(done, {example::evaluation(done, 0.5)});
  store.commit_run(trained, {});
  store.commit_run(failed, {});

  std::map<std::string, RowState> states;
  for (const LeaderboardRow& row : store.leaderboard_rows("quick")) {
    states[row.training.key] = row.state;
    CHECK(row.link.suite_title == "Quick suite");
    CHECK(row.metrics.size() == (row.state == RowState::kEvaluated ? 2 : 0));
    CHECK(row.link.protocol == "strict");
  }
  CHECK(states == std::map<std::string, RowState>{{done.key, RowState::kEvaluated},
                                                  {trained.key, RowState::kTrained},
                                                  {failed.key, RowState::kFailed},
                                                  {missing.key, RowState::kNotRun}});
  const std::vector<SuiteSummary> suites = store.suites();
  REQUIRE(suites.size() == 1);
  CHECK(suites[0].trainings == 4);
  CHECK(suites[0].done == 2);
  CHECK(suites[0].failed == 1);
  TrainingFilter filter;
  filter.suite = "quick";
  filter.status = RunStatus::kDone;
  CHECK(store.trainings(filter).size() == 2);
  filter.method = "rkd";
  CHECK(store.trainings(filter).empty());

  CHECK(error_of([&] { store.set_suite_links("other", links); }).kind() == ErrorKind::kInternal);
  store.set_suite_links("quick", {links[0]});
  CHECK(store.leaderboard_rows("quick").size() == 1);
  store.set_suite_links("quick", {});
  CHECK(store.suites().empty());
  CHECK(store.trainings().size() == 3);  // suites own no results
}
