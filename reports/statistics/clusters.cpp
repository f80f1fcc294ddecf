#include "cmkd/reports/statistics/clusters.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cmkd/core/hash.h"
#include "requirement.h"

namespace cmkd::reports {

double ClusteredValues::mean() const {
  double sum = 0;
  double number = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    sum += sums[g];
    number += clips[g];
  }
  return sum / number;
}

ClusteredValues cluster_values(std::span<const std::string> groups, std::span<const double> values) {
  require_statistic(groups.size() == values.size() && !values.empty(), "clips without a group or a value");
  std::map<std::string, std::pair<double, double>> by_group;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& [clips, sum] = by_group[groups[i]];
    clips += 1;
    sum += values[i];
  }
  ClusteredValues result;
  for (const auto& [group, of] : by_group) {
    result.groups.push_back(group);
    result.clips.push_back(of.first);
    result.sums.push_back(of.second);
  }
  return result;
}

ClipReplicates bootstrap_clips(const std::vector<ClusteredValues>& lists, const BootstrapPlan& plan) {
  require_statistic(!lists.empty(), "a bootstrap over the clips of nothing");
  const ClusteredValues& first = lists.front();
  Hasher names;
  for (const ClusteredValues& list : lists) {
    require_statistic(list.groups == first.groups && list.clips == first.clips, "lists over other clips");
  }
  for (const std::string& group : first.groups) names.field(group);
  const std::size_t size = first.groups.size();
  ClipReplicates result;
  result.values.resize(lists.size());
  result.exact = for_each_resample(std::span(&size, 1), plan, content_key(names.hex(), {first.clips}),
                                   [&](const auto& indices, double weight) {
                                     double clips = 0;
                                     for (const std::uint32_t g : indices[0]) clips += first.clips[g];
                                     for (std::size_t i = 0; i < lists.size(); ++i) {
                                       double sum = 0;
                                       for (const std::uint32_t g : indices[0]) sum += lists[i].sums[g];
                                       result.values[i].push_back(sum / clips);
                                     }
                                     result.weights.push_back(weight);
                                   });
  return result;
}

ClipReplicates bootstrap_groups(const ClipGroups& groups, std::size_t lists, const DrawnValues& evaluate,
                                const BootstrapPlan& plan) {
  require_statistic(lists > 0 && !groups.strata.empty(), "a bootstrap over the clips of nothing");
  Hasher names;
  for (const std::string& group : groups.names) names.field(group);
  std::vector<std::size_t> sizes;
  for (const std::vector<std::size_t>& stratum : groups.strata) sizes.push_back(stratum.size());
  ClipReplicates result;
  result.values.resize(lists);
  std::vector<double> draws(groups.names.size());
  std::vector<double> values(lists);
  result.exact =
      for_each_resample(sizes, plan, content_key(names.hex(), {groups.clips}), [&](const auto& indices, double weight) {
        std::ranges::fill(draws, 0.0);
        for (std::size_t s = 0; s < sizes.size(); ++s) {
          for (const std::uint32_t i : indices[s]) draws[groups.strata[s][i]] += 1;
        }
        evaluate(draws, values);
        for (std::size_t i = 0; i < lists; ++i) result.values[i].push_back(values[i]);
        result.weights.push_back(weight);
      });
  return result;
}

Resamples ClipReplicates::of(std::size_t list) const {
  std::vector<std::pair<double, double>> weighted;
  for (std::size_t r = 0; r < weights.size(); ++r) weighted.emplace_back(values[list][r], weights[r]);
  return resamples_of(std::move(weighted), exact);
}

Resamples ClipReplicates::difference(std::size_t first, std::size_t second) const {
  std::vector<std::pair<double, double>> weighted;
  for (std::size_t r = 0; r < weights.size(); ++r) {
    weighted.emplace_back(values[first][r] - values[second][r], weights[r]);
  }
  return resamples_of(std::move(weighted), exact);
}

}  // namespace cmkd::reports
