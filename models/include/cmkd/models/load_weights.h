// Weights of a file into a model: what fits, what is missing, what is left over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/models/load_options.h"
#include "cmkd/models/model.h"
#include "cmkd/weights/weight_file.h"

namespace cmkd {

struct ShapeMismatch {
  std::string name;
  std::vector<std::int64_t> in_file;
  std::vector<std::int64_t> in_model;
};

struct PrefixFit {
  std::string prefix;     // "teacher.", "" for none
  std::int64_t fits = 0;  // tensors that fit once it is removed
};

struct NotFinite {
  std::string name;
  std::int64_t values = 0;  // that are NaN or infinite, in the model's type
  std::int64_t of = 0;      // all values of the tensor
};

// Names as in the model. What the model calls a head and `classifier` skips is in `skipped` alone.
struct WeightsReport {
  std::string file;                           // the line of describe(WeightFile)
  std::string prefix;                         // that was removed
  std::vector<std::string> further_prefixes;  // whose tensors stand for what is missing behind it
  std::vector<PrefixFit> other_prefixes;      // of "auto": with which at least half as many tensors fit, best first
  std::optional<PrefixFit> better_prefix;     // when a prefix was given and more tensors fit with another: the best
  std::vector<std::string> matched;
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<ShapeMismatch> wrong_shape;
  std::vector<std::string> skipped;
  std::vector<std::string> summed;    // first_conv; also matched
  std::vector<std::string> left_out;  // of the file, without the prefix that was asked for
  // Counters of batch norm that old files do not have; the model's start at 0.
  std::vector<std::string> missing_counters;
  std::vector<NotFinite> not_finite;  // of what would be loaded

  [[nodiscard]] bool complete() const {
    return missing.empty() && unexpected.empty() && wrong_shape.empty() && not_finite.empty();
  }
  // "120 of 122 tensors fit, 2 of the head skipped"
  [[nodiscard]] std::string summary() const;
  // The summary and a line for each name that does not fit.
  [[nodiscard]] std::string text() const;
};

// Names of the classification head's parameters: "fc.weight", "fc.bias".
[[nodiscard]] bool is_classifier_parameter(const std::string& name);

// Whether a name speaks of a second copy of the weights that one rarely wants: "model_ema", "momentum_encoder.".
[[nodiscard]] bool names_a_copy(const std::string& name);

// Compares without changing the model. Throws Error(kUsage) for an unknown value of an option.
[[nodiscard]] WeightsReport compare_weights(const Model& model, const WeightFile& file,
                                            const LoadOptions& options = {});

// Copies what fits into the model, on whatever device and in whatever type this is. Throws Error(kData) with the
// report's text, and then changes nothing, when something does not fit and `allow_partial` is not set, and always when
// a value that would be loaded is NaN or infinite.
WeightsReport load_weights(Model& model, const WeightFile& file, const LoadOptions& options = {});

struct FittingEntry {
  WeightFile file;
  WeightsReport report;
  struct Other {
    std::string entry;
    std::int64_t fits = 0;   // tensors
    std::string unreadable;  // why it could not be compared
  };
  std::vector<Other> others;  // entries that were looked at too
};
using CompareEntry = std::function<WeightsReport(const WeightFile&)>;
// Reads the entry of a checkpoint; without a name, the one that read_weight_file takes, unless it does not fit and
// another fits better: then that (ties: no mark of an average in its name, then the file's order). `compare_all`:
// compares the others in any case.
[[nodiscard]] FittingEntry read_fitting_entry(const std::filesystem::path& path, const std::string& entry,
                                              const CompareEntry& compare, bool compare_all = false);

}  // namespace cmkd
