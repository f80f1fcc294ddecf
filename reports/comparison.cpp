#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "build.h"
#include "cmkd/core/error.h"
#include "memo.h"
#include "metric_names.h"

namespace cmkd::reports {

namespace {

constexpr std::int64_t kSeedsForPairs = 10;

// Values of the seeds that both have and that saw the same.
struct CommonSeeds {
  std::vector<std::int64_t> seeds;
  std::vector<double> left;
  std::vector<double> right;
  std::vector<std::string> left_out;  // "seed 2: other batch order"
};

CommonSeeds common_seeds(const Row& a, const Row& b) {
  CommonSeeds common;
  for (const SeedResult& seed : a.seeds) {
    if (!seed.value) continue;
    const auto same_seed = [&](const SeedResult& other) { return other.value && other.seed == seed.seed; };
    const auto other = std::ranges::find_if(b.seeds, same_seed);
    const std::string why =
        other == b.seeds.end() ? fmt::format("{} has no result", b.name) : difference_in_fingerprints(seed, *other);
    if (!why.empty()) {
      common.left_out.push_back(fmt::format("seed {}: {}", seed.seed, why));
      continue;
    }
    common.left.push_back(*seed.value);
    common.right.push_back(*other->value);
    common.seeds.push_back(seed.seed);
  }
  return common;
}

bool separated(const Row& best, const Row& other) {
  const CommonSeeds common = common_seeds(best, other);
  if (static_cast<std::int64_t>(common.seeds.size()) < kSeedsForTiers) return false;
  std::vector<double> differences;
  for (std::size_t i = 0; i < common.left.size(); ++i) differences.push_back(common.left[i] - common.right[i]);
  return !t_interval(differences)->contains(0);
}

std::vector<Row*> ranked_rows(Table& table) {
  std::vector<Row*> ranked;
  for (Row& row : table.rows) {
    if (row.not_ranked.empty()) ranked.push_back(&row);
  }
  const double sign = orientation(table);
  std::ranges::sort(ranked, {}, [&](const Row* row) { return std::tuple(-sign * *row->mean, row->name); });
  return ranked;
}

void say_why_not_ranked(Row& row) {
  if (row.role == RowRole::kControl) {
    row.not_ranked = "control";
  } else if (!is_ranked(row.role)) {
    row.not_ranked = row.note;
  } else if (row.partial()) {
    row.not_ranked = fmt::format("partial: {}", missing_reasons(row));
  }
}

void relate(std::map<std::string, Average>& values, const std::map<std::string, Average>& student) {
  for (auto& [name, value] : values) {
    const auto base = student.find(name);
    if (base != student.end() && base->second.mean != 0) value.to_student = value.mean / base->second.mean;
  }
}

// "yes", or "no (seed 2)".
std::string shared_by_all(const std::vector<const Row*>& rows, std::string SeedResult::*fingerprint) {
  std::map<std::int64_t, std::string> first;
  std::map<std::int64_t, bool> disagrees;
  for (const Row* row : rows) {
    for (const SeedResult& seed : row->seeds) {
      if (!seed.value) continue;
      const auto [found, added] = first.emplace(seed.seed, seed.*fingerprint);
      if (found->second != seed.*fingerprint || found->second.empty()) disagrees[seed.seed] = true;
    }
  }
  if (first.empty()) return "no results";
  if (disagrees.empty()) return "yes";
  std::vector<std::string> seeds;
  for (const auto& [seed, value] : disagrees) seeds.push_back(fmt::format("{}", seed));
  return fmt::format("no (seed {})", join(seeds));
}

}  // namespace

std::string difference_in_fingerprints(const SeedResult& a, const SeedResult& b) {
  const auto differs = [](const std::string& left, const std::string& right, const char* name) -> std::string {
    if (left.empty() || right.empty()) return fmt::format("{} not recorded", name);
    return left == right ? "" : fmt::format("other {}", name);
  };
  std::vector<std::string> found;
  for (const std::string& one : {differs(a.initial_weights, b.initial_weights, "initial weights"),
                                 differs(a.batch_order, b.batch_order, "batch order"),
                                 differs(a.augmentation, b.augmentation, "augmentation")}) {
    if (!one.empty()) found.push_back(one);
  }
  return join(found);
}

std::vector<std::int64_t> seeds_in_common(const Row& a, const Row& b) { return common_seeds(a, b).seeds; }

StudentDifference paired_difference(const Row& a, const Row& b, results::NumberCache* numbers) {
  CommonSeeds common = common_seeds(a, b);
  StudentDifference result;
  result.why_not = join(common.left_out, "; ");
  result.seeds = std::move(common.seeds);
  if (common.left.empty()) return result;
  // What is counted exactly is counted in no time; what is drawn is kept.
  const auto test = [&](std::span<const double> differences) {
    if (differences.size() <= kMaximalSignFlips) return sign_flip_p(differences);
    Hasher key = memo_key("sign flips");
    add_values(key, {{differences.begin(), differences.end()}});
    return remembered(numbers, key, 1, [&] { return std::vector<double>{sign_flip_p(differences)}; }).front();
  };
  result.comparison = compare_paired(common.left, common.right, test);
  return result;
}

double orientation(const Table& table) { return metric_style(table.primary_metric).higher_is_better ? 1 : -1; }

const Row* find_student(const Table& table, const Row& row) {
  const Row* student = nullptr;
  for (const Row& candidate : table.rows) {
    if (candidate.method != "student" || candidate.role == RowRole::kControl) continue;
    if (candidate.student_model == row.student_model || student == nullptr) student = &candidate;
  }
  return student;
}

bool is_complete_method(const Row& row) { return is_ranked(row.role) && !row.partial() && row.mean.has_value(); }

void compare_to_student(Table& table, results::NumberCache* numbers) {
  for (Row& row : table.rows) {
    const Row* student = find_student(table, row);
    if (student == nullptr) continue;
    relate(row.cost, student->cost);
    // Another program's run saw other batches: there is no pair.
    const bool pairs = row.role != RowRole::kTeacher && row.role != RowRole::kExternal;
    if (student != &row && pairs) row.to_student = paired_difference(row, *student, numbers);
  }
}

void assign_tiers(Table& table) {
  for (Row& row : table.rows) say_why_not_ranked(row);
  std::vector<Row*> ranked = ranked_rows(table);
  table.smallest_n = 0;
  for (const Row* row : ranked) {
    table.smallest_n = table.smallest_n == 0 ? row->done : std::min(table.smallest_n, row->done);
  }
  table.what_n_allows = what_n_allows(table.smallest_n);
  if (ranked.empty()) {
    table.tiers = tier_rule() + " No tiers here: no method has results for all of its seeds.";
    return;
  }
  if (table.smallest_n < kSeedsForTiers) {
    table.tiers = fmt::format("{} No tiers here: {} seed{}. Rows stand by their mean, which is not an order of merit.",
                              tier_rule(), table.smallest_n, table.smallest_n == 1 ? "" : "s");
    for (Row* row : ranked) row->not_ranked = fmt::format("fewer than {} seeds", kSeedsForTiers);
    return;
  }
  table.tiers = tier_rule() + " Order within a tier means nothing.";
  for (int tier = 1; !ranked.empty(); ++tier) {
    std::vector<Row*> rest;
    const Row& best = *ranked.front();
    for (Row* row : ranked) {
      if (row != &best && separated(best, *row)) {
        rest.push_back(row);
      } else {
        row->tier = tier;
      }
    }
    ranked = rest;
  }
}

void describe_fingerprints(Table& table) {
  std::vector<const Row*> rows;
  for (const Row& row : table.rows) {
    if (is_ranked(row.role) || row.role == RowRole::kControl) rows.push_back(&row);
  }
  table.fingerprints = fmt::format(
      "All methods and controls of each seed share their initial weights: {}; batch order: {}; augmentation: {}.",
      shared_by_all(rows, &SeedResult::initial_weights), shared_by_all(rows, &SeedResult::batch_order),
      shared_by_all(rows, &SeedResult::augmentation));
}

void sort_rows(Table& table) {
  const double sign = orientation(table);
  const auto group = [](const Row& row) {
    if (row.role == RowRole::kCeiling) return 0;
    if (row.role == RowRole::kTeacher) return 1;
    if (row.role == RowRole::kUpperBound) return 3;
    if (row.role == RowRole::kExternal) return 4;
    return row.partial() ? 5 : 2;
  };
  const auto key = [&](const Row& row) {
    return std::tuple(group(row), row.tier.value_or(0), !row.mean.has_value(), -sign * row.mean.value_or(0), row.name);
  };
  std::vector<Row> controls;
  std::vector<Row> others;
  for (Row& row : table.rows) (row.role == RowRole::kControl ? controls : others).push_back(std::move(row));
  std::ranges::sort(others, {}, key);
  std::ranges::sort(controls, {}, &Row::name);
  table.rows.clear();
  for (Row& row : others) {
    table.rows.push_back(std::move(row));
    const std::string method = table.rows.back().method;
    const auto mine =
        std::stable_partition(controls.begin(), controls.end(), [&](const Row& one) { return one.method != method; });
    table.rows.insert(table.rows.end(), std::move_iterator(mine), std::move_iterator(controls.end()));
    controls.erase(mine, controls.end());
  }
  table.rows.insert(table.rows.end(), std::move_iterator(controls.begin()), std::move_iterator(controls.end()));
}

std::string tier_rule() {
  return fmt::format(
      "A tier holds the best mean that is left and every method whose paired 95 % t interval of the difference to it "
      "includes 0 or rests on fewer than {0} common seeds; tiers only read these intervals, from {0} seeds of each "
      "ranked "
      "method on, and are no significance test, of which an exact one can reach p < 0.05 from {1} seeds on.",
      kSeedsForTiers, kSeedsForTest);
}

std::string what_n_allows(std::int64_t n) {
  if (n == 0) return "No method is complete: nothing can be compared.";
  if (n == 1) return "One seed: no interval, no tiers, no test.";
  const std::string p =
      fmt::format("the smallest two-sided exact p with {} seeds is {:.4g}", n, smallest_reachable_p(n));
  if (n < kSeedsForTiers) return fmt::format("{} seeds: wide intervals; no tiers, no test ({}).", n, p);
  if (n < kSeedsForTest) {
    return fmt::format("{} seeds: intervals, and tiers that are read from them; no test at 0.05 ({}).", n, p);
  }
  if (n < kSeedsForPairs) {
    return fmt::format(
        "{} seeds: intervals, tiers that are read from them, and one test planned beforehand ({}); no claims about "
        "many "
        "pairs.",
        n, p);
  }
  return fmt::format(
      "{} seeds: intervals, tiers that are read from them, and pairwise claims by the test ({}); correct for the "
      "number "
      "of pairs that you look at.",
      n, p);
}

}  // namespace cmkd::reports
