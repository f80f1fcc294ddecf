#include "writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "content.h"
#include "state.h"

namespace cmkd::results {

namespace {

[[noreturn]] void throw_contradiction(std::string_view what, const std::string& key, const std::string& difference,
                                      const Database& database) {
  throw Error(
      ErrorKind::kData,
      {.what = fmt::format("{} {} was done before with another outcome, so determinism is broken: {}", what, key,
                           difference),
       .where = database.path().string(),
       .fix = "the stored row is kept. Was either run by other code, LibTorch or device, or in 'fast' mode? Then train "
              "what "
              "is "
              "stored again ('cmkd run SUITE --retrain changed'), or take another store; else please report it"});
}

bool same(const DatasetRecord::Excluded& a, const DatasetRecord::Excluded& b) {
  return std::tie(a.clip_id, a.path, a.split, a.reason) == std::tie(b.clip_id, b.path, b.split, b.reason);
}

std::vector<DatasetRecord::Excluded> sorted(std::vector<DatasetRecord::Excluded> excluded) {
  std::sort(excluded.begin(), excluded.end(), [](const auto& a, const auto& b) { return a.clip_id < b.clip_id; });
  return excluded;
}

}  // namespace

std::vector<PreparedEvaluation> prepare_evaluations(const std::string& training_key,
                                                    const std::vector<EvaluationRecord>& evaluations,
                                                    const std::filesystem::path& artifact_folder) {
  std::vector<PreparedEvaluation> prepared;
  for (const EvaluationRecord& record : evaluations) {
    if (record.training_key != training_key) {
      throw Error(ErrorKind::kInternal, {.what = fmt::format("evaluation {} is of training {}, not of {}", record.key,
                                                             record.training_key, training_key)});
    }
    PreparedEvaluation evaluation{record, encode_outputs(record.outputs), "", std::nullopt, ""};
    if (!evaluation.output_bytes.empty()) evaluation.outputs_fingerprint = hash_hex(evaluation.output_bytes);
    evaluation.content_fingerprint = fingerprint_of(content_of(record, evaluation.outputs_fingerprint));
    if (evaluation.output_bytes.size() > kLargestBlob) {
      evaluation.artifact =
          write_artifact_file(artifact_folder, std::as_bytes(std::span(evaluation.output_bytes)), "bin");
    }
    prepared.push_back(std::move(evaluation));
  }
  return prepared;
}

void Writer::put_dataset(const DatasetRecord& dataset) {
  Statement known(database_, "SELECT name, config_json, listed_clips FROM dataset WHERE fingerprint = ?");
  known.bind(dataset.source_fingerprint);
  if (!known.step()) {
    Statement(database_, "INSERT INTO dataset (fingerprint, name, config_json, listed_clips) VALUES (?, ?, ?, ?)")
        .bind(dataset.source_fingerprint, dataset.name, dataset.config_json, dataset.listed_clips)
        .run();
  } else if (known.integer(2) != dataset.listed_clips) {
    throw_contradiction("dataset", dataset.source_fingerprint,
                        fmt::format("listed clips: stored {}, now {}", known.integer(2), dataset.listed_clips),
                        database_);
  }
  Statement decoding(database_,
                     "SELECT used_clips FROM decoding WHERE dataset_fingerprint = ? AND decoded_fingerprint = ?");
  decoding.bind(dataset.source_fingerprint, dataset.decoded_fingerprint);
  const std::vector<DatasetRecord::Excluded> excluded = sorted(dataset.excluded);
  if (decoding.step()) {
    Statement rows(database_,
                   "SELECT clip_id, path, split, reason FROM excluded_clip "
                   "WHERE dataset_fingerprint = ? AND decoded_fingerprint = ? ORDER BY clip_id");
    rows.bind(dataset.source_fingerprint, dataset.decoded_fingerprint);
    std::vector<DatasetRecord::Excluded> stored;
    while (rows.step()) stored.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3)});
    const bool equal = decoding.integer(0) == dataset.used_clips &&
                       std::equal(stored.begin(), stored.end(), excluded.begin(), excluded.end(), same);
    if (equal) return;
    throw_contradiction("decoding", dataset.decoded_fingerprint,
                        fmt::format("used clips: stored {}, now {}; excluded clips: stored {}, now {}",
                                    decoding.integer(0), dataset.used_clips, stored.size(), excluded.size()),
                        database_);
  }
  Statement(database_, "INSERT INTO decoding (dataset_fingerprint, decoded_fingerprint, used_clips) VALUES (?, ?, ?)")
      .bind(dataset.source_fingerprint, dataset.decoded_fingerprint, dataset.used_clips)
      .run();
  Statement insert(database_,
                   "INSERT INTO excluded_clip (dataset_fingerprint, decoded_fingerprint, clip_id, path, split, reason) "
                   "VALUES (?, ?, ?, ?, ?, ?)");
  for (const DatasetRecord::Excluded& clip : excluded) {
    insert
        .bind(dataset.source_fingerprint, dataset.decoded_fingerprint, clip.clip_id, clip.path, clip.split, clip.reason)
        .run();
  }
}

void Writer::require_dataset(const TrainingRecord& training) {
  Statement known(database_, training.decoded_fingerprint.empty()
                                 ? "SELECT 1 FROM dataset WHERE fingerprint = ?"
                                 : "SELECT 1 FROM decoding WHERE dataset_fingerprint = ? AND decoded_fingerprint = ?");
  if (training.decoded_fingerprint.empty()) {
    known.bind(training.dataset_fingerprint);
  } else {
    known.bind(training.dataset_fingerprint, training.decoded_fingerprint);
  }
  if (known.step()) return;
  throw Error(ErrorKind::kInternal,
              {.what = fmt::format("training {} is on dataset '{}' (decoded '{}'), which is not in the store",
                                   training.key, training.dataset_fingerprint, training.decoded_fingerprint),
               .where = database_.path().string(),
               .fix = "put_dataset comes before commit_run"});
}

void Writer::put_training(const TrainingRecord& training, const std::optional<Artifact>& weights) {
  const Content content = content_of(training);
  const std::string fingerprint = fingerprint_of(content);
  if (weights) put_artifact(*weights, "weights");
  Statement known(database_, "SELECT status, content_fingerprint, weights_file FROM training WHERE key = ?");
  known.bind(training.key);
  if (known.step() && known.text(0) == "done") {
    if (known.text(1) != fingerprint) {
      const std::optional<TrainingRecord> stored = read_training(database_, training.key);
      throw_contradiction("training", training.key, describe_difference(content_of(*stored), content), database_);
    }
    if (weights && known.is_null(2)) {
      Statement(database_, "UPDATE training SET weights_file = ? WHERE key = ?")
          .bind(weights->path, training.key)
          .run();
    }
    return;
  }
  require_dataset(training);
  // A failed row goes with all that hangs on it.
  Statement(database_, "DELETE FROM training WHERE key = ?").bind(training.key).run();
  insert_training(training, fingerprint);
}

bool Writer::make_way(const TrainingRecord& training, const std::vector<PreparedEvaluation>& evaluations) {
  Statement known(database_, "SELECT status, content_fingerprint FROM training WHERE key = ?");
  known.bind(training.key);
  if (!known.step() || known.text(0) != "done") return false;
  bool same = known.text(1) == fingerprint_of(content_of(training));
  for (const PreparedEvaluation& evaluation : evaluations) {
    Statement stored(database_, "SELECT content_fingerprint FROM evaluation WHERE key = ?");
    same = same && (!stored.bind(evaluation.record.key).step() || stored.text(0) == evaluation.content_fingerprint);
  }
  if (same) {
    Statement(database_, "UPDATE training SET shared_code = ?, environment_fingerprint = ? WHERE key = ?")
        .bind(training.shared_code, put_environment(training.environment), training.key)
        .run();
    Statement(database_, "DELETE FROM measurement WHERE training_key = ?").bind(training.key).run();
    insert_measured("training_key", training.key, training.measured);
    for (const PreparedEvaluation& evaluation : evaluations) {
      Statement(database_, "UPDATE evaluation SET shared_code = ? WHERE key = ?")
          .bind(evaluation.record.shared_code, evaluation.record.key)
          .run();
    }
    return true;
  }
  Statement(database_, "DELETE FROM training WHERE key = ?").bind(training.key).run();
  Statement(database_, "UPDATE training SET shared_code = '' WHERE teacher_key = ?").bind(training.key).run();
  return false;
}

void Writer::insert_training(const TrainingRecord& training, const std::string& content_fingerprint) {
  const std::string environment = put_environment(training.environment);
  const bool done = training.status == RunStatus::kDone;
  Statement(
      database_,
      "INSERT INTO training (key, config_json, cell_key, dataset_fingerprint, decoded_fingerprint, method, control, "
      "label, verified, direction, student_model, teacher_model, teacher_key, seed, status, reason, "
      "initial_weights_fingerprint, batch_order_fingerprint, augmentation_fingerprint, final_weights_fingerprint, "
      "weights_file, selected_epoch, selection_rule, content_fingerprint, environment_fingerprint, shared_code) "
      "VALUES (?, ?, ?, ?, nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?, ?, ?, ?, ?)")
      .bind(training.key, training.config_json, training.cell_key, training.dataset_fingerprint,
            training.decoded_fingerprint, training.method, training.control, training.label, training.verified,
            training.direction, training.student_model, training.teacher_model, training.teacher_key, training.seed,
            done ? "done" : "failed", training.reason, training.initial_weights_fingerprint,
            training.batch_order_fingerprint, training.augmentation_fingerprint, training.final_weights_fingerprint,
            training.weights_file, training.selected_epoch, training.selection_rule, content_fingerprint, environment,
            training.shared_code)
      .run();
  Statement insert(database_,
                   "INSERT INTO epoch_value (training_key, phase, epoch, kind, name, value) VALUES (?, ?, ?, ?, ?, ?)");
  for (const EpochValue& value : training.epochs) {
    insert.bind(training.key, value.phase, value.epoch, value.kind, value.name, value.value).run();
  }
  insert_measured("training_key", training.key, training.measured);
}

void Writer::put_evaluation(const PreparedEvaluation& evaluation) {
  const EvaluationRecord& record = evaluation.record;
  Statement known(database_, "SELECT content_fingerprint FROM evaluation WHERE key = ?");
  known.bind(record.key);
  if (known.step()) {
    if (known.text(0) == evaluation.content_fingerprint) return;
    const std::optional<EvaluationRecord> stored = read_evaluation(database_, record.key);
    Statement outputs(database_, "SELECT fingerprint FROM clip_output WHERE evaluation_key = ?");
    outputs.bind(record.key);
    const std::string stored_outputs = outputs.step() ? outputs.text(0) : std::string();
    throw_contradiction(
        "evaluation", record.key,
        describe_difference(content_of(*stored, stored_outputs), content_of(record, evaluation.outputs_fingerprint)),
        database_);
  }
  Statement(database_,
            "INSERT INTO evaluation (key, config_json, training_key, task, protocol, split, content_fingerprint, "
            "shared_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(record.key, record.config_json, record.training_key, record.task, record.protocol, record.split,
            evaluation.content_fingerprint, record.shared_code)
      .run();
  Statement metric(database_, "INSERT INTO metric (evaluation_key, split, name, value, clips) VALUES (?, ?, ?, ?, ?)");
  for (const MetricValue& value : record.metrics) {
    metric.bind(record.key, value.split, value.name, value.value, value.clips).run();
  }
  insert_measured("evaluation_key", record.key, record.measured);
  if (evaluation.output_bytes.empty()) return;
  const auto clips = static_cast<std::int64_t>(record.outputs.clip_ids.size());
  if (evaluation.artifact) put_artifact(*evaluation.artifact, "outputs");
  Statement output(database_,
                   "INSERT INTO clip_output (evaluation_key, clips, width, fingerprint, content, artifact_path) "
                   "VALUES (?, ?, ?, ?, ?, ?)");
  if (evaluation.artifact) {
    output.bind(record.key, clips, record.outputs.width, evaluation.outputs_fingerprint, nullptr,
                evaluation.artifact->path);
  } else {
    output.bind(record.key, clips, record.outputs.width, evaluation.outputs_fingerprint,
                std::as_bytes(std::span(evaluation.output_bytes)), nullptr);
  }
  output.run();
}

void Writer::insert_measured(const char* owner_column, const std::string& key,
                             const std::map<std::string, double>& measured) {
  Statement insert(database_, fmt::format("INSERT INTO measurement ({}, name, value) VALUES (?, ?, ?)", owner_column));
  for (const auto& [name, value] : measured) insert.bind(key, name, value).run();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  insert.bind(key, kRecordedAt, seconds).run();
}

std::string Writer::put_environment(const EnvironmentRecord& environment) {
  Hasher hasher;
  for (const auto& [name, value] : environment.values) hasher.field(name).field(value);
  std::string fingerprint = hasher.hex();
  Statement known(database_, "SELECT 1 FROM environment WHERE fingerprint = ?");
  if (known.bind(fingerprint).step()) return fingerprint;
  Statement(database_, "INSERT INTO environment (fingerprint) VALUES (?)").bind(fingerprint).run();
  Statement insert(database_, "INSERT INTO environment_value (environment_fingerprint, name, value) VALUES (?, ?, ?)");
  for (const auto& [name, value] : environment.values) insert.bind(fingerprint, name, value).run();
  return fingerprint;
}

void Writer::put_artifact(const Artifact& artifact, const char* kind) {
  Statement known(database_, "SELECT fingerprint FROM artifact WHERE path = ?");
  if (!known.bind(artifact.path).step()) {
    Statement(database_, "INSERT INTO artifact (path, fingerprint, size_bytes, kind) VALUES (?, ?, ?, ?)")
        .bind(artifact.path, artifact.fingerprint, artifact.size_bytes, kind)
        .run();
  } else if (known.text(0) != artifact.fingerprint) {
    throw_contradiction("artifact", artifact.path,
                        fmt::format("bytes: stored {}, now {}", known.text(0), artifact.fingerprint), database_);
  }
}

}  // namespace cmkd::results
