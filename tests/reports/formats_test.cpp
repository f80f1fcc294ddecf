// What single numbers look like in every format.
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

TEST_CASE("an interval of a bounded metric is shown within its range, marked, with the computed one beside it") {
  // 0 and 1: mean 0.5, std 0.7071, half width 12.706 · 0.7071 / √2 = 6.353. kd is 1 and 0: differences 1 and −1, mean
  // 0, half width 12.706 · 1.4142 / √2 = 12.706.
  const Leaderboard board = build_leaderboard(rows_of({{"student", "student", "", RowRole::kLowerBound, "none", {0, 1}},
                                                       {"kd", "kd", "", RowRole::kMethod, "loss", {1, 0}}}),
                                              {});
  for (const Format format : {Format::kMarkdown, Format::kHtml}) {
    const std::string text = render(board, format);
    CHECK(text_contains(text, "[0.0†, 100.0†]"));
    CHECK(text_contains(text, "[−100.0†, +100.0†]"));
    CHECK(text_contains(text, "† cut at the metric"));
    CHECK_FALSE(text_contains(text, "585.3"));
  }
  const std::string csv = render(board, Format::kCsv);
  CHECK(text_contains(csv,
                      ",interval_95.low,interval_95.high,interval_95.cut,interval_95.t_low,interval_95.t_high,"
                      "against_student_95.low,"));
  CHECK(text_contains(csv, ",0.000000,1.000000,both,-5.853102,6.853102,-1.000000,1.000000,both,-12.706205,12.706205,"));
  const std::string json = render(board, Format::kJson);
  CHECK(text_contains(json, "\"primary_metric_range\": ["));
  CHECK(text_contains(json, "\"interval_95_t\": [\n            -5.853102,\n            6.853102\n          ]"));
}

TEST_CASE("a metric without a bound on one side is cut on the other alone, and none of no known range") {
  const std::vector<Case> cases{{"kd", "kd", "", RowRole::kMethod, "loss", {0.5, 0.0}}};
  auto rows = rows_of(cases);
  for (auto& row : rows) row.link.primary_metric = "nll";  // 2 − top1: 1.5 and 2; 1.75 ± 12.706 · 0.25
  CHECK(text_contains(render_markdown(build_leaderboard(rows, {})), "[0.000†, 4.927]"));
  for (auto& row : rows) {
    row.link.primary_metric = "of_somebody";
    row.metrics = {{"of_somebody", "test", row.training.seed == 1 ? 0.0 : 1.0, 200}};
  }
  const std::string text = render_markdown(build_leaderboard(rows, {}));
  CHECK(text_contains(text, "[−585.3, 685.3]"));
  CHECK_FALSE(text_contains(text, "cut at the metric's range;"));
}

TEST_CASE("seeds that all have the greatest value have no mark") {
  const Leaderboard board = build_leaderboard(rows_of({{"kd", "kd", "", RowRole::kMethod, "loss", {1, 1, 1}}}), {});
  CHECK(text_contains(render_markdown(board), "[100.0, 100.0]"));
}

TEST_CASE("a single seed has a mean and no interval, and every format takes it") {
  Case student = kStudentRow;
  student.top1.resize(1);
  const Leaderboard board = build_leaderboard(rows_of({student}), {});
  CHECK_FALSE(board_row_named(board, "student").interval.has_value());
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml}) {
    CHECK_FALSE(text_contains(render(board, format), "nan"));
  }
}

TEST_CASE("seeds that are missing for the same reason are named together") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  CHECK(board_row_named(board, "at").not_ranked == "partial: seeds 1, 2, 3, 4, 5: not run");
  for (const Format format : {Format::kMarkdown, Format::kHtml}) {
    const std::string text = render(board, format);
    CHECK(text_contains(text, format == Format::kHtml ? "seeds 1, 2, 3, 4, 5: not run" : "at, seeds 1, 2, 3, 4, 5: "));
    CHECK(text_contains(text, "no result"));
  }
}

TEST_CASE("a secondary metric that a seed lacks shows its own n") {
  auto rows = rows_of({kStudentRow, kKd});
  std::erase_if(rows[4].metrics, [](const results::MetricValue& metric) { return metric.name == "nll"; });
  const Leaderboard board = build_leaderboard(rows, {});
  CHECK(board_row_named(board, "kd").secondary.at("nll").n == 2);
  for (const Format format : {Format::kMarkdown, Format::kHtml}) {
    CHECK(text_contains(render(board, format), "1.312 (n = 2)"));  // of 2 − 0.5 and 2 − 0.875, to even
  }
}

TEST_CASE("what is measured across modalities has a table of its own, in the order of the first") {
  auto rows = rows_of({kKd});
  for (results::LeaderboardRow& row : rows) {
    for (const char* name : {"video_to_audio_map", "audio_to_video_recall@10", "audio_to_video_recall@5", "recall@5",
                             "audio_to_video_map"}) {
      results::MetricValue metric = row.metrics.front();
      metric.name = name;
      row.metrics.push_back(metric);
    }
  }
  const Leaderboard board = build_leaderboard(rows, {});
  const std::string text = render(board, Format::kMarkdown);
  CHECK(text_contains(text,
                      "### Audio → video (means over the seeds; ↓: lower is better)\n\n"
                      "| Method | mAP, % | recall@5, % | recall@10, % |\n"));
  CHECK(text_contains(text, "### Video → audio (means over the seeds; ↓: lower is better)\n\n| Method | mAP, % |\n"));
  const std::string html = render(board, Format::kHtml);
  const std::size_t other = html.find("<summary>Other metrics</summary>");
  const std::size_t to_video = html.find("<summary>Audio → video</summary>");
  CHECK(other < to_video);
  REQUIRE(to_video != std::string::npos);
  CHECK(to_video < html.find("<summary>Video → audio</summary>"));
}

TEST_CASE("a p that four decimals cannot show is not printed as zero") {
  Case student = kStudentRow;
  Case kd = kKd;
  student.top1.assign(16, 0.25);
  kd.top1.assign(16, 0.5);
  const Leaderboard board = build_leaderboard(rows_of({student, kd}), {});  // all of one sign: 2^(1 − 16)
  for (const Format format : {Format::kMarkdown, Format::kHtml}) {
    const std::string text = render(board, format);
    CHECK(text_contains(text, "n = 16, p &lt; 0.0001"));
  }
}

TEST_CASE("without cost no measured time is in any format") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets(), {"", false});
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml}) {
    const std::string text = render(board, format);
    CHECK_FALSE(text_contains(text, "train_seconds"));
    CHECK_FALSE(text_contains(text, "Measured cost"));
  }
}

TEST_CASE("a CSV cell with quotes and commas is quoted, and no cell breaks its line") {
  auto rows = rows_of({{"a\"b,c\nd", "kd", "", RowRole::kMethod, "loss", {0.5}}});
  const std::string csv = render_csv(build_leaderboard(rows, {}));
  CHECK(text_contains(csv, "\"a\"\"b,c d\""));
  CHECK(std::ranges::count(csv, '\n') == 2);
}

TEST_CASE("an unknown format is a user's mistake with the known ones named") {
  CHECK(format_from_name("md") == Format::kMarkdown);
  CHECK_THROWS_AS(format_from_name("pdf"), Error);
}

TEST_CASE("no rows make a report that says so") {
  CHECK(text_contains(render_markdown(build_leaderboard({}, {})), "without rows"));
}

}  // namespace
}  // namespace cmkd::reports
