// The result store: one SQLite file with everything about every run, and a folder of large artifacts beside it.
//
// Ownership: a Store owns its database connection. Records go in and come out as plain values (records.h); no SQL, row
// number or handle leaves it. Thread-safety: a Store serves one thread at a time; several processes may each have their
// own on the same file (one writer at a time, others wait up to `busy_timeout`). Never carry an open Store through
// fork().
//
// Every call either does all of what it says or throws `cmkd::Error` and changes nothing:
// - kData: not a store (not SQLite, another program's, newer version), corrupt, or content that contradicts a run
// - kEnvironment: locked for too long, read-only, disk full, no permission
// - kInternal: records that contradict themselves or each other (a bug of the caller)
//
// Every query has a total order that does not depend on the order in which the store was filled.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/results/records.h"

namespace cmkd::results {

enum class OpenMode {
  kReadWriteCreate,  // creates file and folders when missing; migrates an older version (a backup is made beside it)
  kReadOnly,         // the file must be there, with the current version
};

struct StoreOptions {
  std::chrono::milliseconds busy_timeout{30'000};  // how long to wait for another process's write
  std::int64_t max_pages = 0;                      // quota of the database in pages of 4096 bytes; 0: none
};

// What of a suite's link is there.
enum class RowState {
  kNotRun,     // the training is not in the store
  kFailed,     // the training failed: see training.reason
  kTrained,    // the training is done, this evaluation is not there
  kEvaluated,  // metrics are there
};

// One evaluation wanted by a suite, with what is known of it.
struct LeaderboardRow {
  SuiteLink link;
  RowState state = RowState::kNotRun;
  TrainingRecord training;                 // without `epochs` and `environment`; only `key` when kNotRun
  std::string split;                       // of the evaluation; "" unless kEvaluated
  std::vector<MetricValue> metrics;        // by split and name; empty unless kEvaluated
  std::map<std::string, double> measured;  // of the evaluation (the training's: training.measured); not reproducible
  Origin origin;                           // of the training
  std::string evaluation_code;             // EvaluationRecord::shared_code; "" unless kEvaluated
  std::string outputs_fingerprint;         // of the evaluation's per-clip outputs; "" where none are stored
};

// Fields that are set must match.
struct TrainingFilter {
  std::optional<std::string> suite;
  std::optional<std::string> dataset_fingerprint;
  std::optional<std::string> method;
  std::optional<std::string> control;
  std::optional<std::string> cell_key;
  std::optional<RunStatus> status;
};

struct SuiteSummary {
  std::string suite;
  std::string title;
  std::int64_t trainings = 0;  // distinct trainings that the suite wants
  std::int64_t done = 0;
  std::int64_t failed = 0;  // the rest is not run yet
};

struct FoundKey {
  enum class Kind { kTraining, kEvaluation };
  Kind kind = Kind::kTraining;
  std::string key;  // whole
};

// Of the SQLite library that this program runs with: "3.40.1".
[[nodiscard]] std::string sqlite_version();

class Store {
 public:
  [[nodiscard]] static Store open(const std::filesystem::path& path, OpenMode mode, const StoreOptions& options = {});
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  // --- Writing -------------------------------------------------------------------------------------------------------

  // Before the runs on it. The same again is a no-op (the first name and configuration are kept); another
  // `decoded_fingerprint` of the same source is kept beside the first, with its own exclusions; other clips under the
  // same fingerprints throw kData.
  void put_dataset(const DatasetRecord& dataset);

  // A training and its evaluations (none when it failed) in one transaction. A failed row is replaced; a done one
  // never: the same content again changes nothing (evaluations that were not there are added), other content throws
  // kData naming both fingerprints.
  void commit_run(const TrainingRecord& training, const std::vector<EvaluationRecord>& evaluations);

  // As commit_run, but what is stored of this training goes, done or not: it was made by other code or elsewhere, and
  // has been trained again. The same content only gets its new origin, and keeps other evaluations. Other content takes
  // all evaluations of the old with it, and marks the trainings that learned from it, if it is a teacher's, as of
  // unknown code, so that they are trained again, too. Returns whether the content is the same.
  bool replace_run(const TrainingRecord& training, const std::vector<EvaluationRecord>& evaluations);

  // Further evaluations of a training that is in the store and done; same rules.
  void put_evaluations(const std::string& training_key, const std::vector<EvaluationRecord>& evaluations);

  // What a suite consists of, replacing what it was but external rows; may come before or after the runs. No links: the
  // suite is forgotten, with its external rows.
  void set_suite_links(const std::string& suite, const std::vector<SuiteLink>& links);

  // That these trainings, there or still to come, are made by this recipe. A training may have several: each makes it.
  void put_recipe(const Recipe& recipe, const std::vector<std::string>& training_keys);

  // Results made elsewhere: `training` has no fingerprints, `link` the role kExternal. In one transaction, takes the
  // place of the external row of the same suite, task, dataset, condition, label, fold and seed; whether there was one
  // with other content is returned. Such links outlive set_suite_links.
  bool put_external(const TrainingRecord& training, const EvaluationRecord& evaluation, const SuiteLink& link);

  // Writes `bytes` as a content-addressed file "ab/abcdef….<extension>" of the artifact folder and returns that
  // relative name, for TrainingRecord::weights_file. Not registered before a commit_run that names it.
  [[nodiscard]] std::string write_artifact(std::span<const std::byte> bytes, std::string_view extension);

  // --- Asking --------------------------------------------------------------------------------------------------------

  [[nodiscard]] bool has_training(const std::string& key) const;  // done or failed
  [[nodiscard]] bool has_evaluation(const std::string& key) const;
  [[nodiscard]] std::optional<RunStatus> status(const std::string& training_key) const;

  // Rows of a suite by task, dataset, condition, direction, protocol, student, method order, label, seed, fold, keys;
  // none when unknown. Throws kData for a link that no cmkd can have written.
  [[nodiscard]] std::vector<LeaderboardRow> leaderboard_rows(const std::string& suite) const;
  [[nodiscard]] std::vector<SuiteSummary> suites() const;

  // Without `epochs` and `environment`; by dataset, direction, student, method, control, seed, key.
  [[nodiscard]] std::vector<TrainingRecord> trainings(const TrainingFilter& filter = {}) const;
  // The whole record, or nothing.
  [[nodiscard]] std::optional<TrainingRecord> training(const std::string& key) const;
  [[nodiscard]] std::vector<EpochValue> epoch_values(
      const std::string& training_key) const;  // phase, epoch, kind, name
  [[nodiscard]] EnvironmentRecord environment(const std::string& training_key) const;
  // Nothing when the training is not there.
  [[nodiscard]] std::optional<Origin> origin(const std::string& training_key) const;
  // EvaluationRecord::shared_code; nothing when the evaluation is not there.
  [[nodiscard]] std::optional<std::string> evaluation_code(const std::string& key) const;
  // What makes the training again, by fingerprint; none for one that was stored before version 5.
  [[nodiscard]] std::vector<Recipe> recipes(const std::string& training_key) const;
  // Trainings that no suite wants, nor learns from: results of methods and settings as they were before. In no report.
  [[nodiscard]] std::int64_t history_size() const;

  // Without `outputs`; by task, protocol, split, key.
  [[nodiscard]] std::vector<EvaluationRecord> evaluations(const std::string& training_key) const;
  [[nodiscard]] std::optional<EvaluationRecord> evaluation(const std::string& key) const;
  // Empty when the evaluation kept none. Throws kData when a file is missing or its checksum is wrong.
  [[nodiscard]] ClipOutputs outputs(const std::string& evaluation_key) const;

  // One record for each decoding, with its exclusions; by name, source and decoded fingerprint.
  [[nodiscard]] std::vector<DatasetRecord> datasets() const;
  // Of every decoding of this source, without repeats; by split, clip id, reason.
  [[nodiscard]] std::vector<DatasetRecord::Excluded> exclusions(const std::string& source_fingerprint) const;

  // The one training or evaluation whose key begins so. Throws kUsage when there is none, or several (naming them).
  [[nodiscard]] FoundKey find_by_prefix(const std::string& id) const;

  [[nodiscard]] std::filesystem::path path() const;
  [[nodiscard]] std::filesystem::path artifact_folder() const;  // "<store>.artifacts"
  [[nodiscard]] std::filesystem::path artifact_path(const std::string& relative) const;
  // Files of the artifact folder that no row names (left by a run that was killed before its commit), sorted.
  [[nodiscard]] std::vector<std::string> unreferenced_artifacts() const;
  [[nodiscard]] std::string journal_mode() const;  // "delete", "wal"

  // SQLite's own check, foreign keys, and every artifact's checksum: what is wrong, one line each; empty when all is
  // well.
  [[nodiscard]] std::vector<std::string> check() const;

 private:
  friend struct MergeAccess;  // merge.cpp
  struct State;
  explicit Store(std::unique_ptr<State> state);
  static void require_writable(const State& state);
  bool put_run(const TrainingRecord& training, const std::vector<EvaluationRecord>& evaluations, bool replace);
  std::unique_ptr<State> state_;
};

}  // namespace cmkd::results
