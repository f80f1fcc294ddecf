// One planned training, from data to a result file: what a worker process does.
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/trainer.h"
#include "cmkd/results/records.h"

namespace cmkd {

// Where the files of a run folder lie.
struct RunFolder {
  std::filesystem::path root;  // --out

  [[nodiscard]] std::filesystem::path store() const { return root / "results.db"; }
  [[nodiscard]] std::filesystem::path run(const std::string& key) const { return root / "runs" / key; }
  [[nodiscard]] std::filesystem::path checkpoint(const std::string& key) const {
    return run(key) / "checkpoint.safetensors";
  }
  [[nodiscard]] std::filesystem::path result(const std::string& key) const { return run(key) / "result.safetensors"; }
  [[nodiscard]] std::filesystem::path weights(const std::string& key) const { return run(key) / "weights.safetensors"; }
  [[nodiscard]] std::filesystem::path teacher(const std::string& key) const {
    return root / "teachers" / (key + ".safetensors");
  }
  [[nodiscard]] std::filesystem::path lock(const std::string& key) const { return root / "locks" / (key + ".lock"); }
};

// A finished run on its way into the store.
struct RunResult {
  results::TrainingRecord training;
  std::vector<results::EvaluationRecord> evaluations;  // none when it failed
  bool evaluation_only = false;                        // made from kept weights: `training` holds no more than the plan
  bool replaces = false;                               // takes the place of what is stored under its key
};

struct RunOneOptions {
  c10::Device device = c10::kCPU;
  double checkpoint_seconds = 10;
  std::filesystem::path finished_weights;  // of a training that is done: only evaluate
  bool replaces = false;                   // RunResult::replaces
  // Keys of the evaluations that are wanted; nothing: all of the plan. A teacher is always judged by all.
  std::optional<std::vector<std::string>> evaluations;
  std::function<void(const TrainerProgress&)> progress;
  MakeDeviceGraph make_graph = make_device_graph;  // for training.graphs
};

// The fields of a record that the plan alone determines.
[[nodiscard]] results::TrainingRecord planned_record(const Suite& suite, const PlannedTraining& planned,
                                                     const std::string& source_fingerprint);

// Trains (or resumes) and evaluates. A failure of the method becomes a failed record; Error(kInterrupted) passes
// through. Writes the teacher's outputs file when `planned` is a teacher, and the weights file when they are to be
// kept.
[[nodiscard]] RunResult run_one(const Suite& suite, const PlannedTraining& planned, const SuiteData& data,
                                const RunFolder& folder, const RunOneOptions& options);

void save_result(const std::filesystem::path& file, const RunResult& result);
[[nodiscard]] RunResult load_result(const std::filesystem::path& file);  // throws Error(kData)

}  // namespace cmkd
