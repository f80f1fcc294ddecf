#include "cmkd/reports/statistics/p_values.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <numeric>

#include "requirement.h"

namespace cmkd::reports {

std::vector<double> holm_adjusted(std::span<const double> p) {
  for (const double value : p) require_statistic(value >= 0 && value <= 1, "a p-value outside [0, 1]");
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(order.size() - k) * p[order[k]]));
    adjusted[order[k]] = largest;
  }
  return adjusted;
}

double mcnemar_exact_p(std::int64_t only_first_right, std::int64_t only_second_right) {
  require_statistic(only_first_right >= 0 && only_second_right >= 0, "a negative number of clips");
  const auto clips = static_cast<double>(only_first_right + only_second_right);
  if (clips == 0) return 1;
  const boost::math::binomial_distribution<double> chance(clips, 0.5);
  const auto smaller = static_cast<double>(std::min(only_first_right, only_second_right));
  return std::min(1.0, 2 * boost::math::cdf(chance, smaller));
}

}  // namespace cmkd::reports
