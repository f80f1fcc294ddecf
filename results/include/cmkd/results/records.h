// What the store keeps, as plain values: no SQL, no tensors. See results/schema.sql and docs/store.md for the columns.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "cmkd/core/named_enum.h"

namespace cmkd::results {

// A dataset as one configuration of it was ingested and split.
struct DatasetRecord {
  std::string source_fingerprint;   // file bytes, labels, split, ingest settings: the identity
  std::string name;                 // "synthetic"
  std::string config_json;          // canonical
  std::string decoded_fingerprint;  // of the decoded clips; differs between decoders in the last bits
  std::int64_t listed_clips = 0;
  std::int64_t used_clips = 0;
  struct Excluded {
    std::string clip_id;
    std::string path;
    std::string split;
    std::string reason;  // "no_audio_stream: …"
  };
  std::vector<Excluded> excluded;
};

// Everything that explains a run and is not in its key.
struct EnvironmentRecord {
  std::map<std::string, std::string> values;  // "libtorch" -> "2.13.0", "cpu_level", "threads", "git_revision", …
};

// What made a result, as far as it may change a number although no key holds it.
struct Origin {
  std::string shared_code;  // hash; "": not known
  std::string libtorch;     // "2.13.0"
  std::string device;       // kind: "cpu", "cuda"
  std::string cpu_level;    // instruction level that LibTorch uses: "AVX2"
  friend bool operator==(const Origin&, const Origin&) = default;
  friend bool operator<(const Origin& a, const Origin& b) {
    return std::tie(a.shared_code, a.libtorch, a.device, a.cpu_level) <
           std::tie(b.shared_code, b.libtorch, b.device, b.cpu_level);
  }
};
// Values that the environment does not hold are "".
[[nodiscard]] Origin origin_of(const std::string& shared_code, const EnvironmentRecord& environment);

enum class RunStatus { kDone, kFailed };

// A value per epoch: loss terms (mean over the epoch's steps) and diagnostics.
struct EpochValue {
  std::int64_t epoch = 0;
  std::string phase;  // "main", "init"
  std::string kind;   // "term", "diagnostic", "validation", "schedule"
  std::string name;
  double value = 0;
};

// TrainingRecord::selection_rule where nothing was chosen.
inline constexpr const char* kLastEpochRule = "last epoch";

struct TrainingRecord {
  std::string key;          // hash of config_json: the identity
  std::string config_json;  // canonical configuration of the training
  std::string
      cell_key;  // hash of what is shared by all methods of a cell (dataset, labels, direction, models, budget, seed)
  std::string dataset_fingerprint;
  std::string decoded_fingerprint;  // the decoding that it saw (DatasetRecord); "" when not recorded
  std::string method;               // "mnf_csc"
  std::string control;              // "", "shuffled-teacher", "shuffled-within-class"
  std::string label;                // what tables show: "mnf_csc", "kd (shuffled-teacher)"
  std::string verified;             // "step", "loss", "part", "none"
  std::string direction;            // "audio->video"
  std::string student_model;
  std::string teacher_model;  // "" when the method has none
  std::string teacher_key;    // key of the teacher's training, "" when none
  std::int64_t seed = 0;
  RunStatus status = RunStatus::kDone;
  std::string reason;  // of a failure: "loss is not finite at epoch 3, step 120 (term 'kd')"
  std::string initial_weights_fingerprint;
  std::string batch_order_fingerprint;
  std::string augmentation_fingerprint;
  std::string final_weights_fingerprint;
  std::string weights_file;  // relative to the store's artifact folder; "" when not kept
  std::int64_t selected_epoch = -1;
  std::string selection_rule;  // "last epoch", "best top1 on validation"
  std::vector<EpochValue> epochs;
  EnvironmentRecord environment;
  std::string shared_code;  // hash of the code that all methods share; "": not known (a store older than version 3)
  std::map<std::string, double>
      measured;  // "train_seconds", "step_milliseconds", "peak_memory_bytes": not reproducible
};

struct MetricValue {
  std::string name;   // "top1"
  std::string split;  // "test", "validation", "transfer"
  double value = 0;   // fractions in [0, 1], not per cent
  std::int64_t clips = 0;
};

// Per-clip outputs of an evaluation, for recomputing metrics and comparing runs sample by sample.
struct ClipOutputs {
  std::vector<std::string> clip_ids;  // [N]
  std::vector<std::string> groups;    // [N] source video, for clustered resampling
  std::vector<std::int32_t> labels;   // [N]; −1 in a multi-label set
  std::int64_t width = 0;             // of a row of scores
  // [N, width] class scores, averaged over views; retrieval: embeddings; damage of the teacher's side: a method's
  // signals
  std::vector<float> scores;
  // Retrieval: the first clips ask, the others are the gallery; all of them: each asks, and is left out of its own
  // gallery. 0 in other tasks.
  std::int64_t queries = 0;
  std::vector<std::vector<std::int32_t>> tags = {};  // [N] in a multi-label set, each ascending; empty in others
};

struct EvaluationRecord {
  std::string key;          // hash of config_json
  std::string config_json;  // training key, task, protocol, views, metrics
  std::string training_key;
  std::string task;      // "action_recognition"
  std::string protocol;  // "strict", "paper"
  std::string split;     // "test"
  std::vector<MetricValue> metrics;
  std::string shared_code;  // as of a training; another than its training's where it was evaluated later
  ClipOutputs outputs;      // stored in the database up to 1 MB, else as a content-addressed file beside it
  std::map<std::string, double> measured;
};

// What makes a training again, beside the data: the suite file as it was, and what the command line changed of it.
struct Recipe {
  std::string suite;                   // name of the file without ".toml"
  std::string content;                 // of the suite file
  std::vector<std::string> overrides;  // of --set, in their order: "training.epochs=2"
  enum class Kind { kRun, kTuning, kTuned };
  Kind kind = Kind::kRun;
  std::map<std::string, std::int64_t> winners;  // of kTuned: the trial that each method trains with
  friend bool operator==(const Recipe&, const Recipe&) = default;
};
constexpr auto enum_names(Recipe::Kind) noexcept {
  return std::to_array<EnumName<Recipe::Kind>>(
      {{Recipe::Kind::kRun, "run"}, {Recipe::Kind::kTuning, "tuning"}, {Recipe::Kind::kTuned, "tuned"}});
}

// What a row of a suite is to the comparison of its methods.
enum class RowRole {
  kLowerBound,  // the student alone
  kMethod,
  kControl,  // a method with its teacher's knowledge destroyed
  kTeacher,
  kCeiling,     // sees labels that the others do not
  kUpperBound,  // uses both modalities
  kExternal,    // made by another program: its outputs came in by `cmkd import`, and pair with nobody's
};
// As stored.
constexpr auto enum_names(RowRole) noexcept {
  return std::to_array<EnumName<RowRole>>({{RowRole::kLowerBound, "lower bound"},
                                           {RowRole::kMethod, "method"},
                                           {RowRole::kControl, "control"},
                                           {RowRole::kTeacher, "teacher"},
                                           {RowRole::kCeiling, "ceiling"},
                                           {RowRole::kUpperBound, "upper bound"},
                                           {RowRole::kExternal, "external"}});
}
// Throws Error(kData) for another text; `where` names its place.
[[nodiscard]] RowRole row_role_of(const std::string& text, const std::string& where);

// A suite's link to an evaluation, with what the plan knows of it: suites own no results, and a row that has not run is
// known by its link alone.
struct SuiteLink {
  std::string suite;
  std::string suite_title;
  std::string suite_file;  // "suites/quick.toml"
  std::string task;
  std::string dataset;         // shown name
  std::string direction;       // "audio->video"
  std::string protocol;        // "strict", "paper"
  std::string primary_metric;  // "top1"
  std::string method_order;    // position of the method in the suite file, zero-padded: "0003"
  std::string method;          // "kd"
  std::string control;         // "shuffled-teacher"; "" for none
  std::string label;           // what tables show: "kd (shuffled-teacher)"
  RowRole role = RowRole::kMethod;
  std::string student_model;
  std::int64_t seed = 0;
  std::optional<std::int64_t> trial;  // of a tuning
  std::string fold;                   // which of the dataset's folds; "" in a set of one
  // Of a sweep: the setting, and its value here as text and, where it is one, as a number.
  std::string swept_setting;  // "corruption.share"; "" outside a sweep
  std::string swept_value;    // "0.5"
  std::optional<double> level;
  std::string training_key;
  std::string evaluation_key;
  // Shown, never read: the commands that make this run again, and all seeds of its row.
  std::string rerun_command;      // "cmkd run suites/quick.toml --only 'kd' --seed 3"
  std::string row_rerun_command;  // "cmkd run suites/quick.toml --only 'kd'"
};

}  // namespace cmkd::results
