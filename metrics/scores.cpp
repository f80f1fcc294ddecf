#include "cmkd/metrics/scores.h"

#include <fmt/format.h>

#include <cmath>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

std::size_t checked_rows(const Scores& scores, std::int64_t columns) {
  const auto width = static_cast<std::size_t>(columns);
  if (columns < 1 || scores.size() % width != 0) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("{} scores do not make rows of {} columns", scores.size(), columns)});
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isnan(scores[i])) continue;
    throw Error(ErrorKind::kInternal,
                {.what = "a score is not a number", .where = fmt::format("row {}, column {}", i / width, i % width)});
  }
  return scores.size() / width;
}

}  // namespace cmkd::metrics
