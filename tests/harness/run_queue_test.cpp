// What is to do, in which order, and what becomes of a run whose worker goes down, without the processes.
#include "catch.h"
//
#include "../../harness/run_queue.h"
#include "finished.h"

using namespace cmkd;

namespace {

struct Queued {
  explicit Queued(const test::Finished& finished)
      : plan(finished.plan),
        ledger(finished.ledger()),
        queue(finished.trained.suite, finished.options, plan, ledger,
              [this](const std::string& text) { notes.push_back(text); }) {}

  const Plan& plan;
  std::vector<std::string> notes;
  RunLedger ledger;
  RunQueue queue;
};

void forget_run(const test::Finished& finished, const std::string& label) {
  std::filesystem::remove_all(finished.trained.runs.run(finished.planned(label).key));
}

}  // namespace

TEST_CASE("what a killed session left finished is taken into the store, and nothing is left to do") {
  const test::Finished finished;
  Queued queued(finished);
  CHECK(queued.queue.empty());
  CHECK(queued.queue.take() == nullptr);
  CHECK(queued.queue.summary().planned == 2);
  CHECK(queued.queue.summary().already_done == 2);
  CHECK(queued.queue.finished() == 2);
  CHECK(queued.ledger.is_done(finished.planned("kd")));
}

TEST_CASE("a student waits for its teacher's outputs") {
  const test::Finished finished;
  const PlannedTraining& teacher = finished.planned("teacher");
  forget_run(finished, "kd");
  forget_run(finished, "teacher");
  std::filesystem::remove(finished.trained.runs.teacher(teacher.key));
  Queued queued(finished);
  CHECK(queued.queue.size() == 2);
  REQUIRE(queued.queue.take() == &teacher);
  CHECK(queued.queue.take() == nullptr);
  CHECK_FALSE(queued.queue.empty());
  queued.queue.put_back(teacher);
  CHECK(queued.queue.take() == &teacher);
}

TEST_CASE("the students of a failed teacher are failed rows, and none of them is started") {
  const test::Finished finished;
  forget_run(finished, "kd");
  forget_run(finished, "teacher");
  std::filesystem::remove(finished.trained.runs.teacher(finished.planned("teacher").key));
  Queued queued(finished);
  const PlannedTraining* teacher = queued.queue.take();
  REQUIRE(teacher != nullptr);
  queued.queue.fail(*teacher, "the loss is not finite");
  CHECK(queued.queue.take() == nullptr);
  CHECK(queued.queue.empty());
  CHECK(queued.queue.finished() == 2);
  CHECK(queued.ledger.failure(finished.planned("kd")) == "its teacher failed: see the teacher's row");
  REQUIRE(queued.notes.size() == 2);
  CHECK(queued.notes.front() == "teacher seed 0: failed: the loss is not finite");
}

TEST_CASE(
    "a run that is killed from outside is taken up again, first, until it was killed five times without progress") {
  const test::Finished finished;
  forget_run(finished, "kd");
  Queued queued(finished);
  const PlannedTraining& kd = finished.planned("kd");
  REQUIRE(queued.queue.take() == &kd);
  for (int killed = 0; killed < 4; ++killed) {
    CHECK(queued.queue.retry(kd));
    CHECK(queued.queue.take() == &kd);
  }
  queued.queue.progressed(kd);
  for (int killed = 0; killed < 4; ++killed) {
    CHECK(queued.queue.retry(kd));
    CHECK(queued.queue.take() == &kd);
  }
  CHECK_FALSE(queued.queue.retry(kd));
  CHECK(queued.queue.empty());
}

TEST_CASE("a run that another process finishes in between is not to do any more") {
  const test::Finished finished;
  forget_run(finished, "kd");
  Queued queued(finished);
  const PlannedTraining& kd = finished.planned("kd");
  REQUIRE(queued.queue.take() == &kd);
  CHECK(queued.queue.is_to_do(kd));
  std::filesystem::create_directories(finished.trained.runs.run(kd.key));
  save_result(finished.trained.runs.result(kd.key), finished.trained.run_results.at("kd"));
  RunLedger elsewhere = finished.ledger();
  CHECK(elsewhere.commit(kd));
  CHECK_FALSE(queued.queue.is_to_do(kd));
  queued.queue.skipped(kd);
  CHECK(queued.queue.finished() == 2);
}
