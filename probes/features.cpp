#include "cmkd/probes/features.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "cmkd/core/error.h"

namespace cmkd::probes {

namespace {

[[noreturn]] void throw_misfit(std::string what) { throw Error(ErrorKind::kInternal, {.what = std::move(what)}); }

// Lowest and highest of each dimension, and with them whether it is constant, exactly.
std::vector<bool> constant_dimensions(const FeatureMatrix& rows) {
  const auto width = static_cast<std::size_t>(rows.width);
  std::vector<bool> constant(width, true);
  for (std::size_t i = width; i < rows.values.size(); ++i) {
    if (rows.values[i] != rows.values[i % width]) constant[i % width] = false;
  }
  return constant;
}

}  // namespace

void check_features(const FeatureMatrix& rows, const std::string& what) {
  if (rows.rows < 0 || rows.width <= 0 || rows.values.size() != static_cast<std::size_t>(rows.rows * rows.width)) {
    throw_misfit(fmt::format("{} values of {} features do not make {} rows of width {}", rows.values.size(), what,
                             rows.rows, rows.width));
  }
  if (rows.rows == 0) {
    throw Error(ErrorKind::kData, {.what = fmt::format("there are no {} rows for a probe", what)});
  }
  const auto bad = std::ranges::find_if_not(rows.values, [](float value) { return std::isfinite(value); });
  if (bad == rows.values.end()) return;
  const std::int64_t place = bad - rows.values.begin();
  throw Error(ErrorKind::kData,
              {.what = fmt::format("a {} feature is {}", what, *bad),
               .where = fmt::format("row {}, dimension {}, counted from 0", place / rows.width, place % rows.width),
               .allowed = "finite numbers",
               .fix = "look at the training of the network that made the features"});
}

void check_targets(const Targets& targets, std::int64_t rows) {
  if (targets.labels.empty() == targets.tags.empty()) throw_misfit("a probe wants either labels or tags of its rows");
  const std::size_t expected = static_cast<std::size_t>(targets.multi_label() ? rows * targets.classes : rows);
  if (targets.classes <= 0 || targets.labels.size() + targets.tags.size() != expected) {
    throw_misfit(fmt::format("{} {} do not fit {} rows and {} classes", targets.labels.size() + targets.tags.size(),
                             targets.multi_label() ? "tags" : "labels", rows, targets.classes));
  }
  for (std::size_t row = 0; row < targets.labels.size(); ++row) {
    const std::int32_t label = targets.labels[row];
    if (label >= 0 && label < targets.classes) continue;
    throw Error(ErrorKind::kData, {.what = fmt::format("the label {} is no class", label),
                                   .where = fmt::format("row {}, counted from 0", row),
                                   .allowed = fmt::format("0 … {}", targets.classes - 1),
                                   .fix = "leave rows without a label out"});
  }
  const auto bad = std::ranges::find_if(targets.tags, [](std::uint8_t tag) { return tag > 1; });
  if (bad == targets.tags.end()) return;
  throw Error(ErrorKind::kData,
              {.what = fmt::format("the tag value {} is neither 0 nor 1", *bad),
               .where = fmt::format("row {}, counted from 0", (bad - targets.tags.begin()) / targets.classes)});
}

FeatureScaler::FeatureScaler(FeatureScaling scaling, const FeatureMatrix& training)
    : scaling_(scaling), width_(training.width) {
  check_features(training, "training");
  if (scaling != FeatureScaling::kStandardise) return;
  const auto width = static_cast<std::size_t>(width_);
  const auto count = static_cast<double>(training.rows);
  mean_.assign(width, 0);
  deviation_.assign(width, 0);
  for (std::size_t i = 0; i < training.values.size(); ++i) mean_[i % width] += training.values[i] / count;
  for (std::size_t i = 0; i < training.values.size(); ++i) {
    const double difference = training.values[i] - mean_[i % width];
    deviation_[i % width] += difference * difference / count;
  }
  const std::vector<bool> constant = constant_dimensions(training);
  for (std::size_t j = 0; j < width; ++j) deviation_[j] = constant[j] ? 1 : std::sqrt(deviation_[j]);
}

std::vector<float> FeatureScaler::apply(const FeatureMatrix& rows, const std::string& what) const {
  check_features(rows, what);
  if (rows.width != width_) {
    throw_misfit(
        fmt::format("{} features of width {}, but the probe was trained on width {}", what, rows.width, width_));
  }
  if (scaling_ == FeatureScaling::kUnitLength) return unit_rows(rows, what);
  std::vector<float> scaled(rows.values.begin(), rows.values.end());
  if (scaling_ == FeatureScaling::kNone) return scaled;
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    scaled[i] = static_cast<float>((scaled[i] - mean_[i % width]) / deviation_[i % width]);
  }
  return scaled;
}

std::vector<float> unit_rows(const FeatureMatrix& rows, const std::string& what) {
  check_features(rows, what);
  const auto width = static_cast<std::size_t>(rows.width);
  std::vector<float> scaled(rows.values.size());
  for (std::size_t first = 0; first < scaled.size(); first += width) {
    double squares = 0;
    for (const float value : rows.values.subspan(first, width)) squares += static_cast<double>(value) * value;
    if (squares == 0) {
      throw Error(ErrorKind::kData, {.what = fmt::format("a row of {} features has length zero", what),
                                     .where = fmt::format("row {}, counted from 0", first / width),
                                     .fix = "a direction is undefined there: look at the network that made it"});
    }
    const double length = std::sqrt(squares);
    for (std::size_t j = 0; j < width; ++j) scaled[first + j] = static_cast<float>(rows.values[first + j] / length);
  }
  return scaled;
}

std::vector<float> joined_unit_rows(const FeatureMatrix& first, const FeatureMatrix& second) {
  const std::vector<float> left = unit_rows(first, "the first modality's");
  const std::vector<float> right = unit_rows(second, "the second modality's");
  if (first.rows != second.rows) {
    throw_misfit(fmt::format("{} rows of one modality cannot stand beside {} of the other", first.rows, second.rows));
  }
  std::vector<float> joined;
  joined.reserve(left.size() + right.size());
  for (std::int64_t row = 0; row < first.rows; ++row) {
    joined.insert(joined.end(), left.begin() + row * first.width, left.begin() + (row + 1) * first.width);
    joined.insert(joined.end(), right.begin() + row * second.width, right.begin() + (row + 1) * second.width);
  }
  return joined;
}

std::vector<float> average_by_clip(std::span<const float> decision_values, std::span<const std::int64_t> clip_of_row,
                                   std::int64_t clips, std::int64_t classes) {
  if (clips <= 0 || classes <= 0 || decision_values.size() != clip_of_row.size() * static_cast<std::size_t>(classes)) {
    throw_misfit(fmt::format("{} decision values of {} rows do not fit {} clips and {} classes", decision_values.size(),
                             clip_of_row.size(), clips, classes));
  }
  const auto width = static_cast<std::size_t>(classes);
  std::vector<double> sums(static_cast<std::size_t>(clips) * width, 0);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(clips), 0);
  for (std::size_t row = 0; row < clip_of_row.size(); ++row) {
    if (clip_of_row[row] < 0 || clip_of_row[row] >= clips) {
      throw_misfit(fmt::format("row {} is of clip {}, and there are {} clips", row, clip_of_row[row], clips));
    }
    const auto clip = static_cast<std::size_t>(clip_of_row[row]);
    ++rows[clip];
    for (std::size_t c = 0; c < width; ++c) sums[clip * width + c] += decision_values[row * width + c];
  }
  std::vector<float> means(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (rows[i / width] == 0) throw_misfit(fmt::format("clip {} has no row", i / width));
    means[i] = static_cast<float>(sums[i] / static_cast<double>(rows[i / width]));
  }
  return means;
}

}  // namespace cmkd::probes
