// A suite file as checked values: what is compared, on which data, with which budget.
//
// Every setting is declared once (settings.cpp) with type, range, default and doc; a suite file and `--set` are read
// against these declarations, so that a typo is an error with file, line, allowed names and a suggestion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/datasets/clip.h"
#include "cmkd/runtime/batch.h"
#include "cmkd/suites/section.h"

namespace cmkd {

inline constexpr const char* kShuffledTeacher = "shuffled-teacher";
inline constexpr const char* kShuffledWithinClass = "shuffled-within-class";
inline constexpr const char* kControls[] = {kShuffledTeacher, kShuffledWithinClass};

struct MethodEntry {
  std::string id;
  NamedSection section;               // the method's parameters
  std::vector<std::string> controls;  // of kControls
  std::string origin;
};

struct ModelEntry {
  Modality modality = Modality::kVideo;
  std::string id;
  NamedSection section;                   // the model's parameters
  TypedSection<WeightsSettings> weights;  // what its training starts from
  TypedSection<TrainingBudget> training;  // teacher: its own budget

  [[nodiscard]] bool has_weights() const { return !weights.values.file.empty(); }
};

struct Suite {
  std::filesystem::path file;
  std::string text;  // of the file, as it was read
  std::string name;
  TypedSection<GeneralSettings> general;  // [suite]
  std::string dataset;
  NamedSection dataset_values;  // [dataset]
  TypedSection<IngestSettings> ingest;
  TypedSection<WindowSettings> clip;
  TypedSection<LabelSettings> labels;
  ModelEntry teacher;
  ModelEntry student;
  TypedSection<TrainingBudget> training;
  TypedSection<EvaluationSettings> evaluation;
  TypedSection<TuneSettings> tune;
  TypedSection<CorruptionSettings> corruption;  // of the teacher's modality in the pairs that it teaches on
  TypedSection<RuntimeOptions> runtime;         // of the process that trains
  TypedSection<LoadingSettings> loading;        // likewise; no result depends on it
  std::vector<MethodEntry> methods;

  // What a [sweep] makes of the suite: one variant for each of its values, in their order. Empty without a sweep.
  std::vector<Suite> variants;
  // Of a variant: the setting, and its value as text and as a number.
  std::string swept_setting;    // "corruption.share"
  std::string swept_value;      // "0.4"
  std::optional<double> level;  // 0.4

  [[nodiscard]] std::vector<std::int64_t> seeds() const;
  [[nodiscard]] std::string direction() const;  // "audio->video"
  [[nodiscard]] std::string condition() const;  // of a variant: "corruption.share = 0.4"; else ""
  // The folds of the dataset that the suite runs: [""] for a set of one split. Throws Error(kUsage) for one that the
  // dataset does not have.
  [[nodiscard]] std::vector<std::string> folds(const std::vector<std::string>& of_dataset) const;
  // Protocol `paper` chooses epochs on the reported split, as the original scripts do; `strict` never looks at it.
  [[nodiscard]] bool chooses_on_reported_split() const;
  // A training of this budget takes its best epoch instead of its last.
  [[nodiscard]] bool chooses_epoch(const TrainingBudget& budget) const;
  // The suite itself, or its variants.
  [[nodiscard]] std::vector<const Suite*> cases() const;
  // "dataset", "teacher.training" or a table of section_names(); null for another name, and for "weights", of which
  // there are two.
  [[nodiscard]] Section* section(std::string_view table);
};

// One `--set key=value`; the key is `section.name` or `methods.<id>.<parameter>`, the value in TOML syntax.
[[nodiscard]] Suite load_suite(const std::filesystem::path& file, const std::vector<std::string>& overrides);

// One `key=value` for parameters outside a suite (`datasets make --set`), the value in TOML syntax.
void set_parameter(Parameters& parameters, const std::string& text);

// The suite as TOML with the origin of every value as a comment: `plan --show-config`.
[[nodiscard]] std::string show_config(const Suite& suite);

}  // namespace cmkd
