// Rows that the tests make: clouds of points round a centre for each class, from named random streams.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cmkd/core/random.h"
#include "cmkd/probes/features.h"

namespace cmkd::probes::test {

struct MadeRows {
  std::vector<float> values;         // [rows, width]
  std::vector<std::int32_t> labels;  // [rows]
  std::int64_t width = 0;
  std::int64_t classes = 0;

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(labels.size()); }
  [[nodiscard]] FeatureMatrix features() const { return {values, rows(), width}; }
  [[nodiscard]] Targets targets() const { return {.labels = labels, .classes = classes}; }
};

// Labels in turn 0, 1, …; the centre of a class is normal times `spread`, a point normal round it.
inline MadeRows made_rows(std::int64_t rows, std::int64_t width, std::int64_t classes, double spread,
                          std::string_view name = "points") {
  const RandomStreams streams("probes", "made", 1);
  MadeRows made;
  made.width = width;
  made.classes = classes;
  std::vector<double> centres;
  RandomStream of_centres = streams.stream("centres");
  for (std::int64_t i = 0; i < classes * width; ++i) centres.push_back(spread * of_centres.normal());
  RandomStream of_points = streams.stream(name);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t label = row % classes;
    made.labels.push_back(static_cast<std::int32_t>(label));
    for (std::int64_t j = 0; j < width; ++j) {
      made.values.push_back(
          static_cast<float>(centres[static_cast<std::size_t>(label * width + j)] + of_points.normal()));
    }
  }
  return made;
}

// The same rows in reverse.
inline MadeRows reversed(const MadeRows& made) {
  MadeRows other = made;
  other.values.clear();
  other.labels.clear();
  for (std::int64_t row = made.rows(); row-- > 0;) {
    other.labels.push_back(made.labels[static_cast<std::size_t>(row)]);
    const auto first = made.values.begin() + row * made.width;
    other.values.insert(other.values.end(), first, first + made.width);
  }
  return other;
}

// Two tags a row by its label, so that neither is a class of its own: tag 0 of the labels 0 and 1, tag 1 of 1 and 2, …
inline std::vector<std::uint8_t> made_tags(const MadeRows& made) {
  std::vector<std::uint8_t> tags(made.labels.size() * static_cast<std::size_t>(made.classes), 0);
  for (std::size_t row = 0; row < made.labels.size(); ++row) {
    const auto label = static_cast<std::size_t>(made.labels[row]);
    const auto classes = static_cast<std::size_t>(made.classes);
    tags[row * classes + label] = 1;
    tags[row * classes + (label + classes - 1) % classes] = 1;
  }
  return tags;
}

}  // namespace cmkd::probes::test
