// What a table says beyond means: how far another test set or other seeds could move a row, and what two ranked rows
// are to each other. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cmkd/reports/statistics.h"
#include "cmkd/reports/statistics/equivalence.h"

namespace cmkd::reports {

// Of a row's mean over its seeds, over other test clips: seeds alone say nothing of another test set. The bootstrap
// draws source videos with all of their clips (statistics/clusters.h); the seeds stay as they are.
struct OverClips {
  std::optional<Interval> interval;    // 95 %, percentiles
  std::optional<Interval> to_student;  // of the difference to `student` on the same clips
  std::int64_t clips = 0;
  std::int64_t groups = 0;  // source videos
  std::string why_not;      // "" when there is an interval
};

// Where a row stands among the ranked rows of its table, by its mean over the seeds that all of them have.
struct RowRank {
  double rank = 0;    // 1 is the best; ties share the mean of theirs
  Interval interval;  // 95 %, over resampled seeds, the same ones for every row
};

// Two complete methods of a table. A difference is `better` − `other`, in the metric, so that of a metric of which
// lower is better it is negative.
struct RowPair {
  std::string better;  // name of the row that stands higher
  std::string other;
  std::optional<PairedComparison> seeds;    // over the seeds that they share
  std::string why_not;                      // of the seeds left out; "" when none is
  std::optional<double> holm_p;             // of the sign-flip p over the pairs of the table; nothing below 6 seeds
  double probability_of_improvement = 0.5;  // that a seed of the better one beats a seed of the other, ties half
  Interval probability_interval;            // 95 %, seeds resampled
  std::optional<Equivalence> equivalence;   // over the seeds' differences, rope of 1 point; nothing below 5 seeds
  std::optional<Interval> over_clips;       // 95 %, of the difference over other test clips
};

}  // namespace cmkd::reports
