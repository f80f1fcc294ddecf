// The views of schema.sql, asked as a person with sqlite3 would.
#include <algorithm>
#include <cmath>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"
#include "sqlite.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;

namespace {

Database sqlite(const std::filesystem::path& path) {
  return {path, Database::Access::kReadOnly, std::chrono::seconds(1)};
}

// Every row of a query, columns joined by '|'.
std::vector<std::string> rows_of(Database& database, const std::string& sql) {
  Statement statement(database, sql);
  std::vector<std::string> rows;
  while (statement.step()) {
    std::string row;
    for (int column = 0; column < sqlite3_column_count(statement.handle()); ++column)
      row += statement.text(column) + "|";
    rows.push_back(row);
  }
  return rows;
}

// Two methods with three seeds, a failure, links; in this order or in the reverse.
void fill(Store& store, bool reversed) {
  struct Run {
    TrainingRecord training;
    std::vector<EvaluationRecord> evaluations;
  };
  std::vector<Run> runs;
  std::vector<SuiteLink> links;
  const double top1[2][3] = {{0.5, 0.75, 1.0}, {0.1, 0.2, 0.4}};
  for (int method = 0; method < 2; ++method) {
    for (int seed = 0; seed < 3; ++seed) {
      const TrainingRecord training = example::training(method == 0 ? "rkd" : "kd", seed);
      const EvaluationRecord evaluation = example::evaluation(training, top1[method][seed]);
      links.push_back(example::link(training, evaluation, method == 0 ? "0001" : "0002"));
      runs.push_back({training, {evaluation}});
    }
  }
  const TrainingRecord failed = example::failed(example::training("kd", 3));
  links.push_back(example::link(failed, example::evaluation(failed, 0), "0002"));
  runs.push_back({failed, {}});
  if (reversed) std::reverse(runs.begin(), runs.end());
  if (reversed) std::reverse(links.begin(), links.end());
  store.put_dataset(example::dataset());
  if (reversed) store.set_suite_links("quick", links);
  for (const Run& run : runs) store.commit_run(run.training, run.evaluations);
  if (!reversed) store.set_suite_links("quick", links);
}

}  // namespace

TEST_CASE("the leaderboard view gives n, mean and the standard deviation over n - 1") {
  const TemporaryFolder folder;
  {
    Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
    fill(store, false);
  }
  Database database = sqlite(folder / "results.db");
  Statement row(database,
                "SELECT method, seeds, mean, std, direction, protocol, split FROM leaderboard "
                "WHERE suite = 'quick' AND metric = primary_metric");
  // The suite file's order, not the alphabet's: rkd is the first method.
  REQUIRE(row.step());
  CHECK(row.text(0) == "rkd");
  CHECK(row.integer(1) == 3);
  CHECK(row.real(2) == 0.75);  // (0.5 + 0.75 + 1) / 3
  CHECK(row.real(3) == 0.25);  // sqrt((0.0625 + 0 + 0.0625) / 2)
  CHECK(row.text(4) == "audio->video");
  CHECK(row.text(5) == "strict");
  CHECK(row.text(6) == "test");
  REQUIRE(row.step());
  CHECK(row.text(0) == "kd");
  CHECK(row.integer(1) == 3);  // the failed fourth is no number
  // 0.7 / 3; deviations -2/15, -1/30, 1/6 squared: (16 + 1 + 25) / 900 = 7/150; over 2: 7/300.
  CHECK(row.real(2) == Approx(0.7 / 3).epsilon(1e-14));
  CHECK(row.real(3) == Approx(std::sqrt(7.0 / 300.0)).epsilon(1e-14));
  CHECK_FALSE(row.step());
  // Every top5 is 1: the spread is exactly 0.
  CHECK(rows_of(database, "SELECT DISTINCT seeds, mean, std FROM leaderboard WHERE metric = 'top5'") ==
        std::vector<std::string>{"3|1.0|0.0|"});
}

TEST_CASE("one seed has no standard deviation, and small and large spreads have exact ones") {
  const TemporaryFolder folder;
  const std::pair<double, double> pairs[] = {{0.5, 0.5 + 1e-9}, {0.0, 1e6}, {0.0, 1e-12}};
  for (std::size_t i = 0; i < std::size(pairs); ++i) {
    const std::string name = std::to_string(i) + ".db";
    Store store = Store::open(folder / name, OpenMode::kReadWriteCreate);
    store.put_dataset(example::dataset());
    const TrainingRecord a = example::training("kd", 0);
    const TrainingRecord b = example::training("kd", 1);
    const EvaluationRecord at_a = example::evaluation(a, pairs[i].first);
    const EvaluationRecord at_b = example::evaluation(b, pairs[i].second);
    store.commit_run(a, {at_a});
    store.commit_run(b, {at_b});
    store.set_suite_links("quick", {example::link(a, at_a, "1")});
    Database database = sqlite(folder / name);
    CHECK(rows_of(database, "SELECT seeds, std IS NULL FROM leaderboard WHERE metric = 'top1'") ==
          std::vector<std::string>{"1|1|"});
    store.set_suite_links("quick", {example::link(a, at_a, "1"), example::link(b, at_b, "1")});
    Statement row(database, "SELECT std FROM leaderboard WHERE metric = 'top1'");
    REQUIRE(row.step());
    // Two values: half their distance times sqrt(2).
    const double expected = (pairs[i].second - pairs[i].first) / std::sqrt(2.0);
    CHECK(row.real(0) == Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("the views of runs, failures and exclusions list what is there") {
  const TemporaryFolder folder;
  {
    Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
    fill(store, false);
  }
  Database database = sqlite(folder / "results.db");
  CHECK(rows_of(database, "SELECT method, seed, status, evaluations FROM runs") ==
        std::vector<std::string>{"kd|0|done|1|", "kd|1|done|1|", "kd|2|done|1|", "kd|3|failed|0|", "rkd|0|done|1|",
                                 "rkd|1|done|1|", "rkd|2|done|1|"});
  CHECK(rows_of(database, "SELECT method, seed, reason, suite, rerun_command FROM failures") ==
        std::vector<std::string>{"kd|3|loss is not finite at epoch 0, step 3 (term 'kd')|quick|"
                                 "cmkd run suites/quick.toml --only kd --seed 3|"});
  CHECK(rows_of(database, "SELECT dataset, split, clip_id, reason FROM exclusions") ==
        std::vector<std::string>{"synthetic|test|c3|no_audio_stream: none of 1 streams is audio|",
                                 "synthetic|train|c4|truncated: 3 of 16 frames|"});
}

TEST_CASE("two stores filled in another order answer alike to the last bit") {
  const TemporaryFolder folder;
  Store forward = Store::open(folder / "a.db", OpenMode::kReadWriteCreate);
  Store backward = Store::open(folder / "b.db", OpenMode::kReadWriteCreate);
  fill(forward, false);
  fill(backward, true);
  Database a = sqlite(folder / "a.db");
  Database b = sqlite(folder / "b.db");
  for (const char* sql : {"SELECT *, printf('%!.17g %!.17g', mean, std) FROM leaderboard", "SELECT * FROM runs",
                          "SELECT * FROM failures", "SELECT * FROM exclusions", "SELECT * FROM training ORDER BY key",
                          "SELECT * FROM evaluation ORDER BY key", "SELECT * FROM epoch_value", "SELECT * FROM metric",
                          "SELECT * FROM suite_link", "SELECT * FROM environment_value"}) {
    const std::vector<std::string> rows = rows_of(a, sql);
    CHECK_FALSE(rows.empty());
    CHECK(rows == rows_of(b, sql));
  }
  const std::vector<LeaderboardRow> left = forward.leaderboard_rows("quick");
  const std::vector<LeaderboardRow> right = backward.leaderboard_rows("quick");
  REQUIRE(left.size() == 7);
  REQUIRE(right.size() == 7);
  for (std::size_t i = 0; i < left.size(); ++i) CHECK(left[i].training.key == right[i].training.key);
}
