// What a probe is fitted on: rows of frozen features, and the labels or tags of these rows.
// Pure functions and immutable objects, safe from any thread. Views own nothing: the values must outlive the call.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cmkd/core/named_enum.h"

namespace cmkd::probes {

struct FeatureMatrix {
  std::span<const float> values;  // [rows, width], row-major
  std::int64_t rows = 0;          // a clip with several views has a row for each
  std::int64_t width = 0;
};

// Of each row either the one class that it shows or all tags that it has: one of the two spans is empty.
struct Targets {
  std::span<const std::int32_t> labels = {};  // [rows], 0 … classes − 1
  std::span<const std::uint8_t> tags = {};    // [rows, classes], 1: the row has the tag, 0: it has not
  std::int64_t classes = 0;

  [[nodiscard]] bool multi_label() const noexcept { return !tags.empty(); }
  // Whether the row counts as an example of the class.
  [[nodiscard]] bool shows(std::size_t row, std::size_t class_index) const noexcept {
    return multi_label() ? tags[row * static_cast<std::size_t>(classes) + class_index] != 0
                         : static_cast<std::size_t>(labels[row]) == class_index;
  }
};

// Throws Error(kInternal) for sizes that do not fit, and Error(kData) for no rows and for a value that is not finite,
// naming its place. `what` names the rows: "training".
void check_features(const FeatureMatrix& rows, const std::string& what);
// Throws Error(kInternal) for sizes that do not fit `rows` and for both or none of labels and tags, and Error(kData)
// for a label that is no class, and a tag that is neither 0 nor 1.
void check_targets(const Targets& targets, std::int64_t rows);

// What is done to a feature before a probe sees it. XKD's scripts scale the features of one modality not at all, and
// those of two to unit length each, side by side (joined_unit_rows).
enum class FeatureScaling {
  kNone,
  kStandardise,  // each dimension less its mean, by its standard deviation (of a constant one: 1), of the training rows
  kUnitLength,   // each row by its Euclidean length
};
constexpr auto enum_names(FeatureScaling) noexcept {
  return std::to_array<EnumName<FeatureScaling>>({{FeatureScaling::kNone, "none"},
                                                  {FeatureScaling::kStandardise, "standardise"},
                                                  {FeatureScaling::kUnitLength, "unit_length"}});
}

class FeatureScaler {
 public:
  // Learns from the training rows what kStandardise needs.
  FeatureScaler(FeatureScaling scaling, const FeatureMatrix& training);

  // [rows, width]. Throws as check_features, Error(kInternal) for another width than that of the training rows, and
  // Error(kData) for a row of length zero where lengths become 1.
  [[nodiscard]] std::vector<float> apply(const FeatureMatrix& rows, const std::string& what) const;

  [[nodiscard]] std::int64_t width() const noexcept { return width_; }

 private:
  FeatureScaling scaling_;
  std::int64_t width_;
  std::vector<double> mean_;       // [width], of kStandardise
  std::vector<double> deviation_;  // [width]
};

// [rows, width]: every row with length 1. Throws as FeatureScaler::apply.
[[nodiscard]] std::vector<float> unit_rows(const FeatureMatrix& rows, const std::string& what);

// [rows, first.width + second.width]: for each row the unit-length rows of both side by side, as XKD's script for video
// and audio together does. Throws as unit_rows, and Error(kInternal) where the numbers of rows differ.
[[nodiscard]] std::vector<float> joined_unit_rows(const FeatureMatrix& first, const FeatureMatrix& second);

// [clips, classes]: the mean of the rows of each clip, as XKD's scripts average the decision values of a test video's
// clips. `clip_of_row` holds 0 … clips − 1. Throws Error(kInternal) for sizes that do not fit, a clip out of range, and
// a clip without a row.
[[nodiscard]] std::vector<float> average_by_clip(std::span<const float> decision_values,  // [rows, classes]
                                                 std::span<const std::int64_t> clip_of_row, std::int64_t clips,
                                                 std::int64_t classes);

}  // namespace cmkd::probes
