// What a suite's link carries: each fact comes back, and two of them never fall together.
#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"
#include "sqlite.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

SuiteLink link_with_all_facts() {
  SuiteLink link;
  link.suite = "a suite";
  link.suite_title = "a title";
  link.suite_file = "a file";
  link.task = "a task";
  link.dataset = "a data set";
  link.direction = "video->audio";
  link.protocol = "paper";
  link.primary_metric = "map";
  link.method_order = "0007";
  link.method = "a method";
  link.control = "a control";
  link.label = "a label";
  link.role = RowRole::kControl;
  link.student_model = "a student";
  link.seed = -3;
  link.trial = 0;
  link.fold = "2";
  link.swept_setting = "a setting";
  link.swept_value = "a value";
  link.level = 0.5;
  link.training_key = "a training";
  link.evaluation_key = "an evaluation";
  link.rerun_command = "a command";
  link.row_rerun_command = "another command";
  return link;
}

SuiteLink stored(Store& store, const SuiteLink& link) {
  store.set_suite_links(link.suite, {link});
  return store.leaderboard_rows(link.suite).at(0).link;
}

}  // namespace

TEST_CASE("each fact of a link comes back, of a training that has not run") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  const SuiteLink link = link_with_all_facts();
  const SuiteLink back = stored(store, link);
  for (std::string SuiteLink::*text : {&SuiteLink::suite,         &SuiteLink::suite_title,
                                       &SuiteLink::suite_file,    &SuiteLink::task,
                                       &SuiteLink::dataset,       &SuiteLink::direction,
                                       &SuiteLink::protocol,      &SuiteLink::primary_metric,
                                       &SuiteLink::method_order,  &SuiteLink::method,
                                       &SuiteLink::control,       &SuiteLink::label,
                                       &SuiteLink::student_model, &SuiteLink::fold,
                                       &SuiteLink::swept_setting, &SuiteLink::swept_value,
                                       &SuiteLink::training_key,  &SuiteLink::evaluation_key,
                                       &SuiteLink::rerun_command, &SuiteLink::row_rerun_command}) {
    CHECK_FALSE((link.*text).empty());
    CHECK(back.*text == link.*text);
  }
  CHECK(back.role == RowRole::kControl);
  CHECK(back.seed == -3);
  CHECK(back.trial == 0);
  CHECK(back.level == 0.5);
}

TEST_CASE("no trial and no level come back as nothing, and each role as itself") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  SuiteLink link = link_with_all_facts();
  link.trial = std::nullopt;
  link.level = std::nullopt;  // a swept value that is no number
  for (const RowRole role : {RowRole::kLowerBound, RowRole::kMethod, RowRole::kControl, RowRole::kTeacher,
                             RowRole::kCeiling, RowRole::kUpperBound}) {
    link.role = role;
    const SuiteLink back = stored(store, link);
    CHECK(back.role == role);
    CHECK_FALSE(back.trial);
    CHECK_FALSE(back.level);
  }
}

TEST_CASE("links of one training at each level, and in each official split, stand beside each other") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  std::vector<SuiteLink> links(3, link_with_all_facts());
  links[1].swept_value = "1";
  links[1].level = 1;
  links[2].fold = "3";
  store.set_suite_links("a suite", links);
  const std::vector<LeaderboardRow> rows = store.leaderboard_rows("a suite");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].link.fold == "2");
  CHECK(rows[1].link.fold == "3");
  CHECK(rows[2].link.level == 1.0);
  CHECK_THROWS_AS(store.set_suite_links("a suite", {links[0], links[0]}), Error);
}

TEST_CASE("levels come by their value: as text, 10 is before 2") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  std::vector<SuiteLink> links(2, link_with_all_facts());
  links[0].swept_value = "10";
  links[0].level = 10;
  links[1].swept_value = "2";
  links[1].level = 2;
  store.set_suite_links("a suite", links);
  CHECK(store.leaderboard_rows("a suite").at(0).link.level == 2.0);
}

TEST_CASE("the leaderboard view tells the conditions of a sweep apart") {
  const TemporaryFolder folder;
  Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  store.put_dataset(example::dataset());
  std::vector<SuiteLink> links;
  for (const std::int64_t level : {10, 2}) {
    const TrainingRecord training = example::training("kd", level);  // another seed, so another key
    const EvaluationRecord evaluation = example::evaluation(training, 1.0 / static_cast<double>(level));
    store.commit_run(training, {evaluation});
    SuiteLink& link = links.emplace_back(example::link(training, evaluation, "0001"));
    link.swept_setting = "training.epochs";
    link.swept_value = std::to_string(level);
    link.level = static_cast<double>(level);
  }
  store.set_suite_links("quick", links);
  Database database(store.path(), Database::Access::kReadOnly, std::chrono::seconds(1));
  Statement row(database,
                "SELECT dataset, swept_setting, swept_value, seeds, mean, role FROM leaderboard WHERE metric = 'top1'");
  REQUIRE(row.step());
  CHECK(row.text(0) == "synthetic");
  CHECK(row.text(1) == "training.epochs");
  CHECK(row.text(2) == "2");
  CHECK(row.integer(3) == 1);
  CHECK(row.real(4) == 0.5);
  CHECK(row.text(5) == "method");
  REQUIRE(row.step());
  CHECK(row.text(2) == "10");
  CHECK_FALSE(row.step());
}

TEST_CASE("a role that no cmkd writes is damaged data, named with its place") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  {
    Store store = Store::open(path, OpenMode::kReadWriteCreate);
    store.set_suite_links("a suite", {link_with_all_facts()});
  }
  {
    Database database(path, Database::Access::kReadWrite, std::chrono::seconds(1));
    CHECK_THROWS_AS(database.execute("UPDATE suite_link SET role = 'winner'"), Error);
    database.execute("PRAGMA ignore_check_constraints = ON; UPDATE suite_link SET role = 'winner'");
  }
  const Store store = Store::open(path, OpenMode::kReadOnly);
  try {
    (void)store.leaderboard_rows("a suite");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kData);
    CHECK(example::contains(error.parts().what, "'winner'"));
    CHECK(example::contains(error.parts().where, path.string()));
    CHECK(example::contains(error.parts().where, "a suite"));
    CHECK(example::contains(error.parts().allowed, "lower bound, method, control, teacher, ceiling, upper bound"));
  }
}
