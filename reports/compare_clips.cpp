// Wins and losses clip by clip: McNemar for each seed, and the bootstrap over source videos for another test set.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>

#include "cmkd/core/error.h"
#include "cmkd/reports/statistics/clusters.h"
#include "cmkd/reports/statistics/p_values.h"
#include "compare_parts.h"

namespace cmkd::reports {

namespace {

struct JudgedClip {
  std::string group;
  std::string label;
  bool right = false;
};
using JudgedClips = std::map<std::string, JudgedClip>;  // by id

std::string class_text(const results::ClipOutputs& outputs, std::size_t clip) {
  if (outputs.tags.empty()) return fmt::format("{}", outputs.labels[clip]);
  std::vector<std::string> tags;
  for (const std::int32_t tag : outputs.tags[clip]) tags.push_back(fmt::format("{}", tag));
  return join(tags, "+");
}

JudgedClips judged(const std::string& task, const results::ClipOutputs& outputs) {
  JudgedClips clips;
  const std::vector<bool> right = right_clips(task, outputs);
  for (std::size_t i = 0; i < right.size(); ++i) {
    clips[outputs.clip_ids[i]] = {outputs.groups[i], class_text(outputs, i), right[i]};
  }
  return clips;
}

// What one clip was over all seeds.
struct ClipTally {
  std::string group;
  std::string label;
  std::int64_t seeds = 0;
  std::int64_t right_a = 0;
  std::int64_t right_b = 0;
  std::int64_t only_a = 0;
  std::int64_t only_b = 0;
};
using Tallies = std::map<std::pair<std::string, std::string>, ClipTally>;  // by fold and id

void tally_seed(const RunPair& pair, const JudgedClips& a, const JudgedClips& b, SeedFlips& flips, Tallies& tallies) {
  for (const auto& [id, mine] : a) {
    const JudgedClip& other = b.at(id);
    ClipTally& tally = tallies[{pair.first->row.link.fold, id}];
    tally.group = mine.group;
    tally.label = mine.label;
    ++tally.seeds;
    tally.right_a += mine.right ? 1 : 0;
    tally.right_b += other.right ? 1 : 0;
    tally.only_a += mine.right && !other.right ? 1 : 0;
    tally.only_b += !mine.right && other.right ? 1 : 0;
    flips.only_a += mine.right && !other.right ? 1 : 0;
    flips.only_b += !mine.right && other.right ? 1 : 0;
  }
  flips.clips = static_cast<std::int64_t>(a.size());
  flips.p = mcnemar_exact_p(flips.only_a, flips.only_b);
}

bool same_clips(const JudgedClips& a, const JudgedClips& b) {
  return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
    return left.first == right.first && left.second.label == right.second.label;
  });
}

void summarise_clips(const Tallies& tallies, ClipComparison& result) {
  std::vector<std::string> groups;
  std::vector<double> a;
  std::vector<double> b;
  for (const auto& [place, tally] : tallies) {
    groups.push_back(tally.group);
    a.push_back(static_cast<double>(tally.right_a) / static_cast<double>(tally.seeds));
    b.push_back(static_cast<double>(tally.right_b) / static_cast<double>(tally.seeds));
    if (tally.only_a + tally.only_b == 0) continue;
    result.flipped.push_back({place.second, tally.group, tally.label, tally.only_a, tally.only_b});
  }
  std::ranges::stable_sort(result.flipped, {}, [](const FlippedClip& clip) {
    return std::tuple(-std::abs(clip.only_b - clip.only_a), clip.clip);
  });
  const ClusteredValues of_a = cluster_values(groups, a);
  const ClusteredValues of_b = cluster_values(groups, b);
  result.difference = of_b.mean() - of_a.mean();
  result.groups = static_cast<std::int64_t>(of_a.groups.size());
  if (result.groups < 2) return;  // one source video: nothing to draw from
  result.interval = bootstrap_clips({of_a, of_b}).difference(1, 0).interval();
}

}  // namespace

ClipComparison compare_clips(const std::string& task, const std::vector<RunPair>& pairs) {
  ClipComparison result;
  const char* right = what_is_right(task);
  if (right == nullptr) {
    result.why_none = fmt::format("the task '{}' judges no single clip", task);
    return result;
  }
  result.right = right;
  Tallies tallies;
  std::vector<std::string> why;
  for (const RunPair& pair : pairs) {
    const results::SuiteLink& link = pair.first->row.link;
    const std::string name =
        fmt::format("seed {}{}", link.seed, link.fold.empty() ? "" : fmt::format(", fold {}", link.fold));
    if (pair.first->outputs.clip_ids.empty() || pair.second->outputs.clip_ids.empty()) {
      why.push_back(name + ": no per-clip outputs are stored");
      continue;
    }
    const JudgedClips a = judged(task, pair.first->outputs);
    const JudgedClips b = judged(task, pair.second->outputs);
    if (!same_clips(a, b)) {
      why.push_back(name + ": the two were tested on other clips");
      continue;
    }
    SeedFlips& flips = result.seeds.emplace_back();
    flips.seed_a = link.seed;
    flips.seed_b = pair.second->row.link.seed;
    flips.fold = link.fold;
    tally_seed(pair, a, b, flips, tallies);
  }
  result.why_none = join(why, "; ");
  if (result.seeds.empty()) {
    if (pairs.empty()) result.why_none = "the sides have no seed in common";
    return result;
  }
  std::vector<double> p;
  for (const SeedFlips& flips : result.seeds) p.push_back(flips.p);
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < adjusted.size(); ++i) result.seeds[i].p_holm = adjusted[i];
  summarise_clips(tallies, result);
  return result;
}

}  // namespace cmkd::reports
