#include <algorithm>
#include <cmath>
#include <vector>

#include "cmkd/core/random.h"
#include "cmkd/reports/statistics.h"
#include "cmkd/reports/statistics/bootstrap.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

// Ascending sums of all sign patterns.
std::vector<double> sums_of_patterns(std::span<const double> differences) {
  std::vector<double> sums{0};
  for (const double difference : differences) {
    const std::size_t size = sums.size();
    for (std::size_t i = 0; i < size; ++i) {
      sums.push_back(sums[i] - difference);
      sums[i] += difference;
    }
  }
  std::ranges::sort(sums);
  return sums;
}

// Each half of the pairs has few patterns; those of the whole are the pairs of them. Sums of one half ascending, the
// number of sums of the other that bring them to the threshold only grows.
double exact_share(std::span<const double> differences, double threshold) {
  const std::vector<double> left = sums_of_patterns(differences.first(differences.size() / 2));
  const std::vector<double> right = sums_of_patterns(differences.subspan(differences.size() / 2));
  const auto patterns = static_cast<double>(left.size()) * static_cast<double>(right.size());
  if (threshold <= 0) return 1;
  std::size_t as_high = 0;
  std::size_t reached = right.size();
  for (const double sum : left) {
    while (reached > 0 && sum + right[reached - 1] >= threshold) --reached;
    as_high += right.size() - reached;
  }
  return 2 * static_cast<double>(as_high) / patterns;  // each has its mirror image
}

double drawn_share(std::span<const double> differences, double threshold) {
  RandomStream stream(content_key("sign flips", {{differences.begin(), differences.end()}}));
  std::int64_t as_extreme = 0;
  for (std::int64_t draw = 0; draw < kSignFlipDraws; ++draw) {
    double sum = 0;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      if (i % 32 == 0) bits = stream.next_u32();
      sum += (bits & 1U) != 0 ? -differences[i] : differences[i];
      bits >>= 1U;
    }
    if (std::abs(sum) >= threshold) ++as_extreme;
  }
  return static_cast<double>(as_extreme + 1) / static_cast<double>(kSignFlipDraws + 1);
}

}  // namespace

double sign_flip_p(std::span<const double> differences) {
  require_statistic(!differences.empty(), "a sign-flip test of no differences");
  double observed = 0;
  double magnitude = 0;
  for (const double difference : differences) {
    observed += difference;
    magnitude += std::abs(difference);
  }
  // Patterns with the same sum must count as equal although their additions round differently.
  const double threshold = std::abs(observed) - 1e-12 * magnitude;
  return differences.size() <= kMaximalSignFlips ? exact_share(differences, threshold)
                                                 : drawn_share(differences, threshold);
}

}  // namespace cmkd::reports
