// A suite's leaderboard from its store, with the bootstraps that are kept beside it.
#pragma once

#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/results/store.h"

namespace cmkd::reports {

struct StoredLeaderboard {
  Leaderboard board;
  std::vector<std::string> notes;  // for a person, not for the report: bootstraps that could not be read or kept
};

// Asks the store for rows, data sets and per-clip outputs, and keeps the bootstraps in results::number_cache_path; a
// store that may only be read gives the same board. `options.outputs` and `options.numbers` are set here. Throws as
// Store and build_leaderboard do.
[[nodiscard]] StoredLeaderboard stored_leaderboard(const results::Store& store, const std::string& suite,
                                                   LeaderboardOptions options = {});

}  // namespace cmkd::reports
