// Runs that are made again by other code: what goes, what stays, and what is shown.
#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;

namespace {

struct CodedRun {
  TrainingRecord training;
  EvaluationRecord evaluation;
};

CodedRun run_by(const std::string& code, const std::string& method, double top1) {
  CodedRun run;
  run.training = example::training(method, 0);
  run.training.shared_code = code;
  run.training.environment.values = {{"libtorch", "2.13.0"}, {"device", "cuda:1"}, {"cpu_level", "AVX2"}};
  run.evaluation = example::evaluation(run.training, top1);
  run.evaluation.shared_code = code;
  return run;
}

Store store_in(const TemporaryFolder& folder) {
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  store.put_dataset(example::dataset());
  return store;
}

}  // namespace

TEST_CASE("a run tells what it was made with: code, LibTorch, kind of device, CPU level") {
  const TemporaryFolder folder;
  Store store = store_in(folder);
  const CodedRun run = run_by("old", "kd", 0.5);
  store.commit_run(run.training, {run.evaluation});
  CHECK(store.origin(run.training.key) == Origin{"old", "2.13.0", "cuda", "AVX2"});
  CHECK(store.evaluation_code(run.evaluation.key) == "old");
  CHECK_FALSE(store.origin("none"));
  CHECK_FALSE(store.evaluation_code("none"));
  store.set_suite_links("quick", {example::link(run.training, run.evaluation, "0001")});
  const LeaderboardRow row = store.leaderboard_rows("quick").at(0);
  CHECK(row.origin == Origin{"old", "2.13.0", "cuda", "AVX2"});
  CHECK(row.evaluation_code == "old");
}

TEST_CASE("the same content made again by other code keeps its row and its other evaluations, and has the new origin") {
  const TemporaryFolder folder;
  Store store = store_in(folder);
  const CodedRun old = run_by("old", "kd", 0.5);
  EvaluationRecord other = old.evaluation;
  other.config_json += " ";
  other.key = "other task";
  store.commit_run(old.training, {old.evaluation, other});
  const CodedRun now = run_by("new", "kd", 0.5);
  CHECK(store.replace_run(now.training, {now.evaluation}));
  CHECK(store.origin(now.training.key)->shared_code == "new");
  CHECK(store.evaluation_code(now.evaluation.key) == "new");
  CHECK(store.evaluation_code("other task") == "old");
  CHECK(store.check().empty());
}

TEST_CASE("other content takes the place of the old: one result for one seed, and none of the old evaluations") {
  const TemporaryFolder folder;
  Store store = store_in(folder);
  const CodedRun old = run_by("old", "kd", 0.5);
  EvaluationRecord other = old.evaluation;
  other.key = "other task";
  store.commit_run(old.training, {old.evaluation, other});
  CodedRun now = run_by("new", "kd", 0.75);
  now.training.final_weights_fingerprint = "others";
  CHECK_THROWS_AS(store.commit_run(now.training, {now.evaluation}), Error);  // never without being asked
  CHECK(store.origin(now.training.key)->shared_code == "old");
  CHECK_FALSE(store.replace_run(now.training, {now.evaluation}));
  CHECK(store.trainings().size() == 1);
  CHECK(store.training(now.training.key)->final_weights_fingerprint == "others");
  CHECK(store.evaluation(now.evaluation.key)->metrics.front().value == 0.75);
  CHECK_FALSE(store.has_evaluation("other task"));
  CHECK(store.check().empty());
}

TEST_CASE("those that learned from a teacher that was replaced are marked as of unknown code") {
  const TemporaryFolder folder;
  Store store = store_in(folder);
  CodedRun teacher = run_by("old", "teacher", 0.9);
  teacher.training.teacher_key = "";
  CodedRun student = run_by("new", "kd", 0.5);
  student.training.teacher_key = teacher.training.key;
  CodedRun stranger = run_by("new", "rkd", 0.5);
  for (const CodedRun& run : {teacher, student, stranger}) store.commit_run(run.training, {run.evaluation});
  SECTION("by another teacher") {
    teacher.training.shared_code = "new";
    teacher.training.final_weights_fingerprint = "others";
    CHECK_FALSE(store.replace_run(teacher.training, {teacher.evaluation}));
    CHECK(store.origin(student.training.key)->shared_code.empty());
    CHECK(store.origin(stranger.training.key)->shared_code == "new");
  }
  SECTION("not by the same") {
    teacher.training.shared_code = "new";
    CHECK(store.replace_run(teacher.training, {teacher.evaluation}));
    CHECK(store.origin(student.training.key)->shared_code == "new");
  }
}

TEST_CASE("trainings that no suite wants any more are history; the teachers of those it wants are not") {
  const TemporaryFolder folder;
  Store store = store_in(folder);
  CodedRun teacher = run_by("code", "teacher", 0.9);
  teacher.training.teacher_key = "";
  CodedRun student = run_by("code", "kd", 0.5);
  student.training.teacher_key = teacher.training.key;
  const CodedRun edited = run_by("code", "kd before it was edited", 0.5);
  for (const CodedRun& run : {teacher, student, edited}) store.commit_run(run.training, {run.evaluation});
  store.set_suite_links("quick", {example::link(student.training, student.evaluation, "0001")});
  CHECK(store.history_size() == 1);
  CHECK(store.leaderboard_rows("quick").size() == 1);
}

TEST_CASE("a validation curve that chose nothing is no part of what must come out the same") {
  const TemporaryFolder folder;
  Store store = store_in(folder);
  CodedRun one = run_by("code", "kd", 0.5);
  store.commit_run(one.training, {one.evaluation});
  CodedRun of_another_task = one;
  of_another_task.training.epochs.back() = {1, "main", "validation", "map", 0.25};
  of_another_task.evaluation.key = "other task";
  store.commit_run(of_another_task.training, {of_another_task.evaluation});
  CHECK(store.has_evaluation("other task"));
  of_another_task.training.selection_rule = "best map on the validation clips";
  CHECK_THROWS_AS(store.commit_run(of_another_task.training, {of_another_task.evaluation}), Error);
}
