#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/leaderboard.h"
#include "fixture.h"
#include "paths.h"

namespace cmkd::reports {
namespace {

using Rows = std::vector<results::LeaderboardRow>;

LeaderboardOptions options_with_outputs(const Rows& rows) {
  LeaderboardOptions options;
  options.outputs = [rows](const std::string& key) { return fixture::outputs(rows, key); };
  return options;
}

const Row& row_named(const Table& table, const std::string& name) {
  const auto found = std::ranges::find(table.rows, name, &Row::name);
  REQUIRE(found != table.rows.end());
  return *found;
}

const RowPair& pair_named(const Table& table, const std::string& better, const std::string& other) {
  const auto found = std::ranges::find_if(
      table.pairs, [&](const RowPair& pair) { return pair.better == better && pair.other == other; });
  REQUIRE(found != table.pairs.end());
  return *found;
}

fixture::Case method_case(const std::string& name, std::vector<double> top1) {
  return {name, name, "", results::RowRole::kMethod, "loss", std::move(top1)};
}

Rows rows_of_cases(const std::vector<fixture::Case>& cases) {
  Rows rows;
  for (const fixture::Case& one : cases) {
    for (std::size_t seed = 1; seed <= one.top1.size(); ++seed) {
      rows.push_back(fixture::row(one, static_cast<std::int64_t>(seed)));
    }
  }
  return rows;
}

TEST_CASE("ranks are of the ranked rows, and their intervals of paired seeds") {
  const Table table = build_leaderboard(fixture::rows(), fixture::datasets()).tables.front();
  // mnf_csc against kd by seed: +0.5, +0.5, −0.5, +1.0, 0: the sum of five draws may be below 0, so either may lead.
  CHECK(row_named(table, "mnf_csc").rank->rank == 1);
  CHECK(row_named(table, "mnf_csc").rank->interval.high == 2);
  CHECK(row_named(table, "kd").rank->rank == 2);
  CHECK(row_named(table, "kd").rank->interval.low == 1);
  for (const char* name : {"oracle_labels", "teacher", "late_fusion", "crd", "kd (shuffled-teacher)"}) {
    CHECK_FALSE(row_named(table, name).rank.has_value());
  }
}

TEST_CASE("fewer seeds than tiers need give no rank interval") {
  const Rows rows = rows_of_cases({method_case("a", {0.5, 0.6, 0.55}), method_case("b", {0.4, 0.5, 0.45})});
  const Table table = build_leaderboard(rows, {}).tables.front();
  CHECK_FALSE(row_named(table, "a").rank.has_value());
  CHECK(table.pairs.size() == 1);
  CHECK_FALSE(table.pairs.front().equivalence.has_value());
}

TEST_CASE("every pair of complete methods is compared, the higher first") {
  const Table table = build_leaderboard(fixture::rows(), fixture::datasets()).tables.front();
  CHECK(table.pairs.size() == 6);  // student, mnf_csc, kd and the hostile name; crd is partial
  const RowPair& pair = pair_named(table, "mnf_csc", "student");
  CHECK(pair.seeds->difference == Approx(0.071));
  CHECK(pair.seeds->sign_flip_p == Approx(0.0625));
  CHECK_FALSE(pair.holm_p.has_value());  // 5 seeds
  CHECK(pair.probability_of_improvement == 1);
  CHECK(pair.probability_interval.low == 1);
  CHECK(pair.equivalence->first_better > 0.99);
}

TEST_CASE("Holm's correction runs over the pairs of the table from six seeds on") {
  const Rows rows = rows_of_cases({method_case("a", {0.60, 0.62, 0.61, 0.63, 0.64, 0.65}),
                                   method_case("b", {0.50, 0.51, 0.52, 0.50, 0.51, 0.52}),
                                   method_case("c", {0.49, 0.52, 0.51, 0.51, 0.50, 0.53})});
  const Table table = build_leaderboard(rows, {}).tables.front();
  // a beats both on all six seeds: p = 2^−5 each, times 3 and (at least as much) times 2.
  CHECK(pair_named(table, "a", "b").holm_p.value() == Approx(3.0 / 32));
  CHECK(pair_named(table, "a", "c").holm_p.value() == Approx(3.0 / 32));
  CHECK(table.pairs.size() == 3);
  CHECK(table.pairs.back().holm_p.value() >= table.pairs.back().seeds->sign_flip_p);
}

TEST_CASE("of a metric of which lower is better the lower row leads, and wins") {
  Rows rows =
      rows_of_cases({method_case("a", {0.5, 0.6, 0.55, 0.5, 0.6}), method_case("b", {0.4, 0.5, 0.45, 0.4, 0.5})});
  for (auto& row : rows) row.link.primary_metric = "nll";  // 2 − top1
  const Leaderboard board = build_leaderboard(rows, {});
  const RowPair& pair = pair_named(board.tables.front(), "a", "b");
  CHECK(pair.seeds->difference == Approx(-0.1));
  CHECK(pair.probability_of_improvement > 0.9);
  CHECK_FALSE(pair.equivalence.has_value());  // a rope of one point is one of a percentage
  CHECK(row_named(board.tables.front(), "a").rank->rank == 1);
  CHECK(board.overviews.empty());
}

// One seed, two videos: clips of "a" are right in one method, those of "b" in the other.
results::ClipOutputs two_videos(bool first_right, std::int64_t clips) {
  results::ClipOutputs outputs;
  outputs.width = 2;
  for (std::int64_t i = 0; i < 2 * clips; ++i) {
    outputs.clip_ids.push_back(std::to_string(i));
    outputs.groups.emplace_back(i < clips ? "a" : "b");
    outputs.labels.push_back(0);
    const bool right = (i < clips) == first_right;
    outputs.scores.insert(outputs.scores.end(), {right ? 1.0F : 0.0F, 0.5F});
  }
  return outputs;
}

TEST_CASE("the interval over test clips is of whole videos, and of the difference on the same clips") {
  const Rows rows = rows_of_cases(
      {{"student", "student", "", results::RowRole::kLowerBound, "none", {0.5}}, method_case("kd", {0.5})});
  LeaderboardOptions options;
  options.outputs = [](const std::string& key) { return two_videos(key.find("student") != std::string::npos, 50); };
  const Table table = build_leaderboard(rows, {}, options).tables.front();
  // Draws of two videos: both a (¼), one of each (½), both b (¼): the mean is 1, ½ or 0, the difference ∓1 or 0.
  const OverClips& kd = row_named(table, "kd").over_clips.value();
  CHECK(kd.interval->low == 0);
  CHECK(kd.interval->high == 1);
  CHECK(kd.to_student->low == -1);
  CHECK(kd.to_student->high == 1);
  CHECK(kd.clips == 100);
  CHECK(kd.groups == 2);
  CHECK_FALSE(row_named(table, "student").over_clips->to_student.has_value());
  CHECK(table.test_clips.find("over the 100 test clips, drawn by their 2 source videos") != std::string::npos);
  CHECK(table.test_clips.find("too narrow") != std::string::npos);
}

TEST_CASE("a row whose outputs are missing, of other clips or of another metric says so") {
  Rows rows = rows_of_cases({method_case("a", {0.5, 0.5}), method_case("b", {0.5, 0.5}), method_case("c", {0.5, 0.5}),
                             method_case("d", {0.4, 0.4})});
  for (auto& row : rows) {
    if (row.link.label == "a") row.outputs_fingerprint.clear();
  }
  LeaderboardOptions options;
  options.outputs = [](const std::string& key) {
    return two_videos(true, key == "evaluation-b-2" ? 40 : 50);  // d: half are right, and 0.4 is stored
  };
  const Table table = build_leaderboard(rows, {}, options).tables.front();
  CHECK(row_named(table, "a").over_clips->why_not.find("no per-clip outputs") != std::string::npos);
  CHECK(row_named(table, "b").over_clips->why_not.find("not tested on the same clips") != std::string::npos);
  CHECK(row_named(table, "c").over_clips->why_not == "");
  CHECK(row_named(table, "d").over_clips->why_not.find("do not give the stored metric") != std::string::npos);
  CHECK_FALSE(pair_named(table, "a", "c").over_clips.has_value());
  CHECK(table.test_clips.find("Without one: a") != std::string::npos);
}

TEST_CASE("outputs that cannot be read leave the leaderboard, with the reason in it") {
  const Rows rows = fixture::rows();
  LeaderboardOptions options;
  options.outputs = [](const std::string&) -> results::ClipOutputs {
    throw Error(ErrorKind::kData, {.what = "the artifact is gone"});
  };
  const Table table = build_leaderboard(rows, fixture::datasets(), options).tables.front();
  CHECK(table.test_clips == "No intervals over test clips: the artifact is gone.");
  CHECK(row_named(table, "kd").mean.has_value());
}

TEST_CASE("a metric that is not resampled over clips has no interval over them, and the table says why") {
  Rows rows = fixture::rows();
  for (auto& row : rows) row.link.primary_metric = "ece";
  const Table table = build_leaderboard(rows, fixture::datasets(), options_with_outputs(rows)).tables.front();
  CHECK(table.test_clips.find("'ece' is not resampled over clips") != std::string::npos);
  CHECK_FALSE(row_named(table, "kd").over_clips.has_value());
}

// Embeddings on a circle; clips 0 and 1 ask, 2 to 4 are the gallery.
TEST_CASE("retrieval's interval over test clips is over its queries") {
  Rows rows = rows_of_cases({method_case("a", {0.75})});
  rows.front().link.primary_metric = "map";
  rows.front().metrics.push_back({"map", "test", 0.75, 2});
  LeaderboardOptions options;
  options.outputs = [](const std::string&) {
    results::ClipOutputs outputs;
    outputs.clip_ids = {"q1", "q2", "g1", "g2", "g3"};
    outputs.groups = {"v1", "v2", "w1", "w2", "w3"};
    outputs.labels = {0, 1, 0, 1, 0};
    outputs.width = 2;
    // Query 1 ranks g1 (hit), g3 (hit), g2: average precision 1. Query 2 ranks g3, g2 (hit), g1: ½.
    outputs.scores = {1, 0, 0.5F, 0.9F, 1, 0.05F, 0.1F, 1, 0.6F, 0.8F};
    outputs.queries = 2;
    return outputs;
  };
  const OverClips found = build_leaderboard(rows, {}, options).tables.front().rows.front().over_clips.value();
  CHECK(found.why_not == "");
  CHECK(found.clips == 2);
  CHECK(found.interval->low == 0.5);
  CHECK(found.interval->high == 1);
}

TEST_CASE("kept bootstraps change no byte of a report, and are not computed again") {
  const test::TemporaryFolder folder;
  const Rows rows = fixture::rows();
  const auto render_with = [&](results::NumberCache* numbers, bool& read) {
    LeaderboardOptions options;
    options.numbers = numbers;
    options.outputs = [&](const std::string& key) {
      read = true;
      return fixture::outputs(rows, key);
    };
    return render_json(build_leaderboard(rows, fixture::datasets(), options));
  };
  bool read = false;
  const std::string plain = render_with(nullptr, read);
  results::NumberCache first = results::NumberCache::load(folder / "numbers.bin");
  const bool same_when_filled = render_with(&first, read) == plain;
  CHECK(same_when_filled);
  CHECK(first.computed() > 0);
  CHECK(first.save() == "");
  results::NumberCache second = results::NumberCache::load(folder / "numbers.bin");
  read = false;
  const bool same_when_kept = render_with(&second, read) == plain;
  CHECK(same_when_kept);
  CHECK(second.computed() == 0);
  CHECK_FALSE(read);
}

TEST_CASE("six data sets are tested as six blocks, and a method that is missing in one is left out by name") {
  const Overview overview = build_leaderboard(fixture::dataset_rows(6), {}).overviews.front();
  CHECK(overview.datasets.size() == 6);
  CHECK(overview.left_out == std::vector<std::string>{"crd: not in set6"});
  REQUIRE(overview.methods.size() == 3);
  CHECK(overview.methods.front().name == "mnf_csc");
  // On set1 mnf_csc's third seed fell to 0.20: its mean 0.4067 is below kd's 0.44 and the student's 0.41.
  CHECK(overview.methods.front().mean_rank.value == Approx((3 + 5 * 1) / 6.0));
  REQUIRE(overview.omnibus.has_value());
  CHECK(overview.omnibus->chi2 == Approx(7));  // mean ranks 8/6, 11/6, 17/6: 12·6/12 · Σ (r − 2)² = 6 · 42/36
  const OverviewPair& first = overview.pairs.front();
  CHECK(first.wilcoxon->p == Approx(2.0 / 32));  // the only negative difference is the smallest of six
  CHECK(overview.cliques.size() == 1);
  CHECK(first.equivalence.has_value());
}

TEST_CASE("five data sets get aggregates and no test, and the overview says why") {
  const Overview overview = build_leaderboard(fixture::dataset_rows(5), {}).overviews.front();
  CHECK_FALSE(overview.omnibus.has_value());
  CHECK_FALSE(overview.critical_distance.has_value());
  CHECK(overview.cliques.empty());
  CHECK_FALSE(overview.pairs.front().wilcoxon.has_value());
  CHECK(overview.tests.find("5 data sets") != std::string::npos);
  CHECK(overview.tests.find("with 5 its smallest p is 0.0625") != std::string::npos);
  CHECK(overview.methods.front().profile.size() == 41);
}

TEST_CASE("intervals that rest on one seed are not left to pass for certainty") {
  Rows rows = fixture::dataset_rows(2);
  CHECK(build_leaderboard(rows, {}).overviews.front().tests.find("but one seed") == std::string::npos);
  std::erase_if(rows, [](const auto& row) { return row.link.seed > 1; });
  CHECK(build_leaderboard(rows, {}).overviews.front().tests.find("but one seed") != std::string::npos);
}

TEST_CASE("directions, protocols and sweeps are not read as data sets") {
  Rows rows = fixture::dataset_rows(3);
  for (auto& row : rows) {
    if (row.link.dataset == "set3") row.link.direction = "video->audio";
  }
  CHECK(build_leaderboard(rows, {}).overviews.size() == 2);
  CHECK(build_leaderboard(fixture::sweep_rows(), {}).overviews.empty());
}

}  // namespace
}  // namespace cmkd::reports
