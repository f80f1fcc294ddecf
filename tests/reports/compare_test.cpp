#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/compare.h"
#include "fixture.h"

namespace cmkd::reports {
namespace {

using fixture::Case;

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Clips of two classes, two of each source video; `right[i]`: whether clip i is.
ComparedRun compared_run(const Case& one, std::int64_t seed, const std::vector<bool>& right) {
  ComparedRun run;
  run.row = fixture::row(one, seed);
  run.row.training.config_json =
      R"({"method":{"id":")" + one.method + R"("},"seed":)" + std::to_string(seed) + R"(,"training":{"epochs":3}})";
  run.environment.values = {{"libtorch", "2.13.0"}, {"threads", "1"}};
  run.evaluation_config = R"({"task":"action_recognition","training":")" + run.row.link.training_key + "\"}";
  run.outputs.width = 2;
  for (std::size_t i = 0; i < right.size(); ++i) {
    run.outputs.clip_ids.push_back("c" + std::to_string(i));
    run.outputs.groups.push_back("v" + std::to_string(i / 2));
    run.outputs.labels.push_back(static_cast<std::int32_t>(i % 2));
    const bool says_zero = (run.outputs.labels[i] == 0) == right[i];
    run.outputs.scores.push_back(says_zero ? 0.75F : 0.25F);
    run.outputs.scores.push_back(says_zero ? 0.25F : 0.75F);
  }
  return run;
}

const Case kComparedStudent{"student", "student", "", RowRole::kLowerBound, "none", {0.5, 0.5, 0.75}};
const Case kComparedKd{"kd", "kd", "", RowRole::kMethod, "loss", {0.75, 1, 0.75}};

ComparedSide student_side() {
  return {"student",
          {compared_run(kComparedStudent, 1, {true, true, false, false}),
           compared_run(kComparedStudent, 2, {true, true, false, false}),
           compared_run(kComparedStudent, 3, {true, true, true, false})}};
}

ComparedSide kd_side() {
  return {
      "kd",
      {compared_run(kComparedKd, 1, {true, false, true, true}), compared_run(kComparedKd, 2, {true, true, true, true}),
       compared_run(kComparedKd, 3, {true, true, true, false})}};
}

const MetricComparison& metric_named(const ComparedTable& table, const std::string& name) {
  for (const MetricComparison& metric : table.metrics) {
    if (metric.metric == name) return metric;
  }
  throw std::logic_error("no metric " + name);
}

TEST_CASE("metrics are compared over the seeds that pair, B minus A") {
  const Comparison comparison = compare_sides(student_side(), kd_side());
  REQUIRE(comparison.tables.size() == 1);
  const ComparedTable& table = comparison.tables[0];
  CHECK(table.paired_seeds == std::vector<std::int64_t>{1, 2, 3});
  CHECK(table.not_paired.empty());
  CHECK(table.metrics.front().metric == "top1");
  const MetricComparison& top1 = metric_named(table, "top1");
  CHECK(top1.difference == 0.25);  // 0.25, 0.5, 0
  REQUIRE(top1.paired);
  CHECK(top1.paired->n == 3);
  // Of the 8 sign patterns of (0.25, 0.5, 0) four have |sum| 0.75.
  CHECK(top1.paired->sign_flip_p == 0.5);
  CHECK(worse_by(comparison) == -25);
  CHECK(worse_by(compare_sides(kd_side(), student_side())) == 25);
}

TEST_CASE("a seed whose batches were others, or that is missing, is left out and named") {
  ComparedSide a = student_side();
  ComparedSide b = kd_side();
  b.runs[1].row.training.batch_order_fingerprint = "another";
  b.runs.pop_back();
  const Comparison comparison = compare_sides(a, b);
  const ComparedTable& table = comparison.tables.at(0);
  CHECK(table.paired_seeds == std::vector<std::int64_t>{1});
  CHECK(table.not_paired == "seed 2: other batch order; seed 3: not a seed of B");
  CHECK(metric_named(table, "top1").difference == 0.25);  // of seed 1 alone
  CHECK_FALSE(metric_named(table, "top1").paired->interval);
}

TEST_CASE("where no seed pairs the means stand without interval and test") {
  ComparedSide b = kd_side();
  for (ComparedRun& run : b.runs) {
    run.row.link.role = RowRole::kExternal;
    run.row.training.initial_weights_fingerprint = run.row.training.batch_order_fingerprint =
        run.row.training.augmentation_fingerprint = "";
  }
  const Comparison comparison = compare_sides(student_side(), b);
  const ComparedTable& table = comparison.tables.at(0);
  CHECK(table.paired_seeds.empty());
  CHECK(says(table.not_paired, "seed 1: initial weights not recorded, batch order not recorded"));
  const MetricComparison& top1 = metric_named(table, "top1");
  CHECK_FALSE(top1.paired);
  CHECK(std::abs(top1.difference - 0.25) < 1e-12);  // (0.75 + 1 + 0.75) / 3 − (0.5 + 0.5 + 0.75) / 3
  CHECK(says(table.why_no_configuration, "made elsewhere"));
  CHECK(table.configuration.empty());
  // The test clips are the same all the same.
  CHECK(table.clips.seeds.size() == 3);
  CHECK(says(render_comparison(comparison, ComparisonFormat::kText), "No seed pairs"));
}

TEST_CASE("clips that flip are counted for each seed and listed with those of most seeds first") {
  const ClipComparison clips = compare_sides(student_side(), kd_side()).tables.at(0).clips;
  REQUIRE(clips.seeds.size() == 3);
  CHECK(clips.seeds[0].clips == 4);
  CHECK(clips.seeds[0].only_a == 1);  // c1
  CHECK(clips.seeds[0].only_b == 2);  // c2, c3
  CHECK(clips.seeds[0].p == 1);       // 2 P(Bin(3, ½) ≤ 1) = 1
  CHECK(clips.seeds[1].only_a == 0);
  CHECK(clips.seeds[1].only_b == 2);
  CHECK(clips.seeds[1].p == 0.5);     // 2 · ¼
  CHECK(clips.seeds[1].p_holm == 1);  // 3 · 0.5, at most 1
  CHECK(clips.seeds[2].p == 1);
  REQUIRE(clips.flipped.size() == 3);
  CHECK(clips.flipped[0].clip == "c2");
  CHECK(clips.flipped[0].group == "v1");
  CHECK(clips.flipped[0].label == "0");
  CHECK(clips.flipped[0].only_b == 2);
  CHECK(clips.flipped[1].clip == "c3");
  CHECK(clips.flipped[2].clip == "c1");
  CHECK(clips.flipped[2].only_a == 1);
  // Right clips: 2, 2, 3 of 4 against 3, 4, 3: (10 − 7) / 12.
  CHECK(std::abs(clips.difference - 0.25) < 1e-12);
  // Two videos are drawn: v0 twice (−1/6), both (¼), v1 twice (2/3), with ¼, ½, ¼.
  REQUIRE(clips.interval);
  CHECK(std::abs(clips.interval->low + 1.0 / 6) < 1e-12);
  CHECK(std::abs(clips.interval->high - 2.0 / 3) < 1e-12);
}

TEST_CASE("other test clips, other labels and missing outputs are said, not compared") {
  ComparedSide b = kd_side();
  b.runs[0].outputs.clip_ids[0] = "another";
  b.runs[1].outputs = {};
  b.runs[2].outputs.labels[0] = 1;
  const ClipComparison clips = compare_sides(student_side(), b).tables.at(0).clips;
  CHECK(clips.seeds.empty());
  CHECK(clips.why_none ==
        "seed 1: the two were tested on other clips; seed 2: no per-clip outputs are stored; seed 3: the two were "
        "tested on other clips");
}

TEST_CASE("the order in which outputs lie does not matter") {
  ComparedSide b = kd_side();
  results::ClipOutputs& outputs = b.runs[0].outputs;
  std::swap(outputs.clip_ids[1], outputs.clip_ids[2]);
  std::swap(outputs.groups[1], outputs.groups[2]);
  std::swap(outputs.labels[1], outputs.labels[2]);
  for (std::size_t column = 0; column < 2; ++column) std::swap(outputs.scores[2 + column], outputs.scores[4 + column]);
  const std::string straight = render_comparison(compare_sides(student_side(), kd_side()), ComparisonFormat::kJson);
  CHECK(render_comparison(compare_sides(student_side(), b), ComparisonFormat::kJson) == straight);
}

TEST_CASE("in retrieval a query is right where the nearest clip shares its class, and is no neighbour of itself") {
  const auto embedded = [](const Case& one, std::vector<float> scores, std::int64_t queries) {
    ComparedRun run = compared_run(one, 1, {true, true, true, true});
    run.row.link.task = "retrieval";
    run.outputs.queries = queries;
    run.outputs.scores = std::move(scores);
    return run;
  };
  SECTION("the training split is searched") {
    // Labels 0 1 | 0 1. A: both queries find their class; B: query c0 lies along c3.
    const ComparedSide a{"student", {embedded(kComparedStudent, {1, 0, 0, 1, 2, 0, 0, 2}, 2)}};
    const ComparedSide b{"kd", {embedded(kComparedKd, {0, 1, 0, 1, 2, 0, 0, 2}, 2)}};
    const ClipComparison clips = compare_sides(a, b).tables.at(0).clips;
    REQUIRE(clips.seeds.size() == 1);
    CHECK(clips.seeds[0].clips == 2);
    CHECK(clips.seeds[0].only_a == 1);
    CHECK(clips.seeds[0].only_b == 0);
    CHECK(clips.flipped.at(0).clip == "c0");
  }
  SECTION("the queries search each other") {
    // A: c0 and c2 (class 0) along x, c1 and c3 along y. B: all nearest neighbours are of the other class.
    const ComparedSide a{"student", {embedded(kComparedStudent, {1, 0, 0, 1, 1, 0, 0, 1}, 4)}};
    const ComparedSide b{"kd", {embedded(kComparedKd, {1, 0, 1, 0, 0, 1, 0, 1}, 4)}};
    const ClipComparison clips = compare_sides(a, b).tables.at(0).clips;
    CHECK(clips.seeds.at(0).only_a == 4);
    CHECK(clips.interval);
  }
}

TEST_CASE("what differs in configuration and environment is named by path, once for all seeds") {
  ComparedSide b = kd_side();
  for (ComparedRun& run : b.runs) {
    run.row.training.config_json.replace(run.row.training.config_json.find("3}"), 2, "30, \"rate\": 0.5}");
    run.environment.values["libtorch"] = "2.14.0";
    run.environment.values.erase("threads");
  }
  const Comparison comparison = compare_sides(student_side(), b);
  const ComparedTable& table = comparison.tables.at(0);
  REQUIRE(table.configuration.size() == 3);
  CHECK(table.configuration[0].name == "method.id");
  CHECK(table.configuration[0].a == "student");
  CHECK(table.configuration[0].b == "kd");
  CHECK(table.configuration[1].name == "training.epochs");
  CHECK(table.configuration[1].a == "3");
  CHECK(table.configuration[1].b == "30");
  CHECK(table.configuration[2].name == "training.rate");
  CHECK(table.configuration[2].a == "(none)");
  REQUIRE(table.environment.size() == 2);
  CHECK(table.environment[0].name == "libtorch");
  CHECK(table.environment[0].b == "2.14.0");
  CHECK(table.environment[1].name == "threads");
}

TEST_CASE("two single runs are compared whatever their seeds are, without a test") {
  const ComparedSide a{"1111", {compared_run(kComparedStudent, 1, {true, true, false, false})}};
  const ComparedSide b{"2222", {compared_run(kComparedStudent, 3, {true, true, true, false})}};
  const Comparison comparison = compare_sides(a, b);
  const ComparedTable& table = comparison.tables.at(0);
  CHECK(table.not_paired == "seed 1: B has seed 3");
  CHECK(metric_named(table, "top1").difference == 0.25);
  CHECK(table.clips.seeds.at(0).seed_b == 3);
  CHECK(table.clips.flipped.at(0).clip == "c2");
}

TEST_CASE("sides without a table or a result in common are refused") {
  ComparedSide b = kd_side();
  for (ComparedRun& run : b.runs) run.row = fixture::not_run(run.row);
  try {
    (void)compare_sides(student_side(), b);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kNothingSelected);
  }
}

TEST_CASE("a p below what four decimals show is said to be below, never 0") {
  const ComparedSide a{"student", {compared_run(kComparedStudent, 1, std::vector<bool>(20, false))}};
  const ComparedSide b{"kd", {compared_run(kComparedKd, 1, std::vector<bool>(20, true))}};
  const std::string text = render_comparison(compare_sides(a, b), ComparisonFormat::kText);
  CHECK(says(text, "< 0.0001"));
  CHECK_FALSE(says(text, "0.0000"));
}

TEST_CASE("names of every kind survive Markdown, text and JSON") {
  ComparedSide b = kd_side();
  b.name = "a|b <i> & \"c\", ä_%";
  b.runs[0].outputs.clip_ids[2] = b.runs[1].outputs.clip_ids[2] = b.runs[2].outputs.clip_ids[2] = "b|y <z>\n";
  ComparedSide a = student_side();
  for (ComparedRun& run : a.runs) run.outputs.clip_ids[2] = "b|y <z>\n";
  const Comparison comparison = compare_sides(a, b);
  const std::string markdown = render_comparison(comparison, ComparisonFormat::kMarkdown);
  CHECK(says(markdown, "a\\|b &lt;i&gt; &amp; \"c\", ä\\_%"));
  CHECK(says(markdown, "| b\\|y &lt;z&gt;  |"));
  const auto json = nlohmann::json::parse(render_comparison(comparison, ComparisonFormat::kJson));
  CHECK(json.at("b") == b.name);
  CHECK(json.at("tables").at(0).at("clips").at("flipped").at(0).at("clip") == "b|y <z>\n");
  CHECK(json.at("worse_by") == -25);
  CHECK(says(render_comparison(comparison, ComparisonFormat::kText), "b|y <z>"));
  // A bound on what is listed, and the number of all.
  const std::string short_list = render_comparison(comparison, ComparisonFormat::kText, 1);
  CHECK(says(short_list, "3 clips flipped; 1 shown"));
  CHECK_FALSE(says(short_list, "c3"));
}

TEST_CASE("an external row stands in its table, marked, neither ranked nor paired nor a program of its own") {
  const Case theirs{"theirs", "theirs", "", RowRole::kExternal, "none", {0.99, 0.99, 0.99}};
  std::vector<results::LeaderboardRow> rows;
  for (std::int64_t seed = 1; seed <= 3; ++seed) {
    rows.push_back(fixture::row(kComparedStudent, seed));
    rows.push_back(fixture::row(kComparedKd, seed));
    rows.push_back(fixture::row(theirs, seed));
    rows.back().training.initial_weights_fingerprint = rows.back().training.batch_order_fingerprint = "";
    rows.back().origin = {};
  }
  const Leaderboard board = build_leaderboard(rows, {});
  const Table& table = board.tables.at(0);
  REQUIRE(table.rows.size() == 3);
  const Row& row = table.rows.back();
  CHECK(row.name == "theirs");
  CHECK(row.note == "external, unpaired");
  CHECK(row.not_ranked == "external, unpaired");
  CHECK_FALSE(row.to_student);
  CHECK_FALSE(row.tier);
  CHECK(std::abs(row.mean.value() - 0.99) < 1e-12);
  CHECK(says(table.fingerprints, "initial weights: yes"));
  CHECK_FALSE(board.provenance.is_mixed());
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml}) {
    CHECK(says(render(board, format), "external"));
  }
}

}  // namespace
}  // namespace cmkd::reports
