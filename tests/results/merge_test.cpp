// Stores of several machines into one.
#include "cmkd/results/merge.h"

#include <fstream>
#include <functional>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"
#include "sqlite.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

struct MadeRun {
  TrainingRecord training;
  EvaluationRecord evaluation;
};

MadeRun made_run(const std::string& method, std::int64_t seed, double top1 = 0.5) {
  const TrainingRecord training = example::training(method, seed);
  return {training, example::evaluation(training, top1)};
}

// The suite wants all of `planned`, of which `done` has run.
void fill(const fs::path& path, const std::vector<MadeRun>& planned, const std::vector<MadeRun>& done) {
  Store store = Store::open(path, OpenMode::kReadWriteCreate);
  store.put_dataset(example::dataset());
  std::vector<SuiteLink> links;
  for (const MadeRun& run : planned) links.push_back(example::link(run.training, run.evaluation, "0001"));
  store.set_suite_links("quick", links);
  for (const MadeRun& run : done) store.commit_run(run.training, {run.evaluation});
}

std::string error_of(const std::function<void()>& call, ErrorKind kind = ErrorKind::kData) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  FAIL("no error");
  return "";
}

// Every row of every table but the internal ones, as text.
std::vector<std::string> all_rows_of(const fs::path& path) {
  Database database(path, Database::Access::kReadOnly, std::chrono::seconds(1));
  Statement tables(database, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
  std::vector<std::string> rows;
  while (tables.step()) {
    const std::string table = tables.text(0);
    Statement columns(database, "SELECT group_concat(quote(name), ', ') FROM pragma_table_info('" + table + "')");
    REQUIRE(columns.step());
    std::string list;
    Statement names(database, "SELECT name FROM pragma_table_info('" + table + "') ORDER BY cid");
    while (names.step()) list += (list.empty() ? "quote(" : " || ', ' || quote(") + names.text(0) + ")";
    Statement content(database, "SELECT " + list + " AS line FROM " + table + " ORDER BY line");
    while (content.step()) rows.push_back(table + ": " + content.text(0));
  }
  return rows;
}

}  // namespace

TEST_CASE("two machines' shards of a suite become one store, which is made, with their files and links") {
  const TemporaryFolder folder;
  MadeRun first = made_run("kd", 1);
  MadeRun second = made_run("kd", 2);
  // Above 1 MB: a file beside the store.
  second.evaluation.outputs.width = 200'000;
  second.evaluation.outputs.scores.assign(400'000, 0.25F);
  fill(folder / "a.db", {first, second}, {first});
  {
    Store b = Store::open(folder / "b.db", OpenMode::kReadWriteCreate);
    b.put_dataset(example::dataset());
    const std::string weights = "some weights";
    second.training.weights_file = b.write_artifact(std::as_bytes(std::span(weights)), "safetensors");
  }
  fill(folder / "b.db", {first, second}, {second});
  const MergeReport report = merge_stores(folder / "all.db", {folder / "a.db", folder / "b.db"});
  CHECK(report.trainings == 2);
  CHECK(report.evaluations == 2);
  CHECK(report.links == 2);
  CHECK(report.artifacts == 2);
  CHECK(report.kept.empty());
  const Store all = Store::open(folder / "all.db", OpenMode::kReadOnly);
  CHECK(all.check().empty());
  CHECK(all.unreferenced_artifacts().empty());
  const std::vector<LeaderboardRow> rows = all.leaderboard_rows("quick");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].state == RowState::kEvaluated);
  CHECK(rows[1].state == RowState::kEvaluated);
  CHECK(rows[0].link.suite_title == "Quick suite");
  CHECK(all.outputs(second.evaluation.key).scores.size() == 400'000);
  CHECK(all.outputs(first.evaluation.key).scores == first.evaluation.outputs.scores);
  const std::optional<TrainingRecord> back = all.training(second.training.key);
  REQUIRE(back);
  CHECK(back->environment.values == second.training.environment.values);
  CHECK(back->epochs.size() == 3);
  CHECK(back->measured == second.training.measured);
  CHECK(read_file(all.artifact_path(back->weights_file)) == "some weights");
  CHECK(all.datasets().size() == 1);
  CHECK(all.exclusions("source1").size() == 2);
}

TEST_CASE("to merge the same again changes no byte of any row") {
  const TemporaryFolder folder;
  fill(folder / "a.db", {made_run("kd", 1)}, {made_run("kd", 1)});
  fill(folder / "b.db", {made_run("rkd", 1)}, {made_run("rkd", 1)});
  {
    Store b = Store::open(folder / "b.db", OpenMode::kReadWriteCreate);
    b.put_recipe({"quick", "[suite]\n", {"training.epochs=2"}, Recipe::Kind::kTuned, {{"rkd", 3}}},
                 {example::training("rkd", 1).key});
  }
  (void)merge_stores(folder / "all.db", {folder / "a.db", folder / "b.db"});
  const std::vector<std::string> before = all_rows_of(folder / "all.db");
  const MergeReport again = merge_stores(folder / "all.db", {folder / "b.db", folder / "a.db"});
  CHECK(again.trainings == 0);
  CHECK(again.evaluations == 0);
  CHECK(again.links == 0);
  CHECK(again.artifacts == 0);
  CHECK(again.known == 2);
  CHECK(again.kept.empty());
  CHECK(all_rows_of(folder / "all.db") == before);
  const Store all = Store::open(folder / "all.db", OpenMode::kReadOnly);
  const std::vector<Recipe> recipes = all.recipes(example::training("rkd", 1).key);
  REQUIRE(recipes.size() == 1);
  CHECK(recipes[0].overrides == std::vector<std::string>{"training.epochs=2"});
  CHECK(recipes[0].kind == Recipe::Kind::kTuned);
  CHECK(recipes[0].winners.at("rkd") == 3);
}

TEST_CASE("the order of the sources leaves no trace but in what was measured") {
  const TemporaryFolder folder;
  fill(folder / "a.db", {made_run("kd", 1)}, {made_run("kd", 1)});
  fill(folder / "b.db", {made_run("rkd", 1)}, {made_run("rkd", 1)});
  (void)merge_stores(folder / "ab.db", {folder / "a.db", folder / "b.db"});
  (void)merge_stores(folder / "ba.db", {folder / "b.db", folder / "a.db"});
  CHECK(all_rows_of(folder / "ab.db") == all_rows_of(folder / "ba.db"));
}

TEST_CASE("other content under the same key is refused with key and field, and nothing of any source has entered") {
  const TemporaryFolder folder;
  fill(folder / "a.db", {made_run("kd", 1)}, {made_run("kd", 1)});
  const MadeRun fine = made_run("rkd", 1);
  fill(folder / "fine.db", {fine}, {fine});
  const std::vector<std::string> before = all_rows_of(folder / "a.db");
  MadeRun other = made_run("kd", 1);
  std::string field;
  SECTION("final weights") {
    other.training.final_weights_fingerprint = "drifted";
    field = "final weights: here 'final-kd1', there 'drifted'";
  }
  SECTION("a metric") {
    other.evaluation.metrics[0].value = 0.75;
    field = "metrics: here '";
  }
  SECTION("a clip's outputs") {
    other.evaluation.outputs.scores[0] = 0.125F;
    field = "per-clip outputs: here '";
  }
  fill(folder / "b.db", {other}, {other});
  const std::string text = error_of([&] {
    (void)merge_stores(folder / "a.db", {folder / "fine.db", folder / "b.db"});
  });
  CHECK(example::contains(text, other.training.key));
  CHECK(example::contains(text, field));
  CHECK(example::contains(text, (folder / "b.db").string()));
  CHECK(all_rows_of(folder / "a.db") == before);
  // Nor is a store left that was to be made.
  (void)error_of([&] { (void)merge_stores(folder / "new.db", {folder / "a.db", folder / "b.db"}); });
  CHECK_FALSE(fs::exists(folder / "new.db"));
}

TEST_CASE("a data set whose clips came out otherwise is refused by name") {
  const TemporaryFolder folder;
  fill(folder / "a.db", {}, {});
  {
    Store b = Store::open(folder / "b.db", OpenMode::kReadWriteCreate);
    DatasetRecord dataset = example::dataset();
    SECTION("another number of listed clips") {
      dataset.listed_clips = 5;
      b.put_dataset(dataset);
    }
    SECTION("another reason for an exclusion") {
      dataset.excluded[1].reason = "silent";
      b.put_dataset(dataset);
    }
  }
  const std::string text = error_of([&] { (void)merge_stores(folder / "a.db", {folder / "b.db"}); });
  CHECK(example::contains(text, "source1"));
  CHECK((example::contains(text, "listed clips: here '4', there '5'") || example::contains(text, "silent)'")));
}

TEST_CASE("measured values may differ: the first stays, and the report says so") {
  const TemporaryFolder folder;
  const MadeRun run = made_run("kd", 1);
  fill(folder / "a.db", {run}, {run});
  MadeRun slower = run;
  slower.training.measured["train_seconds"] = 99;
  slower.training.environment.values["libtorch"] = "2.14.0";
  fill(folder / "b.db", {slower}, {slower});
  const MergeReport report = merge_stores(folder / "a.db", {folder / "b.db"});
  REQUIRE(report.kept.size() == 1);
  CHECK(example::contains(report.kept[0], run.training.key));
  CHECK(example::contains(report.kept[0], "train_seconds was measured as 10 here, 99 there"));
  const Store store = Store::open(folder / "a.db", OpenMode::kReadOnly);
  CHECK(store.training(run.training.key)->measured.at("train_seconds") == 10);
  CHECK(store.training(run.training.key)->environment.values.at("libtorch") == "2.13.0");
}

TEST_CASE("a failed training gives way to a done one, and never the other way") {
  const TemporaryFolder folder;
  const MadeRun run = made_run("kd", 1);
  fill(folder / "done.db", {run}, {run});
  {
    fill(folder / "failed.db", {run}, {});
    Store store = Store::open(folder / "failed.db", OpenMode::kReadWriteCreate);
    store.commit_run(example::failed(run.training), {});
  }
  (void)merge_stores(folder / "all.db", {folder / "failed.db"});
  const MergeReport better = merge_stores(folder / "all.db", {folder / "done.db"});
  CHECK(better.trainings == 1);
  CHECK(better.evaluations == 1);
  const MergeReport worse = merge_stores(folder / "all.db", {folder / "failed.db"});
  CHECK(worse.trainings == 0);
  REQUIRE(worse.kept.size() == 1);
  CHECK(example::contains(worse.kept[0], "done here, failed there"));
  const Store all = Store::open(folder / "all.db", OpenMode::kReadOnly);
  CHECK(all.status(run.training.key) == RunStatus::kDone);
}

TEST_CASE("a suite that was planned from other settings is refused: a row would have two results for one seed") {
  const TemporaryFolder folder;
  const MadeRun run = made_run("kd", 1);
  fill(folder / "a.db", {run}, {run});
  MadeRun longer = run;
  longer.training.config_json = R"({"method":"kd","epochs":9,"seed":1})";
  longer.training.key = hash_hex(longer.training.config_json);
  longer.evaluation = example::evaluation(longer.training, 0.5);
  fill(folder / "b.db", {longer}, {longer});
  const std::string text = error_of([&] { (void)merge_stores(folder / "a.db", {folder / "b.db"}); });
  CHECK(example::contains(text, "suite 'quick', action_recognition on synthetic, kd seed 1"));
  CHECK(example::contains(text, run.training.key));
  CHECK(example::contains(text, longer.training.key));
}

TEST_CASE("a file of a source whose bytes have changed stops the merge, and no copy stays behind") {
  const TemporaryFolder folder;
  MadeRun run = made_run("kd", 1);
  run.evaluation.outputs.width = 200'000;
  run.evaluation.outputs.scores.assign(400'000, 0.25F);
  fill(folder / "b.db", {run}, {run});
  std::string relative;
  {
    Database database(folder / "b.db", Database::Access::kReadOnly, std::chrono::seconds(1));
    relative = database.query_text("SELECT path FROM artifact");
  }
  {
    std::fstream file(folder / "b.db.artifacts" / relative, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file << "damage";
  }
  fill(folder / "a.db", {}, {});
  const std::string text = error_of([&] { (void)merge_stores(folder / "a.db", {folder / "b.db"}); });
  CHECK(example::contains(text, "checksum"));
  const Store a = Store::open(folder / "a.db", OpenMode::kReadOnly);
  CHECK(a.trainings().empty());
  CHECK(a.unreferenced_artifacts().empty());
}

TEST_CASE("a part of a store: only the trainings that are named, and the links to them") {
  const TemporaryFolder folder;
  const MadeRun one = made_run("kd", 1);
  const MadeRun two = made_run("kd", 2);
  fill(folder / "a.db", {one, two}, {one, two});
  (void)merge_stores(folder / "part.db", {folder / "a.db"}, {{two.training.key}});
  const Store part = Store::open(folder / "part.db", OpenMode::kReadOnly);
  REQUIRE(part.trainings().size() == 1);
  CHECK(part.trainings()[0].key == two.training.key);
  CHECK(part.leaderboard_rows("quick").size() == 1);
}

TEST_CASE("a store is no source of itself, and one that is not there is named") {
  const TemporaryFolder folder;
  fill(folder / "a.db", {}, {});
  CHECK(example::contains(error_of([&] { (void)merge_stores(folder / "a.db", {folder / "a.db"}); }, ErrorKind::kUsage),
                          "twice"));
  CHECK(example::contains(
      error_of([&] { (void)merge_stores(folder / "a.db", {folder / "none.db"}); }, ErrorKind::kUsage), "none.db"));
}
