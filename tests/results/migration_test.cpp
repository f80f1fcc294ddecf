// Stores of older versions, made by the schemas as they were.
#include <fmt/format.h>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/results/store.h"
#include "example.h"
#include "paths.h"
#include "schema.h"
#include "sqlite.h"

using namespace cmkd;
using namespace cmkd::results;
using cmkd::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

void make_old_store(const fs::path& path, const std::string& version, const std::string& rows) {
  Database old(path, Database::Access::kCreate, std::chrono::seconds(1));
  old.execute(read_file(test::source_dir() / ("tests/results/schema_version_" + version + ".sql")));
  old.execute(rows);
}

// The columns that had to be filled in versions 1 and 3 alike.
std::string training_row(const std::string& key, const std::string& method, const std::string& control, int seed,
                         const std::string& status = "done") {
  const std::string label = control.empty() ? method : method + " (" + control + ")";
  return fmt::format(
      "INSERT INTO training (key, config_json, cell_key, dataset_fingerprint, method, control, label, verified, "
      "direction, student_model, teacher_model, teacher_key, seed, status, reason, initial_weights_fingerprint, "
      "batch_order_fingerprint, augmentation_fingerprint, final_weights_fingerprint, selected_epoch, selection_rule, "
      "content_fingerprint, environment_fingerprint) VALUES ('{}', '{{}}', 'cell', 'source', '{}', '{}', '{}', 'loss', "
      "'audio->video', 'r2plus1d', '', '', {}, '{}', '{}', '', '', '', '', 0, '', '', 'environment');",
      key, method, control, label, seed, status, status == "failed" ? "why" : "");
}

std::string evaluation_row(const std::string& training) {
  return fmt::format(
      "INSERT INTO evaluation (key, config_json, training_key, task, protocol, split, content_fingerprint) "
      "VALUES ('e-{0}', '{{}}', '{0}', 'action_recognition', 'strict', 'test', '');"
      "INSERT INTO metric VALUES ('e-{0}', 'test', 'top1', 0.5, 10);",
      training);
}

// A link of version 3.
std::string link_row(const std::string& suite, const std::string& training, const std::string& command,
                     const std::string& note, const std::string& fold = "", const std::string& condition = "",
                     const std::string& level = "NULL") {
  const std::string dataset = condition.empty() ? "synthetic" : "synthetic, " + condition;
  return fmt::format(
      "INSERT INTO suite_link VALUES ('{}', 'action_recognition', '{}', '0001', '{}', 'e-{}', 'top1', '{}', '{}', "
      "'{}', '{}', {});",
      suite, dataset, training, training, command, note, fold, condition, level);
}

const char* const kDatasetRows =
    "INSERT INTO dataset VALUES ('source', 'synthetic', '{}', 2); INSERT INTO environment VALUES ('environment');";

SuiteLink link_to(const std::vector<LeaderboardRow>& rows, const std::string& training) {
  for (const LeaderboardRow& row : rows) {
    if (row.link.training_key == training) return row.link;
  }
  throw std::logic_error("no link to " + training);
}

std::vector<std::string> columns_of(const fs::path& path, const std::string& table) {
  Database database(path, Database::Access::kReadOnly, std::chrono::seconds(1));
  Statement rows(database, "SELECT name, type, \"notnull\", pk FROM pragma_table_info('" + table + "') ORDER BY name");
  std::vector<std::string> columns;
  while (rows.step()) {
    columns.push_back(fmt::format("{} {} {} {}", rows.text(0), rows.text(1), rows.integer(2), rows.integer(3)));
  }
  return columns;
}

}  // namespace

TEST_CASE("a store of version 1 keeps its runs and the links to them, and has the views of today") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  make_old_store(path, "1",
                 kDatasetRows + training_row("k1", "oracle_labels", "", 3) + evaluation_row("k1") +
                     "INSERT INTO suite (name, title) VALUES ('quick', 'Quick');"
                     "INSERT INTO suite_link VALUES ('quick', 'action_recognition', 'synthetic', '0001', 'k1', 'e-k1', "
                     "'top1', 'cmkd run', 'ceiling')");
  Store store = Store::open(path, OpenMode::kReadWriteCreate);
  const std::vector<LeaderboardRow> rows = store.leaderboard_rows("quick");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].link.role == RowRole::kCeiling);
  CHECK(rows[0].link.seed == 3);
  CHECK(rows[0].link.fold.empty());
  CHECK_FALSE(rows[0].link.level);
  Database database(path, Database::Access::kReadOnly, std::chrono::seconds(1));
  CHECK(database.query_integer("PRAGMA user_version") == 5);
  CHECK(database.query_integer("SELECT count(*) FROM leaderboard") == 1);
  CHECK(database.query_integer("SELECT count(*) FROM history") == 0);
  CHECK(fs::exists(path.string() + ".version-1.backup"));
}

TEST_CASE("links of version 3 get their facts from the trainings and evaluations that they name") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  make_old_store(path, "3",
                 kDatasetRows + training_row("kd", "kd", "shuffled-teacher", 12) + evaluation_row("kd") +
                     training_row("student", "student", "", 1) + evaluation_row("student") +
                     training_row("both", "multimodal", "", 1) + evaluation_row("both") +
                     training_row("failed", "rkd", "", 2, "failed") +
                     "INSERT INTO suite VALUES ('quick', 'Quick', 'suites/quick.toml');" +
                     link_row("quick", "kd", "cmkd run q.toml --only kd --seed 12 --tuned", "control", "2",
                              "corruption.share = 0.50", "0.5") +
                     link_row("quick", "student", "cmkd run q.toml --seed 1", "lower bound") +
                     link_row("quick", "both", "cmkd run q.toml --seed 1", "uses both modalities") +
                     link_row("quick", "failed", "cmkd run q.toml --seed 2", ""));
  Store store = Store::open(path, OpenMode::kReadWriteCreate);
  const std::vector<LeaderboardRow> rows = store.leaderboard_rows("quick");
  REQUIRE(rows.size() == 4);
  const SuiteLink control = link_to(rows, "kd");
  CHECK(control.suite_title == "Quick");
  CHECK(control.suite_file == "suites/quick.toml");
  CHECK(control.dataset == "synthetic");
  CHECK(control.direction == "audio->video");
  CHECK(control.protocol == "strict");
  CHECK(control.method == "kd");
  CHECK(control.control == "shuffled-teacher");
  CHECK(control.label == "kd (shuffled-teacher)");
  CHECK(control.role == RowRole::kControl);
  CHECK(control.student_model == "r2plus1d");
  CHECK(control.seed == 12);
  CHECK_FALSE(control.trial);
  CHECK(control.fold == "2");
  CHECK(control.swept_setting == "corruption.share");
  CHECK(control.swept_value == "0.50");
  CHECK(control.level == 0.5);
  CHECK(control.rerun_command == "cmkd run q.toml --only kd --seed 12 --tuned");
  CHECK(control.row_rerun_command == "cmkd run q.toml --only kd --tuned");
  CHECK(link_to(rows, "student").role == RowRole::kLowerBound);
  CHECK(link_to(rows, "student").swept_setting.empty());
  CHECK(link_to(rows, "both").role == RowRole::kUpperBound);
  // It failed, and tells its protocol by those of its suite that did not.
  CHECK(link_to(rows, "failed").role == RowRole::kMethod);
  CHECK(link_to(rows, "failed").protocol == "strict");
  CHECK(store.check().empty());
  CHECK(fs::exists(path.string() + ".version-3.backup"));
}

TEST_CASE("a trial of version 3 keeps its number and its method's role") {
  const TemporaryFolder folder;
  make_old_store(folder / "results.db", "3",
                 kDatasetRows + training_row("k0", "student", "", 901) + evaluation_row("k0") +
                     training_row("k1", "kd", "", 901) + evaluation_row("k1") +
                     "INSERT INTO suite VALUES ('quick-tuning', 'Quick', '');" +
                     link_row("quick-tuning", "k0", "cmkd tune q.toml", "trial 0") +
                     link_row("quick-tuning", "k1", "cmkd tune q.toml", "trial 13"));
  const Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  const std::vector<LeaderboardRow> rows = store.leaderboard_rows("quick-tuning");
  REQUIRE(rows.size() == 2);
  CHECK(link_to(rows, "k0").trial == 0);
  CHECK(link_to(rows, "k0").role == RowRole::kLowerBound);
  CHECK(link_to(rows, "k1").trial == 13);
  CHECK(link_to(rows, "k1").role == RowRole::kMethod);
}

TEST_CASE("links of version 3 whose facts nothing in the store tells are dropped, and a suite left with none") {
  const TemporaryFolder folder;
  make_old_store(folder / "results.db", "3",
                 kDatasetRows + training_row("done", "kd", "", 1) + evaluation_row("done") +
                     training_row("failed", "kd", "", 2, "failed") +
                     "INSERT INTO suite VALUES ('begun', '', ''), ('failed', '', ''), ('wanted', '', '');" +
                     link_row("begun", "done", "", "") + link_row("begun", "never run", "", "") +
                     link_row("failed", "failed", "", "") + link_row("wanted", "never run", "", ""));
  const Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  CHECK(store.leaderboard_rows("begun").size() == 1);
  REQUIRE(store.suites().size() == 1);
  CHECK(store.suites()[0].suite == "begun");
  CHECK(store.trainings().size() == 2);  // no run is lost
}

TEST_CASE("a store that was migrated has the tables of a new one") {
  const TemporaryFolder folder;
  (void)Store::open(folder / "new.db", OpenMode::kReadWriteCreate);
  for (const std::string version : {"1", "3", "4"}) {
    const fs::path path = folder / (version + ".db");
    make_old_store(path, version, "");
    (void)Store::open(path, OpenMode::kReadWriteCreate);
    for (const char* table : {"training", "evaluation", "suite", "suite_link", "recipe", "training_recipe",
                              "leaderboard", "failures", "history"}) {
      INFO(version << ' ' << table);
      CHECK(columns_of(path, table) == columns_of(folder / "new.db", table));
    }
    // The checks of its columns, too.
    Database migrated(path, Database::Access::kReadOnly, std::chrono::seconds(1));
    Database made_new(folder / "new.db", Database::Access::kReadOnly, std::chrono::seconds(1));
    const char* sql = "SELECT sql FROM sqlite_master WHERE name = 'suite_link'";
    CHECK(migrated.query_text(sql) == made_new.query_text(sql));
  }
}

TEST_CASE("links of version 4 come through unchanged, and no recipe is made up for their trainings") {
  const TemporaryFolder folder;
  make_old_store(folder / "results.db", "4",
                 kDatasetRows + training_row("k0", "kd", "", 7) + evaluation_row("k0") +
                     "INSERT INTO suite VALUES ('quick', 'Quick', 'suites/quick.toml');"
                     "INSERT INTO suite_link VALUES ('quick', 'action_recognition', 'synthetic', 'audio->video', "
                     "'strict', 'top1', '0003', 'kd', '', 'kd', 'method', 'r2plus1d', 7, 2, 'f', 'a.b', '0.5', 0.5, "
                     "'k0', 'e-k0', 'one', 'all');");
  const Store store = Store::open(folder / "results.db", OpenMode::kReadWriteCreate);
  const std::vector<LeaderboardRow> rows = store.leaderboard_rows("quick");
  REQUIRE(rows.size() == 1);
  const SuiteLink& link = rows[0].link;
  CHECK(rows[0].state == RowState::kEvaluated);
  CHECK(link.suite_file == "suites/quick.toml");
  CHECK(link.method_order == "0003");
  CHECK(link.role == RowRole::kMethod);
  CHECK(link.seed == 7);
  CHECK(link.trial == 2);
  CHECK(link.fold == "f");
  CHECK(link.swept_setting == "a.b");
  CHECK(link.swept_value == "0.5");
  CHECK(link.level == 0.5);
  CHECK(link.rerun_command == "one");
  CHECK(link.row_rerun_command == "all");
  CHECK(store.recipes("k0").empty());
  CHECK(store.check().empty());
}

TEST_CASE("an older store is migrated in one transaction, with a backup beside it") {
  const TemporaryFolder folder;
  const fs::path path = folder / "results.db";
  const TrainingRecord training = example::training("kd", 0);
  {
    Store store = Store::open(path, OpenMode::kReadWriteCreate);
    store.put_dataset(example::dataset());
    store.commit_run(training, {});
  }
  Schema newer{
      7, kSchemaSql, {{6, "ALTER TABLE training ADD COLUMN tag TEXT"}, {7, "UPDATE training SET tag = label"}}};
  const fs::path backup = path.string() + ".version-5.backup";
  SECTION("each step in turn") {
    {
      Database database(path, Database::Access::kReadWrite, std::chrono::seconds(1));
      prepare_for_writing(database, newer);
      CHECK(database.query_integer("PRAGMA user_version") == 7);
      CHECK(database.query_text("SELECT tag FROM training") == "kd");
      CHECK(database.query_integer("PRAGMA foreign_keys") == 1);
      prepare_for_writing(database, newer);  // nothing left to do, and no second backup
    }
    CHECK(fs::exists(backup));
    CHECK_FALSE(fs::exists(backup.string() + ".2"));
    const Store old = Store::open(backup, OpenMode::kReadOnly);
    CHECK(old.has_training(training.key));
    CHECK_THROWS_AS(Store::open(path, OpenMode::kReadWriteCreate), Error);  // the present program knows version 5
  }
  SECTION("a step that fails changes nothing") {
    newer.migrations[1].sql = "UPDATE nonsense SET tag = 1";
    {
      Database database(path, Database::Access::kReadWrite, std::chrono::seconds(1));
      CHECK_THROWS_AS(prepare_for_writing(database, newer), Error);
    }
    CHECK(Store::open(path, OpenMode::kReadWriteCreate).has_training(training.key));
  }
  SECTION("a step that breaks a reference changes nothing") {
    newer.migrations[1].sql = "DELETE FROM dataset";
    {
      Database database(path, Database::Access::kReadWrite, std::chrono::seconds(1));
      CHECK_THROWS_AS(prepare_for_writing(database, newer), Error);
    }
    CHECK(Store::open(path, OpenMode::kReadOnly).datasets().size() == 1);
  }
  SECTION("a reader asks for a writer first") {
    Database database(path, Database::Access::kReadOnly, std::chrono::seconds(1));
    CHECK_THROWS_AS(require_readable(database, newer), Error);
  }
}
