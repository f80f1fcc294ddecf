// A row's metric over resamples of its test clips, from the stored outputs of its seeds. Private to reports/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/statistics/clusters.h"

namespace cmkd::reports {

// Why a row has none. Kept with the numbers: the order is part of their meaning.
enum class NoClips { kThere, kNoOutputs, kUnusable, kOtherClips, kOtherMetric, kTooLarge, kNoValue };
[[nodiscard]] const char* words_of(NoClips reason);  // "" of kThere

// Whether a metric can be resampled at all.
[[nodiscard]] bool is_resampled(const std::string& metric);

struct SampledRow {
  NoClips reason = NoClips::kThere;
  std::string signature;  // of the folds' clips and their source videos: rows that agree in it had the same draws
  std::int64_t clips = 0;
  std::int64_t groups = 0;          // source videos
  std::vector<std::int64_t> seeds;  // that have a value
  ClipReplicates replicates;        // a list for each of them

  // Of the mean over some of the seeds, by resample.
  [[nodiscard]] std::vector<double> mean_of(const std::vector<std::int64_t>& some) const;
  [[nodiscard]] Resamples resamples(std::vector<double> values) const;
};

// How much a table's rows are resampled: the draws that are affordable, and whether its rankings are.
struct ClipWork {
  BootstrapPlan plan = kClipBootstrap;
  bool affordable = true;
};
// From the first outputs of the table that can be read. Rows with a value are `rows`.
[[nodiscard]] ClipWork clip_work(const Table& table, const std::vector<const Row*>& rows,
                                 const LeaderboardOptions& options);

// Requires row.mean. Throws what options.outputs throws.
[[nodiscard]] SampledRow sample_row(const Table& table, const Row& row, const LeaderboardOptions& options,
                                    const ClipWork& work);

}  // namespace cmkd::reports
