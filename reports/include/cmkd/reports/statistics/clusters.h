// Uncertainty over the test clips: another test set would hold other source videos. Clips of one video are alike, so
// that the bootstrap draws videos (groups) with all of their clips, not clips. Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cmkd/reports/statistics/bootstrap.h"

namespace cmkd::reports {

// Values of clips whose mean is the metric (1 where a clip is recognised; a query's average precision), added up by
// group.
struct ClusteredValues {
  std::vector<std::string> groups;  // names, ascending
  std::vector<double> clips;        // [G] number of clips
  std::vector<double> sums;         // [G] of their values

  [[nodiscard]] double mean() const;  // over the clips
};
// `groups` and `values` by clip. Requires as many of both, and one.
[[nodiscard]] ClusteredValues cluster_values(std::span<const std::string> groups, std::span<const double> values);

inline constexpr BootstrapPlan kClipBootstrap{2'000, 20'000};

// Several lists of values on the same clips, resampled together: replicates[i][r] is the mean of list i in resample r.
// Keyed by the groups and their sizes, so that every method of a table sees the same resamples, and the difference of
// two lists' replicates is the paired bootstrap of their difference.
struct ClipReplicates {
  std::vector<std::vector<double>> values;  // [list][resample]
  std::vector<double> weights;              // [resample], sum 1
  bool exact = false;

  [[nodiscard]] Resamples of(std::size_t list) const;
  [[nodiscard]] Resamples difference(std::size_t first, std::size_t second) const;
};
// Requires a list, and the same groups with the same numbers of clips in each.
[[nodiscard]] ClipReplicates bootstrap_clips(const std::vector<ClusteredValues>& lists,
                                             const BootstrapPlan& plan = kClipBootstrap);

// --- Metrics that are no mean over clips, and several test sets at once ---

// Source videos, and the strata within which they are drawn: of several folds those that are tested in the same folds,
// so that no fold is ever without clips.
struct ClipGroups {
  std::vector<std::string> names;                // [G] ascending
  std::vector<double> clips;                     // [G] in all folds together
  std::vector<std::vector<std::size_t>> strata;  // positions in names; each in exactly one
};

// The lists' values when group g is drawn draws[g] times. `values` is to be filled.
using DrawnValues = std::function<void(std::span<const double> draws, std::span<double> values)>;

// As bootstrap_clips: with one stratum the same draws. Requires a list, and a group in each stratum.
[[nodiscard]] ClipReplicates bootstrap_groups(const ClipGroups& groups, std::size_t lists, const DrawnValues& evaluate,
                                              const BootstrapPlan& plan = kClipBootstrap);

}  // namespace cmkd::reports
