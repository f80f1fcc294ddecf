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

// Fewer make intervals too wide to sort by: at n = 3 a half width is 2.5 standard deviations, at n = 5 it is 1.2.
inline constexpr std::int64_t kSeedsForTiers = 5;
inline constexpr std::int64_t kSeedsForTest = 6;  // the fewest whose exact two-sided test can reach 0.05: 2^(1 − 6)

// a − b over the seeds that both have and that saw the same. `numbers` may be null.
[[nodiscard]] StudentDifference paired_difference(const Row& a, const Row& b, results::NumberCache* numbers);
// The seeds that both have and that saw the same, as paired_difference takes them.
[[nodiscard]] std::vector<std::int64_t> seeds_in_common(const Row& a, const Row& b);
// The sign that makes a higher number the better one.
[[nodiscard]] double orientation(const Table& table);
// Of the same student where there is one; null where there is none.
[[nodiscard]] const Row* find_student(const Table& table, const Row& row);
[[nodiscard]] bool is_complete_method(const Row& row);

// Why two results of one seed are no pair: "other batch order, augmentation not recorded"; "" when they are one.
[[nodiscard]] std::string difference_in_fingerprints(const SeedResult& a, const SeedResult& b);
void compare_to_student(Table& table, results::NumberCache* numbers = nullptr);
void assign_tiers(Table& table);
void describe_fingerprints(Table& table);
void sort_rows(Table& table);
[[nodiscard]] std::string what_n_allows(std::int64_t n);
// How tiers are cut and what they are, in one sentence that holds for every number of seeds.
[[nodiscard]] std::string tier_rule();

// --- pairs.cpp: ranks and pairs of the complete methods; rows are sorted ---

void rank_rows(Table& table, results::NumberCache* numbers);
void compare_pairs(Table& table, results::NumberCache* numbers);

// --- over_clips.cpp: intervals over other test clips, of rows and pairs ---

void add_clip_intervals(Table& table, const LeaderboardOptions& options);

}  // namespace cmkd::reports
