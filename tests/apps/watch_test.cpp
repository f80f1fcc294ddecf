// cmkd report --watch and --open, as a user has them: a store that comes while it is watched, and a desktop's browser.
#include "catch.h"
// Catch first.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/results/store.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using test::TemporaryFolder;
namespace fs = std::filesystem;

// A store with one run of each label, which nobody trained.
void add_watched_run(const fs::path& path, const std::string& label) {
  results::Store store = results::Store::open(path, results::OpenMode::kReadWriteCreate);
  store.put_dataset({"source", "made", "{}", "decoded", 2, 2, {}});
  results::TrainingRecord training;
  training.config_json = nlohmann::json{{"label", label}}.dump();
  training.key = hash_hex(training.config_json);
  training.cell_key = "cell";
  training.dataset_fingerprint = "source";
  training.decoded_fingerprint = "decoded";
  training.method = training.label = label;
  training.verified = "none";
  training.direction = "audio->video";
  training.selection_rule = "last epoch";
  results::EvaluationRecord evaluation;
  evaluation.config_json = nlohmann::json{{"of", training.key}}.dump();
  evaluation.key = hash_hex(evaluation.config_json);
  evaluation.training_key = training.key;
  evaluation.task = "action_recognition";
  evaluation.protocol = "strict";
  evaluation.split = "test";
  evaluation.metrics = {{"top1", "test", 0.5, 2}};
  store.commit_run(training, {evaluation});
  results::SuiteLink link;
  link.suite = "watched";
  link.task = evaluation.task;
  link.dataset = "made";
  link.direction = training.direction;
  link.protocol = "strict";
  link.primary_metric = "top1";
  link.method = link.label = label;
  link.training_key = training.key;
  link.evaluation_key = evaluation.key;
  link.rerun_command = link.row_rerun_command = "cmkd run watched.toml --only " + label;
  store.set_suite_links("watched", {link});
}

test::ProcessResult shell(const std::string& script, const fs::path& folder) {
  test::write_text(folder / "script.sh", script);
  return test::run_process({"/bin/sh", "script.sh"}, folder, std::chrono::minutes(2));
}

}  // namespace

TEST_CASE("a report that watches waits for its store, is written again when a run comes in, and ends by a signal") {
  const TemporaryFolder folder;
  add_watched_run(folder / "one.db", "kd");
  add_watched_run(folder / "two.db", "rkd");
  const auto watched = shell(fmt::format(R"(
cmkd='{}'
until_true() {{ n=0; while ! "$@"; do n=$((n+1)); [ $n -lt 300 ] || exit 9; sleep 0.1; done; }}
$cmkd report watched --store results.db --watch --format csv --output board.csv 2> log &
pid=$!
until_true grep -q 'waiting: there is no store yet' log
[ ! -e board.csv ] || exit 8
$cmkd merge results.db one.db || exit 7
until_true grep -q ',kd,' board.csv
cp board.csv first.csv
$cmkd merge results.db two.db || exit 6
until_true grep -q ',rkd,' board.csv
kill -TERM $pid
wait $pid
echo "ended with $?"
)",
                                         CMKD_PROGRAM),
                             folder.path());
  INFO(watched.out << watched.err << (fs::exists(folder / "log") ? read_file(folder / "log") : ""));
  CHECK(watched.status == 0);
  CHECK(watched.out.find("ended with 0") != std::string::npos);
  const std::string log = read_file(folder / "log");
  CHECK(log.find("waiting:") == log.rfind("waiting:"));  // said once
}

TEST_CASE("a report is opened by the desktop's program, which need not end, and its failure names the file") {
  const TemporaryFolder folder;
  add_watched_run(folder / "results.db", "kd");
  const auto open_with = [&](const std::string& program) {
    test::write_text(folder / "bin/xdg-open", "#!/bin/sh\n" + program + "\n");
    fs::permissions(folder / "bin/xdg-open", fs::perms::owner_all);
    return shell(fmt::format("PATH=\"$PWD/bin:$PATH\" '{}' report --store results.db --open", CMKD_PROGRAM),
                 folder.path());
  };
  const std::string page = (folder / "leaderboard.html").string();
  const auto opened = open_with("echo \"$1\" > asked");
  INFO(opened.err);
  CHECK(opened.status == 0);
  CHECK(read_file(folder / "asked") == fs::canonical(page).string() + "\n");
  CHECK(read_file(page).starts_with("<!DOCTYPE html>"));
  const auto start = std::chrono::steady_clock::now();
  CHECK(open_with("exec sleep 20").status == 0);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));
  const auto failed = open_with("exit 3");
  CHECK(failed.status == 1);
  CHECK(failed.err.find("could not show the page") != std::string::npos);
  CHECK(failed.err.find("leaderboard.html") != std::string::npos);
}

TEST_CASE("a folder that is named as the suite is no suite file") {
  const TemporaryFolder folder;
  add_watched_run(folder / "watched/results.db", "kd");
  fs::create_directories(folder / "watched/watched");
  const auto result = test::cmkd({"report", "watched", "--store", "results.db"}, folder / "watched");
  INFO(result.err);
  CHECK(result.status == 0);
}
