// The parts of build_leaderboard: rows from the store's rows, comparisons between rows, and the sentences about them.
#pragma once

#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

// --- rows.cpp: one row from the results of its seeds ---

// `rows` are all of one table and label. Leaves out what needs other rows: the name, tier and comparison.
[[nodiscard]] Row make_row(const std::vector<const results::LeaderboardRow*>& rows, const LeaderboardOptions& options);

// Counts, mean, deviation, interval and averages from `row.seeds`.
void summarise(Row& row);

// Seeds without a value, those with the same reason together.
struct MissingSeeds {
  std::string seeds;   // "seed 2", "seeds 3, 4"
  std::string reason;  // "failed: loss is not finite …", "not run"
};
[[nodiscard]] std::vector<MissingSeeds> missing_seeds(const Row& row);
[[nodiscard]] std::string missing_reasons(const Row& row);  // "seed 2: failed: …; seeds 3, 4: not run"

// --- comparison.cpp: rows against each other ---

void compare_to_student(Table& table);
void assign_tiers(Table& table);
void describe_fingerprints(Table& table);
void sort_rows(Table& table);
[[nodiscard]] std::string what_n_allows(std::int64_t n);
// How tiers are cut and what they are, in one sentence that holds for every number of seeds.
[[nodiscard]] std::string tier_rule();

}  // namespace cmkd::reports
