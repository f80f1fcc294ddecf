#include "run_ledger.h"

#include <filesystem>

#include "cmkd/core/file.h"
#include "cmkd/harness/provenance.h"
#include "cmkd/harness/rerun.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

namespace fs = std::filesystem;

RunLedger::RunLedger(const Suite& suite, const RunOptions& options, const SuiteData& data, const Plan& plan)
    : suite_(suite),
      options_(options),
      data_(data),
      folder_{options.out},
      store_(results::Store::open(folder_.store(), results::OpenMode::kReadWriteCreate)),
      here_(origin_here(parse_device(options.device))) {
  store_.put_dataset(data_.record(suite_));
  store_.set_suite_links(suite_.name, plan.links);
  std::vector<std::string> keys;
  for (const PlannedTraining& planned : plan.trainings) keys.push_back(planned.key);
  if (!suite_.text.empty()) store_.put_recipe(recipe_of(suite_, options_), keys);
}

std::optional<results::RunStatus> RunLedger::status(const PlannedTraining& planned) const {
  return store_.status(planned.key);
}

bool RunLedger::is_done(const PlannedTraining& planned) const {
  const std::optional<results::RunStatus> stored = status(planned);
  if (!stored) return false;
  if (*stored == results::RunStatus::kFailed) return !options_.retry_failed;
  return is_evaluated(store_, planned);
}

bool RunLedger::is_changed(const PlannedTraining& planned) const { return !difference(planned).empty(); }

bool RunLedger::teacher_failed(const PlannedTraining& planned) const {
  return !planned.teacher_key.empty() && store_.status(planned.teacher_key) == results::RunStatus::kFailed;
}

bool RunLedger::has_teacher_outputs(const PlannedTraining& teacher) const {
  const fs::path file = folder_.teacher(teacher.key);
  if (!fs::exists(file)) return false;
  std::vector<std::string> judges;
  for (const PlannedEvaluation& evaluation : teacher.evaluations) judges.push_back(evaluation.judge);
  return has_test_scores(file, judges);
}

std::vector<std::string> RunLedger::missing_evaluations(const PlannedTraining& planned) const {
  return cmkd::missing_evaluations(store_, planned);
}

bool RunLedger::is_finished(const PlannedTraining& planned) const { return fs::exists(folder_.result(planned.key)); }

std::string RunLedger::failure(const PlannedTraining& planned) const {
  const std::optional<results::TrainingRecord> record = store_.training(planned.key);
  return record && record->status == results::RunStatus::kFailed ? record->reason : "";
}

std::string RunLedger::kept_weights(const PlannedTraining& planned) const {
  const std::optional<results::TrainingRecord> record = store_.training(planned.key);
  if (!record || record->status != results::RunStatus::kDone || record->weights_file.empty()) return "";
  return store_.artifact_path(record->weights_file).string();
}

std::string RunLedger::difference(const PlannedTraining& planned) const {
  return stored_difference(store_, planned, here_);
}

bool RunLedger::commit(const PlannedTraining& planned) {
  // Another runner on the same folder may have committed it in between.
  if (!is_finished(planned) && store_.has_training(planned.key)) return true;
  RunResult result = load_result(folder_.result(planned.key));
  if (fs::exists(folder_.weights(planned.key))) {
    const MappedFile weights(folder_.weights(planned.key));
    result.training.weights_file = store_.write_artifact(weights.bytes(), "safetensors");
  }
  bool same = true;
  if (result.evaluation_only) {
    store_.put_evaluations(result.training.key, result.evaluations);
  } else if (result.replaces && status(planned) == results::RunStatus::kDone) {
    same = store_.replace_run(result.training, result.evaluations);
  } else {
    store_.commit_run(result.training, result.evaluations);
  }
  fs::remove_all(folder_.run(planned.key));
  return same;
}

bool RunLedger::fail(const PlannedTraining& planned, const std::string& reason) {
  results::TrainingRecord record = planned_record(suite_of(suite_, planned), planned, data_.listed.source_fingerprint);
  record.decoded_fingerprint = data_.cache.decoded_fingerprint();
  record.status = results::RunStatus::kFailed;
  record.reason = reason;
  const bool stays = status(planned) == results::RunStatus::kDone;
  if (!stays) store_.commit_run(record, {});
  fs::remove_all(folder_.run(planned.key));
  return !stays;
}

}  // namespace cmkd
