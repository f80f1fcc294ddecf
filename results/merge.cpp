#include "cmkd/results/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cmkd/core/error.h"
#include "content.h"
#include "merge_datasets.h"
#include "merge_files.h"
#include "merge_links.h"
#include "merge_rows.h"
#include "readers.h"
#include "state.h"

namespace cmkd::results {

namespace fs = std::filesystem;

struct MergeAccess {
  static Database& database(const Store& store) { return store.state_->database; }
};

namespace {

constexpr const char* kAllTrainingColumns =
    "key, config_json, cell_key, dataset_fingerprint, decoded_fingerprint, method, control, label, verified, "
    "direction, student_model, teacher_model, teacher_key, seed, status, reason, initial_weights_fingerprint, "
    "batch_order_fingerprint, augmentation_fingerprint, final_weights_fingerprint, weights_file, selected_epoch, "
    "selection_rule, content_fingerprint, environment_fingerprint, shared_code";
constexpr const char* kAllEvaluationColumns =
    "key, config_json, training_key, task, protocol, split, content_fingerprint, shared_code";
constexpr std::size_t kNamedConflicts = 10;

// One source into the store, inside the caller's transaction.
class Merger {
 public:
  Merger(const Store& into, const Store& from, const MergeOptions& options, MergeReport& report)
      : into_(MergeAccess::database(into)), from_(MergeAccess::database(from)), options_(options), report_(report) {}

  void run() {
    const ReadTransaction consistent(from_);
    for (const std::string& key : wanted_trainings()) merge_training(key);
    if (options_.trainings.empty()) {
      for (const std::string& fingerprint : texts("SELECT fingerprint FROM dataset ORDER BY fingerprint")) {
        merge_dataset(fingerprint);
      }
    }
    merge_recipes();
    report_.links += merge_links({into_, from_, options_.trainings, conflicts_});
  }

  [[nodiscard]] const std::vector<std::string>& conflicts() const { return conflicts_; }
  [[nodiscard]] const std::vector<std::string>& artifacts() const { return artifacts_; }  // named by new rows

 private:
  std::vector<std::string> texts(const std::string& sql) {
    Statement rows(from_, sql);
    std::vector<std::string> found;
    while (rows.step()) found.push_back(rows.text(0));
    return found;
  }

  std::vector<std::string> wanted_trainings() {
    std::vector<std::string> keys = texts("SELECT key FROM training ORDER BY key");
    if (options_.trainings.empty()) return keys;
    std::erase_if(keys, [&](const std::string& key) { return !options_.trainings.contains(key); });
    return keys;
  }

  void keep(const std::string& text) {
    report_.kept.push_back(fmt::format("{}: {}", from_.path().filename().string(), text));
  }

  void merge_training(const std::string& key) {
    Statement mine(into_, "SELECT status, content_fingerprint, label, seed, weights_file FROM training WHERE key = ?");
    Statement theirs(from_,
                     "SELECT status, content_fingerprint, label, seed, weights_file, dataset_fingerprint, "
                     "environment_fingerprint FROM training WHERE key = ?");
    if (!theirs.bind(key).step()) return;
    const bool known = mine.bind(key).step();
    const std::string name = fmt::format("training {} ({} seed {})", key, theirs.text(2), theirs.integer(3));
    const bool replaces = known && mine.text(0) == "failed" && theirs.text(0) == "done";
    if (known && !replaces) {
      ++report_.known;
      merge_known(key, name, mine, theirs);
    } else {
      merge_dataset(theirs.text(5));
      copy_environment(theirs.text(6));
      if (!theirs.is_null(4)) copy_artifact_row(theirs.text(4));
      if (replaces) Statement(into_, "DELETE FROM training WHERE key = ?").bind(key).run();
      insert_training(key);
    }
    if (theirs.text(0) == "done") merge_evaluations(key);
  }

  void insert_training(const std::string& key) {
    ++report_.trainings;
    (void)copy("training", kAllTrainingColumns, "key", key);
    (void)copy("epoch_value", "training_key, phase, epoch, kind, name, value", "training_key", key);
    (void)copy("measurement", "training_key, evaluation_key, name, value", "training_key", key);
  }

  void merge_known(const std::string& key, const std::string& name, Statement& mine, const Statement& theirs) {
    if (mine.text(0) == "done" && theirs.text(0) == "failed") {
      keep(name + ": done here, failed there");
      return;
    }
    if (mine.text(1) != theirs.text(1)) {
      const Content here = content_of(*read_training(into_, key));
      const Content there = content_of(*read_training(from_, key));
      if (mine.text(0) == "failed") {
        keep(fmt::format("{}: failed in both, {}", name, describe_difference(here, there, "here", "there")));
      } else {
        conflicts_.push_back(fmt::format("{}: {}", name, describe_difference(here, there, "here", "there")));
      }
      return;
    }
    if (mine.is_null(4) && !theirs.is_null(4)) {
      copy_artifact_row(theirs.text(4));
      Statement(into_, "UPDATE training SET weights_file = ? WHERE key = ?").bind(theirs.text(4), key).run();
    }
    note_measured("training_key", key, name);
  }

  void note_measured(const char* column, const std::string& key, const std::string& name) {
    const std::map<std::string, double> here = MeasuredReader(into_, column).read(key);
    const std::map<std::string, double> there = MeasuredReader(from_, column).read(key);
    for (const auto& [what, value] : there) {
      const auto mine = here.find(what);
      if (mine == here.end() || mine->second == value) continue;
      keep(fmt::format("{}: {} was measured as {} here, {} there", name, what, mine->second, value));
    }
  }

  void merge_evaluations(const std::string& training_key) {
    Statement rows(from_, "SELECT key, content_fingerprint, task FROM evaluation WHERE training_key = ? ORDER BY key");
    Statement mine(into_, "SELECT content_fingerprint FROM evaluation WHERE key = ?");
    rows.bind(training_key);
    while (rows.step()) {
      const std::string key = rows.text(0);
      const std::string name = fmt::format("evaluation {} ({} of training {})", key, rows.text(2), training_key);
      if (!mine.bind(key).step()) {
        insert_evaluation(key);
      } else if (mine.text(0) != rows.text(1)) {
        conflicts_.push_back(fmt::format(
            "{}: {}", name,
            describe_difference(evaluation_content(into_, key), evaluation_content(from_, key), "here", "there")));
      } else {
        note_measured("evaluation_key", key, name);
      }
    }
  }

  static Content evaluation_content(Database& database, const std::string& key) {
    Statement outputs(database, "SELECT fingerprint FROM clip_output WHERE evaluation_key = ?");
    const std::string fingerprint = outputs.bind(key).step() ? outputs.text(0) : std::string();
    return content_of(*read_evaluation(database, key), fingerprint);
  }

  void insert_evaluation(const std::string& key) {
    ++report_.evaluations;
    (void)copy("evaluation", kAllEvaluationColumns, "key", key);
    (void)copy("metric", "evaluation_key, split, name, value, clips", "evaluation_key", key);
    (void)copy("measurement", "training_key, evaluation_key, name, value", "evaluation_key", key);
    Statement outputs(from_, "SELECT artifact_path FROM clip_output WHERE evaluation_key = ?");
    if (outputs.bind(key).step() && !outputs.is_null(0)) copy_artifact_row(outputs.text(0));
    (void)copy("clip_output", "evaluation_key, clips, width, fingerprint, content, artifact_path", "evaluation_key",
               key);
  }

  void merge_dataset(const std::string& fingerprint) {
    if (merged_datasets_.insert(fingerprint).second) results::merge_dataset(into_, from_, fingerprint, conflicts_);
  }

  void copy_environment(const std::string& fingerprint) {
    Statement known(into_, "SELECT 1 FROM environment WHERE fingerprint = ?");
    if (known.bind(fingerprint).step()) return;
    (void)copy("environment", "fingerprint", "fingerprint", fingerprint);
    (void)copy("environment_value", "environment_fingerprint, name, value", "environment_fingerprint", fingerprint);
  }

  void copy_artifact_row(const std::string& path) {
    artifacts_.push_back(path);
    Statement theirs(from_, "SELECT fingerprint FROM artifact WHERE path = ?");
    Statement mine(into_, "SELECT fingerprint FROM artifact WHERE path = ?");
    if (!theirs.bind(path).step()) return;
    if (!mine.bind(path).step()) {
      (void)copy("artifact", "path, fingerprint, size_bytes, kind", "path", path);
    } else if (mine.text(0) != theirs.text(0)) {
      conflicts_.push_back(
          fmt::format("artifact {}: fingerprint: here '{}', there '{}'", path, mine.text(0), theirs.text(0)));
    }
  }

  void merge_recipes() {
    Statement rows(from_,
                   "SELECT training_key, recipe_fingerprint FROM training_recipe ORDER BY training_key, "
                   "recipe_fingerprint");
    Statement insert(into_, insert_sql("training_recipe", "training_key, recipe_fingerprint", /*or_ignore=*/true));
    std::set<std::string> copied;
    while (rows.step()) {
      if (!options_.trainings.empty() && !options_.trainings.contains(rows.text(0))) continue;
      if (copied.insert(rows.text(1)).second) {
        const std::string columns = "fingerprint, suite, content, overrides_json, kind, winners_json";
        (void)copy_rows(from_, select_where("recipe", columns, "fingerprint"), {rows.text(1)}, into_,
                        insert_sql("recipe", columns, /*or_ignore=*/true));
      }
      insert.bind(rows.text(0), rows.text(1)).run();
    }
  }

  std::int64_t copy(const std::string& table, const std::string& columns, const std::string& column,
                    const std::string& key) {
    return copy_rows(from_, select_where(table, columns, column), {key}, into_, insert_sql(table, columns));
  }

  Database& into_;
  Database& from_;
  const MergeOptions& options_;
  MergeReport& report_;
  std::set<std::string> merged_datasets_;
  std::vector<std::string> artifacts_;
  std::vector<std::string> conflicts_;
};

void require_sources(const fs::path& into, const std::vector<fs::path>& from) {
  std::set<fs::path> seen{fs::weakly_canonical(into)};
  if (from.empty()) throw Error(ErrorKind::kUsage, {.what = "no store is named to merge from"});
  for (const fs::path& path : from) {
    if (!fs::exists(path)) {
      throw Error(ErrorKind::kUsage, {.what = "there is no such store", .where = path.string()});
    }
    if (seen.insert(fs::weakly_canonical(path)).second) continue;
    throw Error(ErrorKind::kUsage, {.what = "a store is named twice", .where = path.string()});
  }
}

[[noreturn]] void refuse_conflicts(const Store& into, const Store& from, std::vector<std::string> conflicts) {
  const std::size_t all = conflicts.size();
  if (all > kNamedConflicts) {
    conflicts.resize(kNamedConflicts);
    conflicts.push_back(fmt::format("… {} more", all - kNamedConflicts));
  }
  throw Error(
      ErrorKind::kData,
      {.what = fmt::format("the stores contradict each other; nothing is merged:\n  {}", join(conflicts, "\n  ")),
       .where = fmt::format("here: {}; there: {}", into.path().string(), from.path().string()),
       .fix = "were they made by other code, LibTorch or devices ('cmkd status')? Then keep them apart, or "
              "train one of them again ('cmkd run SUITE --retrain changed')"});
}

MergeReport merge_into(Store& into, const std::vector<fs::path>& from, const MergeOptions& options) {
  MergeReport report;
  CopiedFiles files;
  Transaction transaction(MergeAccess::database(into));
  for (const fs::path& path : from) {
    const Store source = Store::open(path, OpenMode::kReadOnly);
    Merger merger(into, source, options, report);
    merger.run();
    if (!merger.conflicts().empty()) refuse_conflicts(into, source, merger.conflicts());
    for (const std::string& relative : merger.artifacts())
      report.artifacts += files.copy(MergeAccess::database(source), source, into, relative) ? 1 : 0;
  }
  transaction.commit();
  files.keep();
  return report;
}

}  // namespace

MergeReport merge_stores(const fs::path& into, const std::vector<fs::path>& from, const MergeOptions& options) {
  require_sources(into, from);
  const bool is_new = !fs::exists(into);
  try {
    Store store = Store::open(into, OpenMode::kReadWriteCreate);
    return merge_into(store, from, options);
  } catch (...) {
    if (is_new) {
      std::error_code ignored;
      fs::remove(into, ignored);
      fs::remove_all(into.string() + ".artifacts", ignored);
    }
    throw;
  }
}

}  // namespace cmkd::results
