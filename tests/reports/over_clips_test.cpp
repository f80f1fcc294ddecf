// Intervals over test clips where a seed's value is no mean over its clips: folds, averages over classes, rows that
// lack seeds, and what is too much to rank again.
#include "catch.h"
// The test framework comes first.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "board.h"
#include "clip_metrics.h"
#include "clip_rows.h"
#include "cmkd/reports/leaderboard.h"
#include "fixture.h"

namespace cmkd::reports {
namespace {

using fixture::Case;
using fixture::text_contains;

// Clips of one video each, of two classes; right where `right` is.
results::ClipOutputs classified(const std::string& prefix, const std::vector<std::int32_t>& labels,
                                const std::vector<bool>& right) {
  results::ClipOutputs outputs;
  outputs.width = 2;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    outputs.clip_ids.push_back(prefix + std::to_string(i));
    outputs.groups.push_back(prefix + "video" + std::to_string(i));
    outputs.labels.push_back(labels[i]);
    const bool first = (labels[i] == 0) == right[i];
    outputs.scores.insert(outputs.scores.end(), {first ? 1.0F : 0.0F, 0.5F});
  }
  return outputs;
}

using Outputs = std::map<std::string, results::ClipOutputs>;  // by evaluation key

LeaderboardOptions reading(const Outputs& outputs) {
  LeaderboardOptions options;
  options.outputs = [outputs](const std::string& key) { return outputs.at(key); };
  return options;
}

results::LeaderboardRow seed_row(const std::string& name, std::int64_t seed, double value, const std::string& metric) {
  const bool student = name == "student";
  const Case one{name, name, "", student ? RowRole::kLowerBound : RowRole::kMethod, "loss", {value, value, value}};
  results::LeaderboardRow row = fixture::row(one, seed);
  row.link.primary_metric = metric;
  std::erase_if(row.metrics, [&](const results::MetricValue& other) { return other.name == metric; });
  row.metrics.push_back({metric, "test", value, 2});
  return row;
}

TEST_CASE("an average over classes is resampled with the classes that are drawn") {
  // Two clips of class 0, of which one is right, one of class 1, which is right: mean class accuracy (½ + 1) / 2 = ¾.
  // Draws of three: whatever is drawn of class 0 is right by the share of clip 0 among it; class 1 counts 1 when drawn.
  // All of clip 1 (wrong): 0, with probability 1/27. The 2.5 % quantile is the lowest value that is reached by 2.5 %:
  // 1/27 = 3.7 %, so 0. All of clip 0, clip 2 or both: 1.
  std::vector<results::LeaderboardRow> rows{seed_row("kd", 1, 0.75, "mean_class_accuracy")};
  const Outputs outputs{{rows[0].link.evaluation_key, classified("", {0, 0, 1}, {true, false, true})}};
  const Leaderboard board = build_leaderboard(rows, {}, reading(outputs));
  const OverClips& found = board.tables.front().rows.front().over_clips.value();
  CHECK(found.why_not == "");
  CHECK(found.clips == 3);
  CHECK(found.interval->low == 0);
  CHECK(found.interval->high == 1);
}

TEST_CASE("a ranking's interval is centred on its value, which drawing clips twice would raise") {
  // 24 clips of two classes by scores that know little of them.
  results::ClipOutputs outputs;
  outputs.width = 2;
  for (std::int32_t i = 0; i < 24; ++i) {
    outputs.clip_ids.push_back(std::to_string(100 + i));
    outputs.groups.push_back(outputs.clip_ids.back());
    outputs.labels.push_back(i % 5 == 0 ? 1 : 0);
    const float score = static_cast<float>(i * 7 % 24) / 24.0F;
    outputs.scores.insert(outputs.scores.end(), {1 - score, score});
  }
  std::vector<std::uint32_t> groups;
  for (std::uint32_t i = 0; i < 24; ++i) groups.push_back(i);
  const auto metric = drawn_metric("map_macro", outputs, groups);
  const std::vector<double> once(24, 1.0);
  const double value = metric->value(once);
  std::vector<results::LeaderboardRow> rows{seed_row("kd", 1, value, "map_macro")};
  const LeaderboardOptions options = reading({{rows[0].link.evaluation_key, outputs}});
  const Table table = build_leaderboard(rows, {}, options).tables.front();
  const Row& row = table.rows.front();
  const SampledRow sampled = sample_row(table, row, options, {});
  REQUIRE(sampled.reason == NoClips::kThere);
  CHECK(sampled.resamples(sampled.mean_of({1})).mean() == Approx(value).epsilon(1e-9));
  CHECK(row.over_clips->interval->contains(value));
  CHECK(text_contains(table.test_clips, "Centred on the measured value"));
  // What the draws themselves say.
  const ClipGroups all{outputs.groups, once, {{groups.begin(), groups.end()}}};
  const ClipReplicates raw = bootstrap_groups(
      all, 1, [&](std::span<const double> draws, std::span<double> values) { values[0] = metric->value(draws); });
  CHECK(raw.of(0).mean() > value + 0.01);
}

// Folds "1" and "2" of one seed: two clips each; both right in fold 1, one right in fold 2.
std::vector<results::LeaderboardRow> fold_rows() {
  std::vector<results::LeaderboardRow> rows;
  for (const std::string fold : {"1", "2"}) {
    results::LeaderboardRow row = seed_row("kd", 1, fold == "1" ? 1.0 : 0.5, "top1");
    row.link.fold = fold;
    for (std::string* key : {&row.link.training_key, &row.link.evaluation_key, &row.training.key}) *key += fold;
    row.outputs_fingerprint = "outputs of fold " + fold;
    rows.push_back(row);
  }
  return rows;
}

TEST_CASE("clips of folds are drawn within their fold, and the value is the mean over the folds") {
  // Fold 1 is 1 whatever is drawn; fold 2 is 1 (¼), ½ (½) or 0 (¼): the mean over both is 1, ¾ or ½. Were the four
  // clips drawn together, a fold could be without clips, and the mean could be 0.
  const std::vector<results::LeaderboardRow> rows = fold_rows();
  const Outputs outputs{{rows[0].link.evaluation_key, classified("a", {0, 0}, {true, true})},
                        {rows[1].link.evaluation_key, classified("b", {0, 0}, {true, false})}};
  const Table table = build_leaderboard(rows, {}, reading(outputs)).tables.front();
  const OverClips& found = table.rows.front().over_clips.value();
  CHECK(found.why_not == "");
  CHECK(found.clips == 4);
  CHECK(found.groups == 4);
  CHECK(found.interval->low == 0.5);
  CHECK(found.interval->high == 1);
  CHECK(text_contains(table.test_clips, "Drawn within each fold"));
}

TEST_CASE("a video that is tested in both folds is drawn for both at once") {
  // The same two videos test both folds: video 0 is right in fold 1, video 1 in fold 2. Each draw of video 0 helps the
  // one as it hurts the other, so that the mean is always ½.
  std::vector<results::LeaderboardRow> rows = fold_rows();
  for (auto& row : rows) {
    for (auto& metric : row.metrics) metric.value = metric.name == "top1" ? 0.5 : metric.value;
  }
  const Outputs outputs{{rows[0].link.evaluation_key, classified("a", {0, 0}, {true, false})},
                        {rows[1].link.evaluation_key, classified("a", {0, 0}, {false, true})}};
  const OverClips found = build_leaderboard(rows, {}, reading(outputs)).tables.front().rows.front().over_clips.value();
  CHECK(found.groups == 2);
  CHECK(found.interval->low == 0.5);
  CHECK(found.interval->high == 0.5);
}

TEST_CASE("a fold whose outputs are missing leaves its row without an interval") {
  std::vector<results::LeaderboardRow> rows = fold_rows();
  rows[1].outputs_fingerprint.clear();
  const OverClips found = build_leaderboard(rows, {}, reading({})).tables.front().rows.front().over_clips.value();
  CHECK(found.why_not == "no per-clip outputs are stored for a seed");
}

TEST_CASE("the difference to the student over test clips is of the seeds that both have") {
  // kd has seed 1 alone, where both are right on the same clip; the student's seed 2 is wrong everywhere. Over the
  // common seed the difference is 0 on every draw; over all seeds it would not be.
  std::vector<results::LeaderboardRow> rows{seed_row("student", 1, 0.5, "top1"), seed_row("student", 2, 0, "top1"),
                                            seed_row("kd", 1, 0.5, "top1")};
  const Outputs outputs{{rows[0].link.evaluation_key, classified("", {0, 0}, {true, false})},
                        {rows[1].link.evaluation_key, classified("", {0, 0}, {false, false})},
                        {rows[2].link.evaluation_key, classified("", {0, 0}, {true, false})}};
  const Leaderboard board = build_leaderboard(rows, {}, reading(outputs));
  for (const Row& row : board.tables.front().rows) {
    if (row.name != "kd") continue;
    CHECK(row.over_clips->interval->high == 1);
    CHECK(row.over_clips->to_student->low == 0);
    CHECK(row.over_clips->to_student->high == 0);
  }
}

TEST_CASE("every row without an interval is named with its reason") {
  std::vector<results::LeaderboardRow> rows{seed_row("a", 1, 0.5, "top1"), seed_row("b", 1, 0.5, "top1"),
                                            seed_row("c", 1, 0.5, "top1"), seed_row("d", 1, 0.9, "top1")};
  rows[1].outputs_fingerprint.clear();
  rows[2].outputs_fingerprint.clear();
  const auto half = classified("", {0, 0}, {true, false});
  const Outputs outputs{{rows[0].link.evaluation_key, half}, {rows[3].link.evaluation_key, half}};
  const Leaderboard board = build_leaderboard(rows, {}, reading(outputs));
  CHECK(
      text_contains(board.tables.front().test_clips,
                    "Without one: d (the stored outputs do not give the stored metric); b, c (no per-clip outputs are "
                    "stored for a seed)."));
  CHECK(text_contains(render_html(board), "clips: no per-clip outputs are stored for a seed"));
}

TEST_CASE("a retrieval that is too large to rank again says so, and long rankings take fewer draws") {
  std::vector<results::LeaderboardRow> rows{seed_row("kd", 1, 0.5, "map")};
  results::ClipOutputs outputs;
  outputs.labels.assign(100'000, 0);
  outputs.queries = 100'000;
  outputs.width = 512;
  const LeaderboardOptions large = reading({{rows[0].link.evaluation_key, outputs}});
  const Table retrieval = build_leaderboard(rows, {}, large).tables.front();
  CHECK(retrieval.rows.front().over_clips->why_not == "too many clips to be ranked again in a report");
  outputs.queries = 0;
  outputs.scores.assign(50'000'000, 0);
  Table tagging = retrieval;
  tagging.primary_metric = "map_macro";
  const ClipWork work = clip_work(tagging, {&tagging.rows.front()}, reading({{rows[0].link.evaluation_key, outputs}}));
  CHECK(work.affordable);
  CHECK(work.plan.draws == 800);  // 4·10¹⁰ / 5·10⁷
}

}  // namespace
}  // namespace cmkd::reports
