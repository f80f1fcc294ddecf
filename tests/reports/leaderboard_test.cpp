#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <string>
#include <vector>

#include "board.h"
#include "cmkd/core/error.h"
#include "cmkd/reports/leaderboard.h"
#include "fixture.h"

namespace cmkd::reports {
namespace {

using fixture::board_row_named;
using fixture::Case;
using fixture::kKd;
using fixture::kStudentRow;
using fixture::rows_of;
using fixture::text_contains;

// What comparison.cpp says of tiers, as a reader sees it.
std::string plain_rule() {
  return "A tier holds the best mean that is left and every method whose paired 95 % t interval of the difference to "
         "it "
         "includes 0 or rests on fewer than 5 common seeds; tiers only read these intervals, from 5 seeds of each "
         "ranked "
         "method on, and are no significance test, of which an exact one can reach p < 0.05 from 6 seeds on.";
}

TEST_CASE("mean, deviation and paired difference are those derived by hand") {
  const Leaderboard board = build_leaderboard(rows_of({kStudentRow, kKd}), {});
  const Row& student = board_row_named(board, "student");
  CHECK(student.mean.value() == 0.5);
  CHECK(student.deviation.value() == 0.25);
  CHECK_FALSE(student.to_student.has_value());
  const Row& kd = board_row_named(board, "kd");
  REQUIRE(kd.to_student.has_value());
  CHECK(kd.to_student->seeds == std::vector<std::int64_t>{1, 2, 3});
  CHECK(kd.to_student->comparison.value().difference == 0.125);  // of 0.25, 0, 0.125
  CHECK(kd.to_student->comparison.value().sign_flip_p == 0.5);   // ± 0.375 twice each (the zero), of 8
  CHECK(kd.cost.at("train_seconds").to_student.value() == 1.5);
}

// Each seed of `from` in two official splits, `offset` above and below its value.
std::vector<results::LeaderboardRow> in_two_folds(const std::vector<results::LeaderboardRow>& from, double offset) {
  std::vector<results::LeaderboardRow> rows;
  for (const results::LeaderboardRow& row : from) {
    for (const std::string fold : {"1", "2"}) {
      results::LeaderboardRow part = row;
      part.link.fold = fold;
      part.link.training_key += fold;
      part.link.evaluation_key += fold;
      for (results::MetricValue& metric : part.metrics) metric.value += fold == "1" ? offset : -offset;
      rows.push_back(part);
    }
  }
  return rows;
}

TEST_CASE("a seed's value is its mean over the official splits, and none where one is missing") {
  std::vector<results::LeaderboardRow> rows = in_two_folds(rows_of({kStudentRow, kKd}), 0.0625);
  const Leaderboard board = build_leaderboard(rows, {});
  const Row& student = board_row_named(board, "student");
  CHECK(board.tables[0].folds == std::vector<std::string>{"1", "2"});
  CHECK(student.wanted == 3);
  CHECK(student.mean.value() == 0.5);
  CHECK(student.deviation.value() == 0.25);
  REQUIRE(student.seeds[0].folds.size() == 2);
  CHECK(student.seeds[0].folds[0].value.value() == 0.3125);
  CHECK(board_row_named(board, "kd").to_student->comparison.value().difference == 0.125);
  const std::string csv = render_csv(board);
  CHECK(std::ranges::count(csv, '\n') == 1 + 2 * 3 * 2);

  const auto lost = std::ranges::find_if(rows, [](const results::LeaderboardRow& row) {
    return row.training.label == "kd" && row.training.seed == 2 && row.link.fold == "2";
  });
  REQUIRE(lost != rows.end());
  *lost = fixture::not_run(*lost);
  const Leaderboard partial = build_leaderboard(rows, {});
  const Row& kd = board_row_named(partial, "kd");
  CHECK(kd.done == 2);
  CHECK(kd.wanted == 3);
  CHECK_FALSE(kd.seeds[1].value);
  CHECK(text_contains(kd.seeds[1].missing, "fold 2: not run"));
}

TEST_CASE("two results for one official split of a seed are refused") {
  std::vector<results::LeaderboardRow> rows = in_two_folds(rows_of({kStudentRow}), 0);
  rows[1].link.fold = "1";
  CHECK_THROWS_AS(build_leaderboard(rows, {}), Error);
}

// kd one to three points above the student, never twice the same in a row.
Leaderboard board_of_seeds(std::size_t n) {
  Case student = kStudentRow;
  Case kd = kKd;
  student.top1.clear();
  kd.top1.clear();
  for (std::size_t seed = 0; seed < n; ++seed) {
    student.top1.push_back(0.5);
    kd.top1.push_back(0.51 + 0.01 * static_cast<double>(seed % 3));
  }
  return build_leaderboard(rows_of({student, kd}), {});
}

TEST_CASE("what n seeds allow, the tiers and the rule of the tiers agree at every n") {
  struct Allowed {
    std::size_t n;
    bool interval;
    bool tiers;
    std::string says;  // p: 2^(1 − n)
  };
  for (const Allowed& one :
       {Allowed{1, false, false, "One seed: no interval, no tiers, no test."},
        Allowed{2, true, false, "no tiers, no test (the smallest two-sided exact p with 2 seeds is 0.5)"},
        Allowed{3, true, false, "no tiers, no test (the smallest two-sided exact p with 3 seeds is 0.25)"},
        Allowed{5, true, true,
                "tiers that are read from them; no test at 0.05 (the smallest two-sided "
                "exact p with 5 seeds is 0.0625)"},
        Allowed{6, true, true,
                "one test planned beforehand (the smallest two-sided exact p with 6 "
                "seeds is 0.03125)"},
        Allowed{10, true, true,
                "pairwise claims by the test (the smallest two-sided exact p with 10 "
                "seeds is 0.001953)"}}) {
    INFO(one.n);
    const Leaderboard board = board_of_seeds(one.n);
    const Table& table = board.tables.at(0);
    CHECK(text_contains(table.what_n_allows, one.says));
    CHECK(board_row_named(board, "kd").interval.has_value() == one.interval);
    // The differences' half width is at most 1.04 points at n = 5 (1, 2, 3, 1, 2 points: 2.776 · 0.837 / √5), their
    // mean 1.8: 0 is outside.
    CHECK(board_row_named(board, "kd").tier.has_value() == one.tiers);
    CHECK(board_row_named(board, "student").tier == (one.tiers ? std::optional<int>(2) : std::nullopt));
    CHECK(text_contains(table.tiers, "No tiers here") != one.tiers);
    CHECK(text_contains(table.tiers, "no significance test, of which an exact one can reach p < 0.05 from 6 seeds on"));
    // One sentence, the same whatever n is, in every format that has words.
    const std::string rule = table.tiers.substr(0, table.tiers.find(". ") + 1);
    CHECK(rule == plain_rule());
    CHECK(text_contains(render(board, Format::kJson), rule));
  }
}

TEST_CASE("methods whose interval to the best includes zero share its tier, the others begin the next") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  CHECK(board_row_named(board, "mnf_csc").tier == 1);
  CHECK(board_row_named(board, "kd").tier == 1);
  CHECK(board_row_named(board, "student").tier == 2);
}

TEST_CASE("only complete methods and the lower bound are ranked") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  for (const char* name : {"teacher", "oracle_labels", "late_fusion", "kd (shuffled-teacher)", "crd"}) {
    INFO(name);
    CHECK_FALSE(board_row_named(board, name).tier.has_value());
    CHECK_FALSE(board_row_named(board, name).not_ranked.empty());
  }
  CHECK(board_row_named(board, "student").tier.has_value());
}

TEST_CASE("a partial row counts its seeds and gives each missing one's reason") {
  const Row crd = board_row_named(build_leaderboard(fixture::rows(), fixture::datasets()), "crd");
  CHECK(crd.partial());
  CHECK(crd.done == 3);
  CHECK(crd.wanted == 5);
  CHECK(text_contains(crd.not_ranked, "seed 2: failed: loss is not finite at epoch 3"));
  CHECK(text_contains(crd.not_ranked, "seed 5: not run"));
}

TEST_CASE("a control stands under its method, and the bounds stand first") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  std::vector<std::string> names;
  for (const Row& row : board.tables[0].rows) names.push_back(row.name);
  CHECK(names[0] == "oracle_labels");
  CHECK(names[1] == "teacher");
  const auto kd = std::ranges::find(names, "kd");
  REQUIRE(kd + 1 < names.end());
  CHECK(*(kd + 1) == "kd (shuffled-teacher)");
  CHECK(names[names.size() - 2] == "crd");
  CHECK(names.back() == "at");
}

TEST_CASE("seeds that saw other batches are left out of the paired difference, with the reason") {
  auto rows = rows_of({kStudentRow, kKd});
  rows[4].training.batch_order_fingerprint = "other";  // kd, seed 2
  rows[5].training.augmentation_fingerprint = "";      // kd, seed 3
  const Leaderboard board = build_leaderboard(rows, {});
  const StudentDifference difference = board_row_named(board, "kd").to_student.value();
  CHECK(difference.seeds == std::vector<std::int64_t>{1});
  CHECK(difference.comparison.value().difference == 0.25);
  CHECK_FALSE(difference.comparison.value().interval.has_value());
  CHECK(difference.why_not == "seed 2: other batch order; seed 3: augmentation not recorded");
  CHECK(text_contains(board.tables[0].fingerprints, "initial weights: yes; batch order: no (seed 2)"));
}

TEST_CASE("without a student there is no difference to it, and the rest stands") {
  const Leaderboard board = build_leaderboard(rows_of({kKd}), {});
  CHECK_FALSE(board_row_named(board, "kd").to_student.has_value());
  CHECK(board_row_named(board, "kd").mean.has_value());
}

TEST_CASE("strict and paper never share a table") {
  auto rows = rows_of({kStudentRow, kKd});
  for (std::size_t i = 3; i < rows.size(); ++i) rows[i].link.protocol = "paper";
  const Leaderboard board = build_leaderboard(rows, {});
  REQUIRE(board.tables.size() == 2);
  CHECK(board.tables[0].protocol == "paper");
  CHECK(board.tables[1].protocol == "strict");
}

TEST_CASE("a suite of which nothing has run still lists every row and its command") {
  auto rows = rows_of({kStudentRow, kKd});
  for (auto& row : rows) row = fixture::not_run(row);
  const Leaderboard board = build_leaderboard(rows, {});
  const Row& kd = board_row_named(board, "kd");
  CHECK(kd.done == 0);
  CHECK(kd.wanted == 3);
  CHECK_FALSE(kd.mean.has_value());
  CHECK(kd.rerun_command == "cmkd run suites/quick.toml --only 'kd'");
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml}) {
    CHECK(text_contains(render(board, format), "not run"));
  }
}

TEST_CASE("two results for one seed of a row are refused rather than averaged") {
  auto rows = rows_of({kStudentRow});
  rows.push_back(rows[0]);
  CHECK_THROWS_AS(build_leaderboard(rows, {}), Error);
}

TEST_CASE("a lower-is-better metric ranks the lowest first") {
  auto rows = rows_of({{"student", "student", "", RowRole::kLowerBound, "none", {0.5, 0.5, 0.5, 0.5, 0.5}},
                       {"kd", "kd", "", RowRole::kMethod, "loss", {0.25, 0.25, 0.25, 0.25, 0.25}}});
  for (auto& row : rows) row.link.primary_metric = "ece";  // 0.25 (1 − top1): the student's is the lower
  const Leaderboard board = build_leaderboard(rows, {});
  CHECK(board_row_named(board, "student").tier == 1);
  CHECK(board_row_named(board, "kd").tier == 2);
}

TEST_CASE("exclusions are counted by reason, of the data that the rows used") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  REQUIRE(board.tables[0].exclusions.size() == 1);
  const ExclusionList& list = board.tables[0].exclusions[0];
  CHECK(list.used == 1001);
  CHECK(list.listed == 1004);
  CHECK(list.reasons.at("no_audio_stream") == 2);
  CHECK(list.reasons.at("truncated") == 1);
}

}  // namespace
}  // namespace cmkd::reports
