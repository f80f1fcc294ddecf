#include "cmkd/results/store.h"

#include <sqlite3.h>

#include <fmt/format.h>

#include <set>

#include "artifacts.h"
#include "cmkd/core/error.h"
#include "schema.h"
#include "state.h"
#include "writer.h"

namespace cmkd::results {

std::string sqlite_version() { return sqlite3_libversion(); }

namespace fs = std::filesystem;

namespace {

void require_recent_sqlite() {
  constexpr int kFirstWithStrictTables = 3'037'000;
  if (sqlite3_libversion_number() >= kFirstWithStrictTables) return;
  throw Error(ErrorKind::kEnvironment,
              {.what = fmt::format("SQLite {} is too old for the result store", sqlite3_libversion()),
               .allowed = "3.37 or newer",
               .fix = "install a newer libsqlite3"});
}

Database open_for_writing(const fs::path& path, const StoreOptions& options) {
  if (path.has_parent_path()) {
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    if (code) {
      throw Error(ErrorKind::kEnvironment,
                  {.what = fmt::format("the result store's folder cannot be made: {}", code.message()),
                   .where = path.parent_path().string(),
                   .fix = "check the path and its permissions"});
    }
  }
  Database database(path, Database::Access::kCreate, options.busy_timeout);
  // SQLite opens a file that may not be written for reading, and says so only at the first write.
  if (sqlite3_db_readonly(database.handle(), "main") == 1) database.fail(SQLITE_READONLY);
  if (options.max_pages > 0) database.execute(fmt::format("PRAGMA max_page_count = {}", options.max_pages));
  prepare_for_writing(database, current_schema());
  return database;
}

Database open_for_reading(const fs::path& path, const StoreOptions& options) {
  if (!fs::exists(path)) {
    throw Error(ErrorKind::kData,
                {.what = "there is no result store", .where = path.string(), .fix = "make one first: cmkd run SUITE"});
  }
  try {
    Database database(path, Database::Access::kReadOnly, options.busy_timeout);
    require_readable(database, current_schema());
    return database;
  } catch (const SqliteError& error) {
    // A writer was killed: only a connection that may write can undo what it left.
    if (error.code() != SQLITE_READONLY_ROLLBACK && error.code() != SQLITE_READONLY_RECOVERY) throw;
  }
  {
    Database repair(path, Database::Access::kReadWrite, options.busy_timeout);
    require_readable(repair, current_schema());
  }
  Database database(path, Database::Access::kReadOnly, options.busy_timeout);
  require_readable(database, current_schema());
  return database;
}

// Nothing when the file cannot be read.
std::optional<std::string> artifact_fingerprint(const fs::path& folder, const std::string& relative) {
  try {
    return describe_artifact_file(folder, relative).fingerprint;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

void Store::require_writable(const State& state) {
  if (state.mode == OpenMode::kReadWriteCreate) return;
  throw Error(ErrorKind::kInternal, {.what = "the result store was opened for reading only",
                                     .where = state.database.path().string(),
                                     .fix = "please report this"});
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store Store::open(const fs::path& path, OpenMode mode, const StoreOptions& options) {
  require_recent_sqlite();
  if (fs::is_directory(path)) {
    throw Error(ErrorKind::kData,
                {.what = "the result store is a folder", .where = path.string(), .fix = "name a file with --store"});
  }
  Database database = mode == OpenMode::kReadOnly ? open_for_reading(path, options) : open_for_writing(path, options);
  return Store(std::make_unique<State>(State{std::move(database), mode, path.string() + ".artifacts"}));
}

void Store::put_dataset(const DatasetRecord& dataset) {
  require_writable(*state_);
  Transaction transaction(state_->database);
  Writer(state_->database).put_dataset(dataset);
  transaction.commit();
}

void Store::commit_run(const TrainingRecord& training, const std::vector<EvaluationRecord>& evaluations) {
  (void)put_run(training, evaluations, /*replace=*/false);
}

bool Store::replace_run(const TrainingRecord& training, const std::vector<EvaluationRecord>& evaluations) {
  return put_run(training, evaluations, /*replace=*/true);
}

bool Store::put_run(const TrainingRecord& training, const std::vector<EvaluationRecord>& evaluations, bool replace) {
  require_writable(*state_);
  if (training.status == RunStatus::kFailed && !evaluations.empty()) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("training {} failed and has evaluations", training.key)});
  }
  // Files first: a commit never names one that is not there. A run killed between leaves a file that no row names.
  std::optional<Artifact> weights;
  if (!training.weights_file.empty()) weights = describe_artifact_file(state_->artifact_folder, training.weights_file);
  const std::vector<PreparedEvaluation> prepared =
      prepare_evaluations(training.key, evaluations, state_->artifact_folder);
  Transaction transaction(state_->database);
  Writer writer(state_->database);
  const bool same = replace && writer.make_way(training, prepared);
  writer.put_training(training, weights);
  for (const PreparedEvaluation& evaluation : prepared) writer.put_evaluation(evaluation);
  transaction.commit();
  return same;
}

void Store::put_evaluations(const std::string& training_key, const std::vector<EvaluationRecord>& evaluations) {
  require_writable(*state_);
  const std::vector<PreparedEvaluation> prepared =
      prepare_evaluations(training_key, evaluations, state_->artifact_folder);
  Transaction transaction(state_->database);
  if (status(training_key) != RunStatus::kDone) {
    throw Error(
        ErrorKind::kInternal,
        {.what = fmt::format("training {} is not in the store or not done, so it cannot be evaluated", training_key),
         .where = state_->database.path().string(),
         .fix = "please report this"});
  }
  Writer writer(state_->database);
  for (const PreparedEvaluation& evaluation : prepared) writer.put_evaluation(evaluation);
  transaction.commit();
}

void Store::set_suite_links(const std::string& suite, const std::vector<SuiteLink>& links) {
  require_writable(*state_);
  for (const SuiteLink& link : links) {
    if (link.suite == suite && link.suite_title == links.front().suite_title) continue;
    throw Error(ErrorKind::kInternal, {.what = fmt::format("a link of suite '{}' ('{}') is given for suite '{}'",
                                                           link.suite, link.suite_title, suite)});
  }
  Transaction transaction(state_->database);
  Writer(state_->database).set_suite_links(suite, links);
  transaction.commit();
}

std::string Store::write_artifact(std::span<const std::byte> bytes, std::string_view extension) {
  require_writable(*state_);
  return write_artifact_file(state_->artifact_folder, bytes, extension).path;
}

fs::path Store::path() const { return state_->database.path(); }

fs::path Store::artifact_folder() const { return state_->artifact_folder; }

fs::path Store::artifact_path(const std::string& relative) const { return state_->artifact_folder / relative; }

std::string Store::journal_mode() const { return state_->database.query_text("PRAGMA journal_mode"); }

std::vector<std::string> Store::unreferenced_artifacts() const {
  std::set<std::string> files;
  if (fs::is_directory(state_->artifact_folder)) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(state_->artifact_folder)) {
      if (entry.is_regular_file()) files.insert(fs::relative(entry.path(), state_->artifact_folder).generic_string());
    }
  }
  Statement named(state_->database, "SELECT path FROM artifact");
  while (named.step()) files.erase(named.text(0));
  return {files.begin(), files.end()};
}

std::vector<std::string> Store::check() const {
  std::vector<std::string> problems;
  Database& database = state_->database;
  try {
    Statement integrity(database, "PRAGMA integrity_check");
    while (integrity.step()) {
      if (integrity.text(0) != "ok") problems.push_back("database: " + integrity.text(0));
    }
    Statement foreign(database, "PRAGMA foreign_key_check");
    while (foreign.step()) {
      problems.push_back(
          fmt::format("table {}: a row refers to a row of {} that is not there", foreign.text(0), foreign.text(2)));
    }
    Statement artifacts(database, "SELECT path, fingerprint FROM artifact ORDER BY path");
    while (artifacts.step()) {
      const std::string relative = artifacts.text(0);
      const std::optional<std::string> found = artifact_fingerprint(state_->artifact_folder, relative);
      if (found != artifacts.text(1)) {
        problems.push_back(fmt::format("artifact {}: {}", relative, found ? "wrong checksum" : "cannot be read"));
      }
    }
  } catch (const SqliteError& error) {
    // A file so damaged that the check itself cannot go on; a lock or a full disk is no finding.
    if (error.kind() != ErrorKind::kData) throw;
    problems.push_back("database: " + error.parts().what);
  }
  return problems;
}

}  // namespace cmkd::results
