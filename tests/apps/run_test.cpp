// The whole way of the data, as a user goes it: run, kill, resume, report.
#include "catch.h"
// Catch first.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/core/file.h"
#include "cmkd/results/store.h"
#include "paths.h"
#include "program.h"
#include "suite_runs.h"

namespace {

using namespace cmkd;
using namespace std::chrono_literals;
using test::TemporaryFolder;
namespace fs = std::filesystem;

// Everything reproducible that a store says of its runs.
std::map<std::string, std::string> contents(const fs::path& database) {
  const results::Store store = results::Store::open(database, results::OpenMode::kReadOnly);
  std::map<std::string, std::string> found;
  for (const results::TrainingRecord& training : store.trainings()) {
    std::string text = training.final_weights_fingerprint + training.batch_order_fingerprint +
                       training.augmentation_fingerprint + training.reason;
    for (const results::EpochValue& value : store.epoch_values(training.key))
      text += value.name + nlohmann::json(value.value).dump();
    for (const results::EvaluationRecord& evaluation : store.evaluations(training.key)) {
      for (const results::MetricValue& metric : evaluation.metrics)
        text += metric.name + metric.split + nlohmann::json(metric.value).dump();
      for (const float score : store.outputs(evaluation.key).scores) text += nlohmann::json(score).dump();
    }
    found[training.label + " " + std::to_string(training.seed)] = text;
  }
  return found;
}

std::string report(const fs::path& folder, const std::string& out, const std::string& format) {
  const auto result = test::cmkd({"report", "small.toml", "--out", out, "--format", format, "--no-cost"}, folder);
  INFO(result.err);
  REQUIRE(result.status == 0);
  return result.out;
}

}  // namespace

TEST_CASE(
    "a run that is killed again and again ends with the bytes of a run that is not, and so does one that loads "
    "otherwise") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  const auto straight = test::cmkd({"run", "small.toml", "--out", "straight"}, folder.path());
  INFO(straight.err);
  REQUIRE(straight.status == 0);
  const auto expected = contents(folder / "straight/results.db");
  CHECK(expected.size() == 10);  // 2 seeds of teacher, student, kd, kd (shuffled-teacher), mnf_csc

  SECTION("killed") {
    int kills = 0;
    for (auto patience = 500ms; kills < 60; patience += 70ms, ++kills) {
      const auto result =
          test::cmkd({"run", "small.toml", "--out", "killed", "--checkpoint-seconds", "0.05"}, folder.path(), patience);
      if (result.status == 0) break;
      REQUIRE(result.status == 128 + 9);
    }
    CHECK(kills > 2);
    CHECK(contents(folder / "killed/results.db") == expected);
    for (const std::string format : {"markdown", "csv", "json", "html"}) {
      CHECK(report(folder.path(), "killed", format) == report(folder.path(), "straight", format));
    }
  }
  SECTION("two jobs, of which each makes batches ahead by three threads from clips that it holds") {
    REQUIRE(test::cmkd({"run", "small.toml", "--out", "two", "--jobs", "2", "--set", "loading.threads=3", "--set",
                        "loading.ahead=6", "--set", "loading.device_cache_mib=512"},
                       folder.path())
                .status == 0);
    CHECK(contents(folder / "two/results.db") == expected);
    CHECK(report(folder.path(), "two", "html") == report(folder.path(), "straight", "html"));
  }
  SECTION("paired: all methods of a seed share weights, order and augmentation, and nothing runs twice") {
    const results::Store store = results::Store::open(folder / "straight/results.db", results::OpenMode::kReadOnly);
    std::map<std::int64_t, std::set<std::string>> fingerprints;
    for (const results::TrainingRecord& training : store.trainings()) {
      if (training.method == "teacher") continue;
      fingerprints[training.seed].insert(training.initial_weights_fingerprint + training.batch_order_fingerprint +
                                         training.augmentation_fingerprint);
    }
    REQUIRE(fingerprints.size() == 2);
    for (const auto& [seed, distinct] : fingerprints) CHECK(distinct.size() == 1);
    const auto again = test::cmkd({"run", "small.toml", "--out", "straight", "--json"}, folder.path());
    CHECK(nlohmann::json::parse(again.out).at("already_done") == 10);
  }
  SECTION("pictures by themselves are written beside a report to a file and beside one to the screen") {
    const auto shown = test::cmkd({"report", "small.toml", "--out", "straight", "--plots", "shown"}, folder.path());
    INFO(shown.err);
    REQUIRE(shown.status == 0);
    CHECK(shown.out.find("](<shown/") != std::string::npos);  // Markdown shows them
    const auto filed = test::cmkd({"report", "small.toml", "--out", "straight", "--plots", "pages/pictures", "--format",
                                   "markdown", "--output", "pages/small.md"},
                                  folder.path());
    INFO(filed.err);
    REQUIRE(filed.status == 0);
    CHECK(read_file(folder / "pages/small.md").find("](<pictures/") != std::string::npos);
    std::size_t pictures = 0;
    for (const auto& entry : fs::directory_iterator(folder / "shown")) {
      ++pictures;
      CHECK(read_file(entry.path()) == read_file(folder / "pages/pictures" / entry.path().filename()));
    }
    CHECK(pictures > 0);
  }
  SECTION("a renamed suite retrains nothing") {
    fs::copy(folder / "small.toml", folder / "other.toml");
    const auto renamed = test::cmkd({"run", "other.toml", "--out", "straight", "--json"}, folder.path());
    CHECK(nlohmann::json::parse(renamed.out).at("already_done") == 10);
  }
}

TEST_CASE("changing every hidden label changes no byte of what is trained") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  REQUIRE(test::cmkd(
              {"datasets", "make", "synthetic", "--out", "data", "--set", "train_clips=120", "--set", "test_clips=40"},
              folder.path())
              .status == 0);
  std::string suite = test::small_suite();
  const auto replace = [&](const std::string& from, const std::string& to) {
    suite.replace(suite.find(from), from.size(), to);
  };
  replace("id = \"synthetic\"\ntrain_clips = 120\ntest_clips = 40",
          "id = \"manifest\"\ncsv = \"data/list.csv\"\nroot = \"data\"");
  test::write_text(folder / "listed.toml", suite);
  // The manifest without the generator's columns of truth.
  std::ifstream manifest(folder / "data/manifest.csv");
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(manifest, line);) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    rows.push_back(cells);
  }
  const auto column = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(rows[0].begin(), rows[0].end(), name) - rows[0].begin());
  };
  const auto write_list = [&] {
    std::string text = "path,label,split,group\n";
    for (std::size_t i = 1; i < rows.size(); ++i) {
      text += rows[i][column("path")] + "," + rows[i][column("label")] + "," + rows[i][column("split")] + "," +
              rows[i][column("group")] + "\n";
    }
    test::write_text(folder / "data/list.csv", text);
  };
  write_list();
  const auto first = test::cmkd(
      {"run", "listed.toml", "--out", "first", "--only", "kd", "--only", "mnf_csc", "--seed", "0"}, folder.path());
  INFO(first.err);
  REQUIRE(first.status == 0);
  const auto described =
      test::cmkd({"plan", "listed.toml", "--out", "first", "--roles", "--seed", "0", "--json"}, folder.path());
  INFO(described.err);
  REQUIRE(described.status == 0);
  std::set<std::string> hidden;
  const auto roles = nlohmann::json::parse(described.out);
  for (const auto& clip : roles.at("hidden")) hidden.insert(clip.get<std::string>());
  REQUIRE(hidden.size() > 20);
  // Every hidden label becomes another one that exists.
  std::set<std::string> classes;
  for (std::size_t i = 1; i < rows.size(); ++i) classes.insert(rows[i][column("label")]);
  std::size_t changed = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (!hidden.contains(rows[i][column("path")])) continue;
    auto next = classes.upper_bound(rows[i][column("label")]);
    rows[i][column("label")] = next == classes.end() ? *classes.begin() : *next;
    ++changed;
  }
  REQUIRE(changed == hidden.size());
  write_list();
  REQUIRE(test::cmkd({"run", "listed.toml", "--out", "second", "--only", "kd", "--only", "mnf_csc", "--seed", "0"},
                     folder.path())
              .status == 0);
  const auto before = contents(folder / "first/results.db");
  const auto after = contents(folder / "second/results.db");
  for (const std::string label : {"kd 0", "mnf_csc 0"}) CHECK(before.at(label) == after.at(label));
}

TEST_CASE("a loss that is not finite ends its run as a row with the reason, and the others go on") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  const auto result = test::cmkd({"run", "small.toml", "--out", "out", "--seed", "0", "--set", "methods.kd.weight=1e9",
                                  "--set", "training.optimizer=sgd", "--set", "training.learning_rate=1.0", "--json"},
                                 folder.path());
  INFO(result.err);
  CHECK(result.status == 6);
  const auto summary = nlohmann::json::parse(result.out);
  CHECK(summary.at("failed").get<int>() >= 1);
  const results::Store store = results::Store::open(folder / "out/results.db", results::OpenMode::kReadOnly);
  for (const results::TrainingRecord& training : store.trainings()) {
    INFO(training.label);
    if (training.method == "kd" && training.control.empty()) {
      CHECK(training.status == results::RunStatus::kFailed);
      CHECK(training.reason.find("loss") != std::string::npos);
    }
    if (training.method == "mnf_csc" || training.method == "student")
      CHECK(training.status == results::RunStatus::kDone);
  }
}

TEST_CASE("numbers that the device does not have are refused before anything runs; clips that are held are said") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "small.toml", test::one_seed());
  const auto refused =
      test::cmkd({"run", "small.toml", "--out", "out", "--set", "training.precision=tf32"}, folder.path());
  CHECK(refused.status == 4);
  CHECK_THAT(refused.err, message_contains("has no TF32") && message_contains("training.precision"));
  CHECK_FALSE(std::filesystem::exists(folder / "out/results.db"));
  const auto held =
      test::cmkd({"run", "small.toml", "--out", "out", "--only", "student", "--set", "loading.device_cache_mib=512"},
                 folder.path());
  INFO(held.err);
  CHECK(held.status == 0);
  CHECK_THAT(held.err, message_contains("the clips are held in the memory of device cpu: "));
}
