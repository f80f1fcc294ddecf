#include "catch.h"

#include "cmkd/core/error.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;

TEST_CASE("a run comes back as it was put") {
  const TemporaryFolder folder;
  const TrainingRecord training = example::training("kd", 0);
  const EvaluationRecord evaluation = example::evaluation(training, 0.5);
  {
    Store store = Store::open(folder / "new/results.db", OpenMode::kReadWriteCreate);
    store.put_dataset(example::dataset());
    store.commit_run(training, {evaluation});
  }
  const Store store = Store::open(folder / "new/results.db", OpenMode::kReadOnly);
  const TrainingRecord found = store.training(training.key).value();
  CHECK(found.config_json == training.config_json);
  CHECK(found.decoded_fingerprint == "decoded1");
  CHECK(found.final_weights_fingerprint == "final-kd0");
  CHECK(found.selection_rule == "last epoch");
  CHECK(found.environment.values == training.environment.values);
  CHECK(found.measured == training.measured);
  REQUIRE(found.epochs.size() == 3);
  CHECK(found.epochs[1].epoch == 1);
  CHECK(found.epochs[1].value == 0.25);
  const ClipOutputs outputs = store.outputs(evaluation.key);
  CHECK(outputs.clip_ids == evaluation.outputs.clip_ids);
  CHECK(outputs.groups == evaluation.outputs.groups);
  CHECK(outputs.labels == evaluation.outputs.labels);
  CHECK(outputs.scores == evaluation.outputs.scores);
}
