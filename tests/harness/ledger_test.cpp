// How finished runs come from a worker's file into the store, without the processes.
#include "catch.h"
//
#include "cmkd/core/error.h"
#include "finished.h"

using namespace cmkd;

TEST_CASE("a worker's result reads back as it was written") {
  const test::Finished finished;
  const RunResult& written = finished.trained.run_results.at("kd");
  const std::filesystem::path file = finished.trained.runs.result(finished.planned("kd").key);
  const RunResult read = load_result(file);
  CHECK(read.training.key == written.training.key);
  CHECK(read.training.config_json == written.training.config_json);
  CHECK(read.training.final_weights_fingerprint == written.training.final_weights_fingerprint);
  CHECK(read.training.shared_code == written.training.shared_code);
  CHECK(read.training.environment.values == written.training.environment.values);
  CHECK(read.training.measured == written.training.measured);
  CHECK(read.training.epochs.size() == written.training.epochs.size());
  REQUIRE(read.evaluations.size() == written.evaluations.size());
  CHECK(read.evaluations.front().metrics.size() == written.evaluations.front().metrics.size());
  CHECK(read.evaluations.front().outputs.clip_ids == written.evaluations.front().outputs.clip_ids);
  CHECK(read.evaluations.front().outputs.scores == written.evaluations.front().outputs.scores);
  std::string bytes = read_file(file);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 4);
  write_file_atomically(file, bytes);
  CHECK_THROWS_AS(load_result(file), Error);
}

TEST_CASE("a finished run is in the store once, its weights as a file beside it, and its folder is gone") {
  const test::Finished finished;
  const PlannedTraining& kd = finished.planned("kd");
  RunLedger ledger = finished.ledger();
  CHECK(ledger.is_finished(kd));
  CHECK_FALSE(ledger.is_done(kd));
  CHECK(ledger.commit(finished.planned("teacher")));
  CHECK(ledger.commit(kd));
  CHECK(ledger.is_done(kd));
  CHECK_FALSE(ledger.is_finished(kd));
  CHECK(ledger.status(kd) == results::RunStatus::kDone);
  CHECK(ledger.failure(kd).empty());
  CHECK_FALSE(ledger.is_changed(kd));
  CHECK_FALSE(std::filesystem::exists(finished.trained.runs.run(kd.key)));
  CHECK(read_safetensors(ledger.kept_weights(kd)).tensors.begin()->first.starts_with("student."));
  // Another process may have committed it first: then there is nothing left to do.
  CHECK(ledger.commit(kd));
  CHECK(finished.ledger().is_done(kd));
}

TEST_CASE("a failure is a row with its reason, and is left alone unless it is to be run again") {
  test::Finished finished;
  const PlannedTraining& teacher = finished.planned("teacher");
  const PlannedTraining& kd = finished.planned("kd");
  {
    RunLedger ledger = finished.ledger();
    CHECK(ledger.fail(teacher, "the loss is not finite"));
    CHECK(ledger.is_done(teacher));
    CHECK(ledger.teacher_failed(kd));
    CHECK_FALSE(ledger.teacher_failed(teacher));
    CHECK(ledger.failure(teacher) == "the loss is not finite");
    CHECK(ledger.kept_weights(teacher).empty());
    PlannedTraining other = teacher;
    other.key = "another key";
    CHECK_FALSE(ledger.has_teacher_outputs(other));
    CHECK(ledger.has_teacher_outputs(teacher));
    other = teacher;  // judged in another way, too: what that judge has of it is not there
    other.evaluations.push_back({"a key", "{}", "another judge"});
    CHECK_FALSE(ledger.has_teacher_outputs(other));
  }
  finished.options.retry_failed = true;
  CHECK_FALSE(finished.ledger().is_done(teacher));
}

TEST_CASE("a failure does not take the place of a result that was to be replaced") {
  const test::Finished finished;
  const PlannedTraining& kd = finished.planned("kd");
  RunLedger ledger = finished.ledger();
  ledger.commit(finished.planned("teacher"));
  ledger.commit(kd);
  CHECK_FALSE(ledger.fail(kd, "killed"));
  CHECK(ledger.status(kd) == results::RunStatus::kDone);
}

TEST_CASE("a result that replaces another says whether it is the same") {
  const test::Finished finished;
  const PlannedTraining& kd = finished.planned("kd");
  RunLedger ledger = finished.ledger();
  ledger.commit(finished.planned("teacher"));
  ledger.commit(kd);
  for (const bool same : {true, false}) {
    RunResult again = finished.trained.run_results.at("kd");
    again.replaces = true;
    if (!same) again.training.final_weights_fingerprint = "others";
    std::filesystem::create_directories(finished.trained.runs.run(kd.key));
    save_result(finished.trained.runs.result(kd.key), again);
    CHECK(ledger.commit(kd) == same);
  }
}
