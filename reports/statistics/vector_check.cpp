#include "cmkd/reports/vector_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cmkd/metrics/vector_comparison.h"
#include "cmkd/reports/statistics.h"
#include "cmkd/reports/statistics/aggregates.h"
#include "cmkd/reports/statistics/p_values.h"
#include "cmkd/reports/statistics/rank_tests.h"

namespace cmkd::reports {

namespace {

using metrics::Array;
using metrics::array_of;
using metrics::NamedArrays;
using metrics::VectorNode;

std::vector<double> list_of(const VectorNode& node) {
  Array array = node.array();
  if (array.sizes.size() != 1 || array.values.empty()) node.refuse("no list of numbers", "numbers");
  return array.values;
}

// rows[i][j]
std::vector<std::vector<double>> rows_of(const VectorNode& node) {
  const Array matrix = node.matrix();
  std::vector<std::vector<double>> rows;
  for (std::size_t i = 0; i < matrix.sizes[0]; ++i) {
    const auto begin = matrix.values.begin() + static_cast<std::ptrdiff_t>(i * matrix.sizes[1]);
    rows.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(matrix.sizes[1]));
  }
  return rows;
}

// Runs by task, as rliable has them, to seeds by block.
Blocks blocks_of(const VectorNode& node) {
  const std::vector<std::vector<double>> runs = rows_of(node);
  Blocks blocks(runs.front().size());
  for (const std::vector<double>& run : runs) {
    for (std::size_t block = 0; block < run.size(); ++block) blocks[block].push_back(run[block]);
  }
  return blocks;
}

Array list_array(const std::vector<double>& values) { return {{values.size()}, values}; }

NamedArrays paired_values(const VectorNode& part) {
  const std::vector<double> a = list_of(part.at("a"));
  const std::vector<double> b = list_of(part.at("b"));
  if (a.size() != b.size()) part.at("b").refuse("another length than that of a", "");
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  const PairedComparison comparison = compare_paired(a, b);
  NamedArrays values{{"mean_a", array_of(mean(a))},
                     {"std_a", array_of(standard_deviation(a))},
                     {"wilcoxon_p", array_of(wilcoxon_signed_rank(differences).p)},
                     {"sign_flip_p", array_of(comparison.sign_flip_p)},
                     {"cohen_dz", array_of(comparison.cohen_dz)},
                     {"cliff_delta", array_of(comparison.cliff_delta)}};
  if (const auto interval = t_interval(a)) values["ci95_a"] = list_array({interval->low, interval->high});
  if (comparison.t) values["paired_t"] = list_array({*comparison.t, *comparison.t_p});
  // null: the reference enumerates up to 10 pairs only.
  const VectorNode expected = part.at("expected");
  if (std::ranges::count(expected.names(), std::string("sign_flip_p")) == 0) return values;
  const Array reference = expected.at("sign_flip_p").array();
  if (reference.sizes.empty() && std::isnan(reference.values.front())) values["sign_flip_p"] = reference;
  return values;
}

NamedArrays omnibus_values(const VectorNode& part) {
  const ScoreMatrix scores = rows_of(part.at("scores"));
  const std::optional<FriedmanTest> test = friedman_test(scores);
  const auto methods = static_cast<std::int64_t>(scores.size());
  const auto blocks = static_cast<std::int64_t>(scores.front().size());
  const auto of = [&](double FriedmanTest::*value) {
    return array_of(test ? std::optional((*test).*value) : std::nullopt);
  };
  return {
      {"mean_ranks", list_array(mean_ranks(scores))}, {"friedman_chi2", of(&FriedmanTest::chi2)},
      {"friedman_p", of(&FriedmanTest::chi2_p)},      {"iman_davenport_f", of(&FriedmanTest::f)},
      {"iman_davenport_p", of(&FriedmanTest::f_p)},   {"nemenyi_cd_05", array_of(nemenyi_distance(methods, blocks))}};
}

NamedArrays holm_values(const VectorNode& part) {
  return {{"adjusted", list_array(holm_adjusted(list_of(part.at("p"))))}};
}

NamedArrays aggregate_values(const VectorNode& part) {
  const Blocks x = blocks_of(part.at("x"));
  const Blocks y = blocks_of(part.at("y"));
  const std::vector<double> thresholds = list_of(part.at("taus"));
  std::vector<double> profile;
  for (const double threshold : thresholds) profile.push_back(share_above(x, threshold));
  return {{"iqm_x", array_of(interquartile_mean(x))},
          {"mean_x", array_of(mean_of_blocks(x))},
          {"median_x", array_of(median_of_blocks(x))},
          {"optimality_gap_x", array_of(optimality_gap(x))},
          {"probability_of_improvement", array_of(probability_of_improvement(x, y))},
          {"profile_x", list_array(profile)}};
}

NamedArrays mcnemar_values(const VectorNode& part) {
  const std::vector<std::vector<double>> table = rows_of(part.at("table"));
  if (table.size() != 2 || table.front().size() != 2)
    part.at("table").refuse("no table of two by two", "[[a, b], [c, d]]");
  const auto count = [&](double value) {
    if (value < 0 || std::floor(value) != value) part.at("table").refuse("a count that is none", "0, 1, 2, …");
    return static_cast<std::int64_t>(value);
  };
  return {{"p_exact", array_of(mcnemar_exact_p(count(table[0][1]), count(table[1][0])))}};
}

NamedArrays signed_rank_values(const VectorNode& part) {
  const std::vector<double> differences = list_of(part.at("difference"));
  const SignedRankTest test = wilcoxon_signed_rank(differences);
  return {{"w_plus", array_of(test.w_plus)},
          {"p_exact_two_sided", array_of(test.p)},
          {"sign_flip_p", array_of(sign_flip_p(differences))}};
}

// How many sequences the weighted resamples stand for.
double sequences(const std::vector<double>& values) {
  return std::pow(static_cast<double>(values.size()), static_cast<double>(values.size()));
}

void require_exact(const Resamples& resamples, const VectorNode& part) {
  if (!resamples.exact) part.refuse("too many values for all of their resamples", "at most 10 of one list");
}

NamedArrays bootstrap_values(const VectorNode& part) {
  const std::vector<double> x = list_of(part.at("x"));
  const Resamples means = bootstrap({x}, mean_of_blocks);
  require_exact(means, part);
  return {{"resamples", array_of(sequences(x))},
          {"mean_of_means", array_of(means.mean())},
          {"variance_of_means", array_of(means.variance())},
          {"share_below_mean", array_of(means.share_below(mean(x)))},
          {"share_at_mean", array_of(means.share_at(mean(x)))}};
}

NamedArrays bootstrap_difference_values(const VectorNode& part) {
  const std::vector<double> x = list_of(part.at("x"));
  const std::vector<double> y = list_of(part.at("y"));
  const auto difference = [](const Blocks& a, const Blocks& b) { return mean_of_blocks(b) - mean_of_blocks(a); };
  // Zero is compared with the rounding of the means, not of their difference.
  const double offset = 1;
  const Resamples found = bootstrap_two(
      {x}, {y}, [&](const Blocks& a, const Blocks& b) { return offset + difference(a, b); }, BootstrapPlan{});
  require_exact(found, part);
  const double equal = found.share_at(offset);
  return {{"resamples", array_of(sequences(x) * sequences(y))},
          {"share_y_better", array_of(1 - equal - found.share_below(offset))},
          {"share_equal", array_of(equal)}};
}

}  // namespace

VectorCheck check_statistics_vector(const std::filesystem::path& file) {
  static const std::map<std::string, metrics::ComputePart> kParts{
      {"paired", paired_values},
      {"omnibus", omnibus_values},
      {"holm", holm_values},
      {"aggregate", aggregate_values},
      {"mcnemar", mcnemar_values},
      {"wilcoxon_ties", signed_rank_values},
      {"bootstrap_exact", bootstrap_values},
      {"bootstrap_difference_exact", bootstrap_difference_values}};
  return metrics::check_vector_file(file, kParts);
}

}  // namespace cmkd::reports
