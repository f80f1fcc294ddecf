#include "cmkd/reports/statistics/equivalence.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cmkd/core/random.h"
#include "cmkd/reports/statistics/bootstrap.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

// How much of a Walsh average lies in the first's and in the second's region.
struct WalshShare {
  double first;
  double second;
};

double above_edge(double value, double edge) { return value > edge ? 1 : value == edge ? 0.5 : 0; }

// Shares of the pairs i ≤ j, row by row; a pair of two counts twice.
std::vector<WalshShare> walsh_shares(const std::vector<double>& points, double rope) {
  std::vector<WalshShare> shares;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i; j < points.size(); ++j) {
      const double sum = points[i] + points[j];
      const double times = i == j ? 1 : 2;
      shares.push_back({times * above_edge(sum, 2 * rope), times * above_edge(-sum, 2 * rope)});
    }
  }
  return shares;
}

// Dirichlet(½, 1, …, 1): gammas over their sum. Gamma(½) is half a squared normal, Gamma(1) exponential.
void draw_dirichlet_weights(RandomStream& stream, std::vector<double>& weights) {
  const double normal = stream.normal();
  weights[0] = normal * normal / 2;
  double sum = weights[0];
  for (std::size_t i = 1; i < weights.size(); ++i) sum += weights[i] = -std::log(1 - stream.uniform());
  for (double& weight : weights) weight /= sum;
}

}  // namespace

Equivalence bayesian_signed_rank(std::span<const double> differences, const EquivalenceOptions& options) {
  require_statistic(!differences.empty() && options.rope >= 0 && options.draws >= 1,
                    "a signed-rank test of no differences, or with a negative rope");
  std::vector<double> points{0};
  points.insert(points.end(), differences.begin(), differences.end());
  const std::vector<WalshShare> shares = walsh_shares(points, options.rope);
  RandomStream stream(content_key("signed rank", {points, {options.rope}}));
  std::vector<double> weights(points.size());
  Equivalence wins;
  for (std::int64_t draw = 0; draw < options.draws; ++draw) {
    draw_dirichlet_weights(stream, weights);
    double first = 0;
    double second = 0;
    const WalshShare* share = shares.data();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t j = i; j < weights.size(); ++j, ++share) {
        first += weights[i] * weights[j] * share->first;
        second += weights[i] * weights[j] * share->second;
      }
    }
    const double between = options.rope > 0 ? 1 - first - second : 0;
    const double most = std::max({first, between, second}) - 1e-12;
    const double winners = (first >= most ? 1 : 0) + (between >= most ? 1 : 0) + (second >= most ? 1 : 0);
    wins.first_better += first >= most ? 1 / winners : 0;
    wins.equivalent += between >= most ? 1 / winners : 0;
    wins.second_better += second >= most ? 1 / winners : 0;
  }
  const auto draws = static_cast<double>(options.draws);
  return {wins.first_better / draws, wins.equivalent / draws, wins.second_better / draws};
}

}  // namespace cmkd::reports
