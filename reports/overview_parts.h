// The pairs and tests of data sets read together. Private to reports/.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cmkd/reports/overview.h"
#include "cmkd/reports/statistics/bootstrap.h"

namespace cmkd::reports {

// A complete method's seeds, by data set.
struct MethodBlocks {
  std::string name;
  Blocks blocks;
};

// Which of two complete methods is better over the data sets, without their positions. `tested`: there are enough data
// sets for tests; `in_points`: the metric is a percentage, of which a point is the region of practical equivalence.
[[nodiscard]] OverviewPair overview_pair(const MethodBlocks& a, const MethodBlocks& b, bool tested, bool in_points,
                                         results::NumberCache* numbers);

// Fills omnibus, critical_distance, tests, and the pairs' corrected p with the cliques that follow. Requires every pair
// of the methods, tested, in overview.pairs.
void test_over_datasets(const std::vector<MethodBlocks>& methods, Overview& overview);
// A sentence.
[[nodiscard]] std::string why_no_tests(std::size_t datasets, std::size_t methods);

}  // namespace cmkd::reports
