// Tuning as a user goes it: tune, kill, resume, run with the winners, report.
#include "catch.h"
// Catch first.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/results/store.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using namespace std::chrono_literals;
using nlohmann::json;
using test::TemporaryFolder;

const std::vector<std::string> kBudget{"--trials", "2", "--set", "tune.validation_clips=30"};

std::vector<std::string> tune(const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> command{"tune", "small.toml", "--out", out, "--json"};
  command.insert(command.end(), kBudget.begin(), kBudget.end());
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

// Final weights of every training, by label and seed.
std::map<std::string, std::string> weights(const std::filesystem::path& database) {
  const results::Store store = results::Store::open(database, results::OpenMode::kReadOnly);
  std::map<std::string, std::string> found;
  for (const results::TrainingRecord& training : store.trainings()) {
    found[training.label + " " + std::to_string(training.seed)] = training.final_weights_fingerprint;
  }
  return found;
}

}  // namespace

TEST_CASE("tuning judges by validation clips alone, resumes after kills, and its winners are what --tuned trains") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  const auto early = test::cmkd({"run", "small.toml", "--out", "a", "--tuned"}, folder.path());
  CHECK(early.status == 4);
  CHECK(early.err.find("cmkd tune") != std::string::npos);

  const auto straight = test::cmkd(tune("a"), folder.path());
  INFO(straight.err);
  REQUIRE(straight.status == 0);
  const json summary = json::parse(straight.out);
  CHECK(summary.at("methods").size() == 3);  // student, kd, mnf_csc
  for (const json& method : summary.at("methods")) CHECK(method.at("validation").size() == 2);
  {
    const results::Store store = results::Store::open(folder / "a/results.db", results::OpenMode::kReadOnly);
    for (const results::TrainingRecord& training : store.trainings()) {
      for (const results::EvaluationRecord& evaluation : store.evaluations(training.key)) {
        CHECK(evaluation.split == "validation");
        for (const results::MetricValue& metric : evaluation.metrics) CHECK(metric.split != "test");
      }
    }
  }

  int kills = 0;
  for (auto patience = 500ms; kills < 60; patience += 70ms, ++kills) {
    const auto result = test::cmkd(tune("b", {"--checkpoint-seconds", "0.05"}), folder.path(), patience);
    if (result.status == 0) {
      CHECK(json::parse(result.out) == summary);
      break;
    }
    REQUIRE(result.status == 128 + 9);
  }
  CHECK(kills > 1);
  CHECK(weights(folder / "b/results.db") == weights(folder / "a/results.db"));

  // The number of trials is known from the store; --only leaves the other rows tuned.
  const std::vector<std::string> tuned{"run", "small.toml", "--out", "a", "--tuned"};
  const auto first = test::cmkd(tuned, folder.path());
  INFO(first.err);
  REQUIRE(first.status == 0);
  const auto report = [&] {
    return test::cmkd({"report", "small.toml", "--out", "a", "--tuned", "--no-cost"}, folder.path()).out;
  };
  const std::string before = report();
  CHECK(before.find("## Tuning") != std::string::npos);
  CHECK(before.find("of 2 |") != std::string::npos);
  std::vector<std::string> one = tuned;
  one.insert(one.end(), {"--only", "kd"});
  REQUIRE(test::cmkd(one, folder.path()).status == 0);
  CHECK(report() == before);
  // The suite's own leaderboard is another suite in the store.
  CHECK(test::cmkd({"report", "small.toml", "--out", "a"}, folder.path()).status == 5);
}

TEST_CASE("a suite without validation clips is not tuned, and the error says what gives them") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  const auto result =
      test::cmkd({"tune", "small.toml", "--out", "a", "--set", "labels.validation_clips=0"}, folder.path());
  CHECK(result.status == 4);
  CHECK(result.err.find("tune.validation_clips") != std::string::npos);
}
