// The settings of a suite file as typed values. Each has one default, which stands in its struct, and one line in the
// table of its struct (settings.cpp), which says its name in files, range, doc and unit. IngestSettings,
// WindowSettings, CorruptionSettings, LoadingSettings and RuntimeOptions stand beside the code that obeys them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/batches/corruption.h"
#include "cmkd/batches/loading_settings.h"
#include "cmkd/batches/window_settings.h"
#include "cmkd/core/settings.h"
#include "cmkd/datasets/ingest_settings.h"
#include "cmkd/datasets/split.h"
#include "cmkd/models/load_options.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/suites/task.h"
#include "cmkd/suites/training_budget.h"

namespace cmkd {

// [suite]
struct GeneralSettings {
  std::string title;
  std::string description;
  Task task = Task::kActionRecognition;
  Protocol protocol = Protocol::kStrict;
  std::int64_t seeds = 5;  // how many; they are first_seed, first_seed + 1, …
  std::int64_t first_seed = 0;
};

// [labels]
struct LabelSettings : SplitSettings {
  std::string folds = "all";  // which of a dataset's folds: "1", "1,2" (Suite::folds)
};

// What is averaged over a clip's views.
enum class ViewAverage {
  kProbabilities,  // softmax, or sigmoid of a multi-label set
  kLogits,
};
constexpr auto enum_names(ViewAverage) noexcept {
  return std::to_array<EnumName<ViewAverage>>(
      {{ViewAverage::kProbabilities, "probabilities"}, {ViewAverage::kLogits, "logits"}});
}

// What a retrieval searches.
enum class Gallery {
  kTrain,        // the training split
  kLeaveOneOut,  // the queries themselves but the one that asks
};
constexpr auto enum_names(Gallery) noexcept {
  return std::to_array<EnumName<Gallery>>({{Gallery::kTrain, "train"}, {Gallery::kLeaveOneOut, "leave_one_out"}});
}

// What turns a trained network's features into a class.
enum class Classifier {
  kNetwork,            // its own head
  kLinearProbe,        // logistic regression on frozen features
  kLinearSvm,          // one against the rest
  kNearestNeighbours,  // by cosine
};
constexpr auto enum_names(Classifier) noexcept {
  return std::to_array<EnumName<Classifier>>({{Classifier::kNetwork, "network"},
                                              {Classifier::kLinearProbe, "linear_probe"},
                                              {Classifier::kLinearSvm, "linear_svm"},
                                              {Classifier::kNearestNeighbours, "knn"}});
}

// Of methods that train a network for each modality: whose features are evaluated.
enum class FeatureSource { kOwn, kOther, kBoth };
constexpr auto enum_names(FeatureSource) noexcept {
  return std::to_array<EnumName<FeatureSource>>(
      {{FeatureSource::kOwn, "own"}, {FeatureSource::kOther, "other"}, {FeatureSource::kBoth, "both"}});
}

// [evaluation]
struct EvaluationSettings {
  std::int64_t batch = 128;  // clips a forward pass
  ViewAverage average = ViewAverage::kProbabilities;
  Gallery gallery = Gallery::kTrain;
  std::int64_t truncate_at = 20;  // retrieval under Protocol::kPaper: ranks of the scripts' truncated mAP
  Classifier classifier = Classifier::kNetwork;
  FeatureSource features = FeatureSource::kOwn;
  std::int64_t feature_windows = 1;  // of each training clip that a classifier on features learns from
  std::int64_t neighbours = 20;      // Classifier::kNearestNeighbours
};

// [tune]
struct TuneSettings {
  std::int64_t trials = 8;  // of every method; the first is the suite's own setting
  std::int64_t seeds = 1;   // a trial
  std::int64_t first_seed = 1'000'000;
  std::int64_t validation_clips = 0;  // while tuning, when the suite has none
  double learning_rate_factor = 4;    // the learning rate is drawn from its value divided and times this
  double weight_decay_low = 1e-6;     // the weight decay is drawn between these, in its logarithm
  double weight_decay_high = 1e-2;
};

// "weights" and "weights_…" of [student] and [teacher]: what their training starts from.
struct WeightsSettings : LoadOptions {
  std::string file;           // "": weights drawn at random by the seed
  std::string entry;          // of a checkpoint
  std::string pretrained_on;  // names of sets, "kinetics400, audioset"
};

// The table of a struct: for GeneralSettings, IngestSettings, WindowSettings, LabelSettings, TrainingBudget,
// EvaluationSettings, TuneSettings, CorruptionSettings, RuntimeOptions, LoadingSettings and WeightsSettings.
template <typename Struct>
[[nodiscard]] const SettingTable<Struct>& setting_table();
template <>
const SettingTable<GeneralSettings>& setting_table();
template <>
const SettingTable<IngestSettings>& setting_table();
template <>
const SettingTable<WindowSettings>& setting_table();
template <>
const SettingTable<LabelSettings>& setting_table();
template <>
const SettingTable<TrainingBudget>& setting_table();
template <>
const SettingTable<EvaluationSettings>& setting_table();
template <>
const SettingTable<TuneSettings>& setting_table();
template <>
const SettingTable<CorruptionSettings>& setting_table();
template <>
const SettingTable<RuntimeOptions>& setting_table();
template <>
const SettingTable<LoadingSettings>& setting_table();
template <>
const SettingTable<WeightsSettings>& setting_table();

// The declared settings of a table, for `describe` and the docs: "suite", "ingest", "clip", "labels", "training",
// "evaluation", "tune", "corruption", "runtime", "loading", and "weights", which stand in [student] and [teacher].
[[nodiscard]] const std::vector<ParameterSpec>& section_specs(const std::string& section);
[[nodiscard]] std::vector<std::string> section_names();
[[nodiscard]] std::string section_title(const std::string& section);  // "[clip] of a suite file"

}  // namespace cmkd
