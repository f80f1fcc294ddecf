// Weights of a file into a model: what fits, what is missing, what is left over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/models/model.h"
#include "cmkd/weights/weight_file.h"

namespace cmkd {

struct LoadOptions {
  // Removed from the file's names; tensors without it are then left out ("backbone." leaves a projector out). "auto":
  // "module." (DataParallel) when every name has it. "": nothing.
  std::string prefix = "auto";
  // "load", or "skip": the head (fc.*) keeps its first weights, whatever the file has for it.
  std::string classifier = "load";
  // "exact", or "sum": when the model's first convolution has one input channel and the file's has several, these are
  // added up: a grey picture then gives what a picture of equal channels gave.
  std::string first_conv = "exact";
  // Tensors that are missing, unexpected or of another shape are then reported, and no error. At least one must fit.
  bool allow_partial = false;
};

struct ShapeMismatch {
  std::string name;
  std::vector<std::int64_t> in_file;
  std::vector<std::int64_t> in_model;
};

// Names as in the model. What the model calls a head and `classifier` skips is in `skipped` alone.
struct WeightsReport {
  std::string file;    // the line of describe(WeightFile)
  std::string prefix;  // that was removed
  std::vector<std::string> matched;
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<ShapeMismatch> wrong_shape;
  std::vector<std::string> skipped;
  std::vector<std::string> summed;    // first_conv; also matched
  std::vector<std::string> left_out;  // of the file, without the prefix that was asked for
  // Counters of batch norm that old files do not have; the model's start at 0.
  std::vector<std::string> missing_counters;

  [[nodiscard]] bool complete() const { return missing.empty() && unexpected.empty() && wrong_shape.empty(); }
  // "120 of 122 tensors fit, 2 of the head skipped"
  [[nodiscard]] std::string summary() const;
  // The summary and a line for each name that does not fit.
  [[nodiscard]] std::string text() const;
};

// Names of the classification head's parameters: "fc.weight", "fc.bias".
[[nodiscard]] bool is_classifier_parameter(const std::string& name);

// Compares without changing the model. Throws Error(kUsage) for an unknown value of an option.
[[nodiscard]] WeightsReport compare_weights(const Model& model, const WeightFile& file,
                                            const LoadOptions& options = {});

// Copies what fits into the model, on whatever device and in whatever type this is. Throws Error(kData) with the
// report's text, and then changes nothing, when something does not fit and `allow_partial` is not set.
WeightsReport load_pretrained(Model& model, const WeightFile& file, const LoadOptions& options = {});

}  // namespace cmkd
