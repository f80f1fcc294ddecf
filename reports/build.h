// The parts of build_leaderboard: rows from the store's rows, comparisons between rows, and the sentences about them.
#pragma once

#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

// --- rows.cpp: one row from the results of its seeds ---

// A row of the store with what had to be inferred about it.
struct PlacedRow {
  const results::LeaderboardRow* source = nullptr;
  std::string label;
  std::string command;  // the rerun command without its seed
  std::string direction;
  std::string protocol;
};

[[nodiscard]] std::string without_seed(const std::string& command);
[[nodiscard]] std::string label_in_command(const std::string& command);
// `placed` are all of one table and label. Leaves out what needs other rows: the name, tier and comparison.
[[nodiscard]] Row make_row(const std::vector<PlacedRow>& placed, const LeaderboardOptions& options);

// Counts, mean, deviation, interval and averages from `row.seeds`.
void summarise(Row& row);

// Seeds without a value, those with the same reason together.
struct MissingSeeds {
  std::string seeds;   // "seed 2", "seeds 3, 4", "2 seeds, not known which"
  std::string reason;  // "failed: loss is not finite …", "not run"
};
[[nodiscard]] std::vector<MissingSeeds> missing_seeds(const Row& row);
[[nodiscard]] std::string missing_reasons(const Row& row);  // "seed 2: failed: …; seeds 3, 4: not run"

// --- sweep.cpp: what a condition is made of ---

[[nodiscard]] std::string swept_setting(const Table& table);  // "corruption.share" of "corruption.share = 0.5"
[[nodiscard]] std::string base_dataset(const Table& table);   // without the condition

// --- comparison.cpp: rows against each other ---

void compare_to_student(Table& table);
void assign_tiers(Table& table);
void describe_fingerprints(Table& table);
void sort_rows(Table& table);
[[nodiscard]] std::string what_n_allows(std::int64_t n);
// How tiers are cut and what they are, in one sentence that holds for every number of seeds.
[[nodiscard]] std::string tier_rule();

}  // namespace cmkd::reports
