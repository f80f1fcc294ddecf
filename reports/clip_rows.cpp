#include "clip_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "clip_metrics.h"
#include "clip_values.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/parallel.h"
#include "retrieval_values.h"

namespace cmkd::reports {

namespace {

// Retrieval ranks in other precision than this report: near ties may change places.
constexpr double kNearEnough = 1e-3;
// What a report still computes for one table, once: its results are kept.
constexpr double kMostProducts = 1e12;     // multiplications of retrievals
constexpr double kMostRankedClips = 4e10;  // clips × classes × draws of rankings by class
constexpr double kFewestDraws = 200;

using PartOutputs = std::vector<results::ClipOutputs>;  // by fold

// The evaluations behind a seed's value: one, or one for each fold.
std::vector<const SeedResult*> parts_of(const SeedResult& seed) {
  std::vector<const SeedResult*> parts;
  for (const SeedResult& fold : seed.folds) parts.push_back(&fold);
  if (parts.empty()) parts.push_back(&seed);
  return parts;
}

bool has_outputs(const SeedResult& seed) {
  return std::ranges::all_of(parts_of(seed), [](const SeedResult* part) { return !part->outputs.empty(); });
}

// What is drawn: the clips, of a retrieval those that ask.
std::size_t drawn_clips(const results::ClipOutputs& outputs) {
  return outputs.queries > 0 ? static_cast<std::size_t>(outputs.queries) : outputs.clip_ids.size();
}

std::string signature_of(const PartOutputs& parts) {
  Hasher hasher;
  for (const results::ClipOutputs& outputs : parts) {
    const std::size_t clips = drawn_clips(outputs);
    hasher.field(static_cast<std::int64_t>(clips));
    for (std::size_t i = 0; i < clips; ++i) hasher.field(outputs.clip_ids[i]).field(outputs.groups[i]);
  }
  return hasher.hex();
}

struct GroupedParts {
  ClipGroups groups;
  std::vector<std::vector<std::uint32_t>> of_clips;  // by fold: each clip's position in groups.names
  std::int64_t clips = 0;
};

GroupedParts grouped_by_video(const PartOutputs& parts) {
  struct Tested {
    double clips = 0;
    std::vector<bool> in;  // by fold
  };
  std::map<std::string, Tested> tested;
  for (std::size_t fold = 0; fold < parts.size(); ++fold) {
    for (std::size_t i = 0; i < drawn_clips(parts[fold]); ++i) {
      Tested& group = tested[parts[fold].groups[i]];
      group.in.resize(parts.size());
      group.in[fold] = true;
      group.clips += 1;
    }
  }
  GroupedParts result;
  std::map<std::string, std::uint32_t> place;
  std::map<std::vector<bool>, std::vector<std::size_t>> strata;
  for (const auto& [name, group] : tested) {
    const std::size_t position = result.groups.names.size();
    place[name] = static_cast<std::uint32_t>(position);
    strata[group.in].push_back(position);
    result.groups.names.push_back(name);
    result.groups.clips.push_back(group.clips);
    result.clips += static_cast<std::int64_t>(group.clips);
  }
  for (auto& [folds, members] : strata) result.groups.strata.push_back(std::move(members));
  for (const results::ClipOutputs& outputs : parts) {
    std::vector<std::uint32_t>& of = result.of_clips.emplace_back();
    for (std::size_t i = 0; i < drawn_clips(outputs); ++i) of.push_back(place.at(outputs.groups[i]));
  }
  return result;
}

std::unique_ptr<DrawnMetric> metric_of_part(const std::string& metric, const results::ClipOutputs& outputs,
                                            const std::vector<std::uint32_t>& groups, std::size_t videos) {
  if (is_metric_of_all_clips(metric)) return drawn_metric(metric, outputs, groups);
  const auto values = is_mean_over_queries(metric) ? retrieval_values(metric, outputs) : clip_values(metric, outputs);
  return values ? drawn_mean(groups, *values, videos) : nullptr;
}

// A seed's value: its mean over the folds.
using SeedMetric = std::vector<std::unique_ptr<DrawnMetric>>;

double value_of_seed(const SeedMetric& folds, std::span<const double> draws) {
  double sum = 0;
  for (const auto& fold : folds) sum += fold->value(draws);
  return sum / static_cast<double>(folds.size());
}

bool all_finite(const ClipReplicates& replicates) {
  return std::ranges::all_of(replicates.values, [](const std::vector<double>& values) {
    return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
  });
}

// A clip that is drawn twice ranks beside itself, which raises an average precision: of 80 clips by more than their
// interval is wide. The draws' spread round their own mean is what another test set of this size would have; the mean
// is put where the value was measured.
void centre_replicates(ClipReplicates& replicates, const std::vector<double>& measured) {
  for (std::size_t list = 0; list < measured.size(); ++list) {
    double mean = 0;
    for (std::size_t r = 0; r < replicates.weights.size(); ++r) {
      mean += replicates.weights[r] * replicates.values[list][r];
    }
    for (double& value : replicates.values[list]) value += measured[list] - mean;
  }
}

SampledRow row_without(NoClips reason) {
  SampledRow row;
  row.reason = reason;
  return row;
}

PartOutputs read_parts(const SeedResult& seed, const LeaderboardOptions& options) {
  PartOutputs parts;
  for (const SeedResult* part : parts_of(seed)) parts.push_back(options.outputs(part->evaluation_key));
  return parts;
}

}  // namespace

const char* words_of(NoClips reason) {
  switch (reason) {
    case NoClips::kThere:
      return "";
    case NoClips::kNoOutputs:
      return "no per-clip outputs are stored for a seed";
    case NoClips::kUnusable:
      return "the stored outputs do not fit the metric";
    case NoClips::kOtherClips:
      return "its seeds were not tested on the same clips";
    case NoClips::kTooLarge:
      return "too many clips to be ranked again in a report";
    case NoClips::kNoValue:
      return "draws of so few clips may be without the metric";
    case NoClips::kOtherMetric:
      break;
  }
  return "the stored outputs do not give the stored metric";
}

bool is_resampled(const std::string& metric) {
  return is_mean_over_clips(metric) || is_mean_over_queries(metric) || is_metric_of_all_clips(metric);
}

std::vector<double> SampledRow::mean_of(const std::vector<std::int64_t>& some) const {
  std::vector<double> values(replicates.weights.size(), 0.0);
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    if (std::ranges::find(some, seeds[s]) == some.end()) continue;
    for (std::size_t r = 0; r < values.size(); ++r) values[r] += replicates.values[s][r];
  }
  for (double& value : values) value /= static_cast<double>(some.size());
  return values;
}

Resamples SampledRow::resamples(std::vector<double> values) const {
  std::vector<std::pair<double, double>> weighted;
  for (std::size_t r = 0; r < values.size(); ++r) weighted.emplace_back(values[r], replicates.weights[r]);
  return resamples_of(std::move(weighted), replicates.exact);
}

ClipWork clip_work(const Table& table, const std::vector<const Row*>& rows, const LeaderboardOptions& options) {
  const bool ranks = ranks_all_clips(table.primary_metric);
  if (!ranks && !is_mean_over_queries(table.primary_metric)) return {};
  double evaluations = 0;
  const SeedResult* example = nullptr;
  for (const Row* row : rows) {
    for (const SeedResult& seed : row->seeds) {
      if (!seed.value || !has_outputs(seed)) continue;
      evaluations += static_cast<double>(parts_of(seed).size());
      if (example == nullptr) example = parts_of(seed).front();
    }
  }
  if (example == nullptr) return {};
  const results::ClipOutputs outputs = options.outputs(example->evaluation_key);
  ClipWork work;
  if (!ranks) {
    work.affordable = evaluations * retrieval_products(outputs) <= kMostProducts;
    return work;
  }
  const double of_draw = evaluations * static_cast<double>(outputs.scores.size());
  const double draws = std::floor(kMostRankedClips / std::max(1.0, of_draw));
  if (draws >= static_cast<double>(kClipBootstrap.draws)) return work;
  work.affordable = draws >= kFewestDraws;
  work.plan.draws = std::max<std::int64_t>(1, static_cast<std::int64_t>(draws));
  work.plan.exact_up_to = work.plan.draws;
  return work;
}

SampledRow sample_row(const Table& table, const Row& row, const LeaderboardOptions& options, const ClipWork& work) {
  const std::string& metric = table.primary_metric;
  if (std::ranges::any_of(row.seeds, [](const SeedResult& seed) { return seed.value && !has_outputs(seed); })) {
    return row_without(NoClips::kNoOutputs);
  }
  if (!work.affordable) return row_without(NoClips::kTooLarge);
  SampledRow result;
  GroupedParts drawn;
  std::vector<SeedMetric> metrics;
  std::vector<double> measured;
  for (const SeedResult& seed : row.seeds) {
    if (!seed.value) continue;
    const PartOutputs parts = read_parts(seed, options);
    const std::string signature = signature_of(parts);
    if (metrics.empty()) {
      drawn = grouped_by_video(parts);
      result.signature = signature;
    } else if (signature != result.signature) {
      return row_without(NoClips::kOtherClips);
    }
    SeedMetric& folds = metrics.emplace_back();
    for (std::size_t fold = 0; fold < parts.size(); ++fold) {
      folds.push_back(metric_of_part(metric, parts[fold], drawn.of_clips[fold], drawn.groups.names.size()));
      if (folds.back() == nullptr) return row_without(NoClips::kUnusable);
    }
    const std::vector<double> once(drawn.groups.names.size(), 1.0);
    // Not "greater": a metric that is no number is not the stored one either.
    measured.push_back(value_of_seed(folds, once));
    if (!(std::abs(measured.back() - *seed.value) <= kNearEnough)) return row_without(NoClips::kOtherMetric);
    result.seeds.push_back(seed.seed);
  }
  result.clips = drawn.clips;
  result.groups = std::ssize(drawn.groups.names);
  const int threads = ranks_all_clips(metric) ? available_threads() : 1;
  result.replicates = bootstrap_groups(
      drawn.groups, metrics.size(),
      [&](std::span<const double> draws, std::span<double> values) {
        for_each_in_parallel(std::ssize(metrics), threads, [&](std::int64_t i) {
          const auto at = static_cast<std::size_t>(i);
          values[at] = value_of_seed(metrics[at], draws);
        });
      },
      work.plan);
  if (!all_finite(result.replicates)) return row_without(NoClips::kNoValue);
  if (ranks_all_clips(metric)) centre_replicates(result.replicates, measured);
  return result;
}

}  // namespace cmkd::reports
