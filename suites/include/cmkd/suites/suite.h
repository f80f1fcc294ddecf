// A suite file as checked values: what is compared, on which data, with which budget.
//
// Every setting is declared once (settings.cpp) with type, range, default and doc; a suite file and `--set` are read
// against these declarations, so that a typo is an error with file, line, allowed names and a suggestion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/batches/corruption.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/datasets/split.h"
#include "cmkd/runtime/batch.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

// Values of one table of a suite file, and where each came from ("default", "suites/quick.toml:12", "--set").
struct Section {
  Parameters values;
  std::map<std::string, std::string> origins;
  [[nodiscard]] std::string origin(const std::string& name) const;
};

struct MethodEntry {
  std::string id;
  Section section;                    // the method's parameters
  std::vector<std::string> controls;  // "shuffled-teacher", "shuffled-within-class"
  std::string origin;
};

struct ModelEntry {
  Modality modality = Modality::kVideo;
  std::string id;
  Section section;   // the model's parameters
  Section weights;   // "weights" and "weights_…": what its training starts from
  Section training;  // teacher: its own budget

  [[nodiscard]] bool has_weights() const { return !weights.values.text("weights").empty(); }
};

struct Suite {
  std::filesystem::path file;
  std::string name;
  Section general;  // [suite]: title, task, protocol, seeds, …
  std::string dataset;
  Section dataset_values;  // [dataset]
  Section ingest;
  Section clip;
  Section labels;
  ModelEntry teacher;
  ModelEntry student;
  Section training;
  Section evaluation;
  Section tune;
  Section corruption;  // of the teacher's modality in the pairs that it teaches on
  Section runtime;     // of the process that trains
  std::vector<MethodEntry> methods;

  // What a [sweep] makes of the suite: one variant for each of its values, in their order. Empty without a sweep.
  std::vector<Suite> variants;
  // Of a variant: the setting, its value as text, both as one text, and the value as a number.
  std::string swept_setting;    // "corruption.share"
  std::string swept_value;      // "0.4"
  std::string condition;        // "corruption.share = 0.4"
  std::optional<double> level;  // 0.4

  [[nodiscard]] std::vector<std::int64_t> seeds() const;
  [[nodiscard]] std::string direction() const;  // "audio->video"
  [[nodiscard]] IngestSettings ingest_settings() const;
  [[nodiscard]] WindowSettings window_settings() const;
  [[nodiscard]] SplitSettings split_settings() const;
  [[nodiscard]] CorruptionSettings corruption_settings() const;
  [[nodiscard]] RuntimeOptions runtime_options() const;
  // The folds of the dataset that the suite runs: [""] for a set of one split. Throws Error(kUsage) for one that the
  // dataset does not have.
  [[nodiscard]] std::vector<std::string> folds(const std::vector<std::string>& of_dataset) const;
  // The suite itself, or its variants.
  [[nodiscard]] std::vector<const Suite*> cases() const;
};

// One `--set key=value`; the key is `section.name` or `methods.<id>.<parameter>`, the value in TOML syntax.
[[nodiscard]] Suite load_suite(const std::filesystem::path& file, const std::vector<std::string>& overrides);

// One `key=value` for parameters outside a suite (`datasets make --set`), the value in TOML syntax.
void set_parameter(Parameters& parameters, const std::string& text);

// The declared settings of a table, for `describe` and the docs: "suite", "ingest", "clip", "labels", "training",
// "evaluation", "tune", "corruption", "runtime", and "weights", which stand in [student] and [teacher].
[[nodiscard]] const std::vector<ParameterSpec>& section_specs(const std::string& section);
[[nodiscard]] std::vector<std::string> section_names();
[[nodiscard]] std::string section_title(const std::string& section);  // "[clip] of a suite file"

// The suite as TOML with the origin of every value as a comment: `plan --show-config`.
[[nodiscard]] std::string show_config(const Suite& suite);

inline constexpr const char* kControls[] = {"shuffled-teacher", "shuffled-within-class"};

}  // namespace cmkd
