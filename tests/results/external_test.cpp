// Rows made elsewhere, and what makes a training again.
#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;

namespace {

struct External {
  TrainingRecord training;
  EvaluationRecord evaluation;
  SuiteLink link;
};

External external(const std::string& name, std::int64_t seed, double top1) {
  External made;
  made.training = example::training(name, seed);
  made.training.config_json = R"({"external":")" + name + std::to_string(top1) + "\"}";
  made.training.key = hash_hex(made.training.config_json);
  for (std::string TrainingRecord::*text :
       {&TrainingRecord::initial_weights_fingerprint, &TrainingRecord::batch_order_fingerprint,
        &TrainingRecord::augmentation_fingerprint, &TrainingRecord::final_weights_fingerprint}) {
    made.training.*text = "";
  }
  made.evaluation = example::evaluation(made.training, top1);
  made.link = example::link(made.training, made.evaluation, "9999");
  made.link.role = RowRole::kExternal;
  return made;
}

}  // namespace

TEST_CASE("an external row outlives the next plan of its suite, and a new import takes its place") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  store.put_dataset(example::dataset());
  const TrainingRecord own = example::training("kd", 1);
  const std::vector<SuiteLink> plan{example::link(own, example::evaluation(own, 0.5), "0001")};
  store.set_suite_links("quick", plan);
  const External first = external("theirs", 1, 0.25);
  CHECK_FALSE(store.put_external(first.training, first.evaluation, first.link));
  store.set_suite_links("quick", plan);
  REQUIRE(store.leaderboard_rows("quick").size() == 2);
  CHECK_FALSE(store.put_external(first.training, first.evaluation, first.link));
  const External better = external("theirs", 1, 0.75);
  CHECK(store.put_external(better.training, better.evaluation, better.link));
  const External other_seed = external("theirs", 2, 0.5);
  CHECK_FALSE(store.put_external(other_seed.training, other_seed.evaluation, other_seed.link));
  const std::vector<LeaderboardRow> rows = store.leaderboard_rows("quick");
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].link.role == RowRole::kExternal);
  CHECK(rows[1].link.training_key == better.training.key);
  CHECK(rows[1].metrics[0].value == 0.75);
  CHECK(rows[2].link.seed == 2);
  // What it took the place of is still there, in no report.
  CHECK(store.has_training(first.training.key));
  CHECK(store.history_size() == 1);
  store.set_suite_links("quick", {});
  CHECK(store.leaderboard_rows("quick").empty());
}

TEST_CASE("a row with fingerprints, or of another role, is none of these") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  store.put_dataset(example::dataset());
  External made = external("theirs", 1, 0.25);
  made.link.role = RowRole::kMethod;
  CHECK_THROWS_AS(store.put_external(made.training, made.evaluation, made.link), Error);
  made = external("theirs", 1, 0.25);
  made.training.initial_weights_fingerprint = "initial";
  CHECK_THROWS_AS(store.put_external(made.training, made.evaluation, made.link), Error);
  CHECK(store.trainings().empty());
}

TEST_CASE("a recipe comes back whole, is stored once, and may come before its trainings") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  const Recipe recipe{"quick", "[suite]\ntitle = \"ä\"\n", {"a.b=1", "c=\"x\""}, Recipe::Kind::kTuning, {}};
  Recipe later = recipe;
  later.overrides = {};
  store.put_recipe(recipe, {"k1", "k2"});
  store.put_recipe(recipe, {"k1"});
  store.put_recipe(later, {"k2"});
  REQUIRE(store.recipes("k1").size() == 1);
  CHECK(store.recipes("k1")[0] == recipe);
  CHECK(store.recipes("k2").size() == 2);
  CHECK(store.recipes("k3").empty());
  CHECK(store.check().empty());
}
