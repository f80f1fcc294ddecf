// Pairs of methods over data sets, and what tests say of all of them.
#include <fmt/format.h>

#include "cmkd/reports/statistics/p_values.h"
#include "cmkd/reports/statistics/rank_bootstrap.h"
#include "memo.h"
#include "overview_parts.h"

namespace cmkd::reports {

namespace {

constexpr double kBlockRope = 0.01;
constexpr std::int64_t kBlockPairDraws = 10'000;

std::vector<double> mean_differences(const Blocks& a, const Blocks& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(mean(a[i]) - mean(b[i]));
  return differences;
}

void correct_pairs(Overview& overview) {
  std::vector<double> p;
  for (const OverviewPair& pair : overview.pairs) p.push_back(pair.wilcoxon->p);
  const std::vector<double> adjusted = holm_adjusted(p);
  const std::size_t methods = overview.methods.size();
  std::vector<std::vector<double>> matrix(methods, std::vector<double>(methods, 1));
  for (std::size_t i = 0; i < overview.pairs.size(); ++i) {
    OverviewPair& pair = overview.pairs[i];
    pair.holm_p = adjusted[i];
    matrix[pair.first][pair.second] = matrix[pair.second][pair.first] = adjusted[i];
  }
  overview.cliques = cliques(matrix);
}

}  // namespace

OverviewPair overview_pair(const MethodBlocks& a, const MethodBlocks& b, bool tested, bool in_points,
                           results::NumberCache* numbers) {
  OverviewPair pair;
  const std::vector<double> differences = mean_differences(a.blocks, b.blocks);
  pair.mean_difference = mean(differences);
  Hasher key = memo_key("pair over data sets");
  add_values(key, a.blocks);
  add_values(key, b.blocks);
  const bool equivalence = tested && in_points;
  const std::vector<double> found = remembered(numbers, key.field(equivalence ? 1 : 0), equivalence ? 5 : 2, [&] {
    const Interval interval = resampled_probability_of_improvement(a.blocks, b.blocks).interval();
    std::vector<double> computed{interval.low, interval.high};
    if (!equivalence) return computed;
    const Equivalence shares = bayesian_signed_rank(differences, {.rope = kBlockRope, .draws = kBlockPairDraws});
    computed.insert(computed.end(), {shares.first_better, shares.equivalent, shares.second_better});
    return computed;
  });
  pair.probability_of_improvement = {probability_of_improvement(a.blocks, b.blocks), {found[0], found[1]}};
  if (equivalence) pair.equivalence = Equivalence{found[2], found[3], found[4]};
  if (tested) pair.wilcoxon = wilcoxon_signed_rank(differences, 1e-12);
  return pair;
}

void test_over_datasets(const std::vector<MethodBlocks>& methods, Overview& overview) {
  ScoreMatrix scores;
  for (const MethodBlocks& method : methods) {
    std::vector<double>& means = scores.emplace_back();
    for (const std::vector<double>& block : method.blocks) means.push_back(mean(block));
  }
  overview.omnibus = friedman_test(scores);
  overview.critical_distance =
      nemenyi_distance(static_cast<std::int64_t>(methods.size()), static_cast<std::int64_t>(scores.front().size()));
  correct_pairs(overview);
  overview.tests = fmt::format(
      "One block for each of the {} data sets, seeds averaged in it: Friedman and Iman–Davenport over all methods, "
      "Wilcoxon "
      "signed-rank (Pratt) for each pair with Holm's correction over the {} pairs; a clique holds methods of which no "
      "pair "
      "differs at 0.05 after it.",
      scores.front().size(), overview.pairs.size());
  if (!overview.omnibus) overview.tests += " Every data set ties all methods: no omnibus test.";
}

std::string why_no_tests(std::size_t datasets, std::size_t methods) {
  if (methods < 2) {
    return fmt::format("No test: {} complete in every data set.",
                       methods == 0 ? "no method is" : "one method alone is");
  }
  return fmt::format(
      "No omnibus test, no cliques and no critical-difference diagram: {} data set{}, and below {} the two-sided "
      "Wilcoxon "
      "test cannot reach 0.05 (with {} its smallest p is {:.4g}). Seeds are no blocks: they repeat one data set.",
      datasets, datasets == 1 ? "" : "s", kBlocksForTests, datasets,
      smallest_reachable_p(static_cast<std::int64_t>(datasets)));
}

}  // namespace cmkd::reports
