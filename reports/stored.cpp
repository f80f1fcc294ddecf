#include "cmkd/reports/stored.h"

#include "cmkd/results/number_cache.h"

namespace cmkd::reports {

StoredLeaderboard stored_leaderboard(const results::Store& store, const std::string& suite,
                                     LeaderboardOptions options) {
  StoredLeaderboard result;
  results::NumberCache numbers = results::NumberCache::load(results::number_cache_path(store.path(), suite));
  options.numbers = &numbers;
  options.outputs = [&](const std::string& evaluation_key) { return store.outputs(evaluation_key); };
  result.board = build_leaderboard(store.leaderboard_rows(suite), store.datasets(), options);
  if (!numbers.problem().empty()) result.notes.push_back(numbers.problem());
  if (std::string problem = numbers.save(); !problem.empty()) result.notes.push_back(std::move(problem));
  return result;
}

}  // namespace cmkd::reports
