#include "cmkd/reports/sweep.h"

#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "fixture.h"

namespace cmkd::reports {
namespace {

using fixture::at_level;
using fixture::Case;

const Case kSweepStudent{"student", "student", "", RowRole::kLowerBound, "none", {0.25, 0.5, 0.75}};

Sweep only_sweep(const std::vector<results::LeaderboardRow>& rows) {
  std::vector<Sweep> sweeps = sweeps_of(build_leaderboard(rows, {}));
  REQUIRE(sweeps.size() == 1);
  return sweeps.front();
}

const SweepRow& sweep_row_named(const Sweep& sweep, const std::string& name) {
  const auto found = std::ranges::find_if(sweep.rows, [&](const SweepRow& row) { return row.area.name == name; });
  REQUIRE(found != sweep.rows.end());
  return *found;
}

std::vector<std::string> names_of(const Sweep& sweep) {
  std::vector<std::string> names;
  for (const SweepRow& row : sweep.rows) names.push_back(row.area.name);
  return names;
}

bool sweep_contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// One seed of the student at each of `levels`.
std::vector<results::LeaderboardRow> student_at(const std::string& setting, const std::vector<double>& levels) {
  std::vector<results::LeaderboardRow> rows;
  for (const double level : levels) rows.push_back(at_level(fixture::row(kSweepStudent, 1), setting, level));
  return rows;
}

// Levels 0, 0.5 and 0.75: the trapezoids weigh the values by 0.25, 0.375 and 0.125 of a range of 0.75.
TEST_CASE("the area of each seed is that of its trapezoids over the range of the levels") {
  const Sweep sweep = only_sweep(fixture::sweep_rows());
  CHECK(sweep.setting == "corruption.share");
  CHECK(sweep.dataset == "synthetic");
  CHECK(sweep.levels == std::vector<double>{0, 0.5, 0.75});
  const Row& area = sweep_row_named(sweep, "mnf_csc").area;
  REQUIRE(area.seeds.size() == 3);
  CHECK(area.seeds[0].value.value() == Approx(0.55));   // 0.60 / 3 + 0.54 / 2 + 0.48 / 6
  CHECK(area.seeds[1].value.value() == Approx(0.525));  // 0.57 / 3 + 0.52 / 2 + 0.45 / 6
  CHECK(area.seeds[2].value.value() == Approx(0.55));   // 0.60 / 3 + 0.56 / 2 + 0.42 / 6
  CHECK(area.mean.value() == Approx(1.625 / 3));
  CHECK(area.deviation.value() == Approx(0.0144337567));         // 0.025 / √3
  CHECK(area.interval->high - *area.mean == Approx(0.0358555));  // t(0.975; 2) = 4.302653, times 0.025 / 3
  CHECK(sweep_row_named(sweep, "student").area.mean.value() == Approx(0.41));  // flat: the mean itself
}

TEST_CASE("areas are compared with the student's seed by seed") {
  const Sweep sweep = only_sweep(fixture::sweep_rows());
  const StudentDifference& mnf = sweep_row_named(sweep, "mnf_csc").area.to_student.value();
  CHECK(mnf.seeds == std::vector<std::int64_t>{1, 2, 3});
  CHECK(mnf.comparison->difference == Approx((0.13 + 0.075 + 0.19) / 3));
  CHECK(mnf.comparison->sign_flip_p == 0.25);
  const StudentDifference& kd = sweep_row_named(sweep, "kd").area.to_student.value();
  CHECK(kd.seeds == std::vector<std::int64_t>{1, 3});
  CHECK(kd.comparison->difference == Approx(0.0775));  // of 0.48 − 0.42 and 0.455 − 0.36
}

TEST_CASE("seeds whose batches differ at one level are not compared") {
  auto rows = fixture::sweep_rows();
  for (auto& row : rows) {
    if (row.training.method == "mnf_csc" && row.training.seed == 2 && row.link.level == 0.5)
      row.training.batch_order_fingerprint = "another";
  }
  const StudentDifference difference = sweep_row_named(only_sweep(rows), "mnf_csc").area.to_student.value();
  CHECK(difference.seeds == std::vector<std::int64_t>{1, 3});
  CHECK(difference.why_not == "seed 2: other batch order");
}

TEST_CASE("a seed that misses a level has no area, and the row says why") {
  const SweepRow kd = sweep_row_named(only_sweep(fixture::sweep_rows()), "kd");
  CHECK(kd.area.done == 2);
  CHECK(kd.area.wanted == 3);
  CHECK(kd.area.mean.value() == Approx(0.4675));
  CHECK(kd.area.seeds[1].missing == "level 0.75: failed: loss is not finite at epoch 3, step 120 (term 'kd')");
  CHECK(kd.points[1].n == 3);
  CHECK(kd.points[1].missing.empty());
  CHECK(kd.points[2].n == 2);
  CHECK(kd.points[2].mean.value() == Approx(0.345));
  CHECK(sweep_contains(kd.points[2].missing, "seed 2: failed"));
}

TEST_CASE("a row that a level lacks has no area at all") {
  auto rows = fixture::sweep_rows();
  std::erase_if(rows, [](const auto& row) { return row.training.method == "kd" && row.link.level == 0.5; });
  const SweepRow kd = sweep_row_named(only_sweep(rows), "kd");
  CHECK_FALSE(kd.area.mean.has_value());
  CHECK(kd.area.seeds[0].missing == "level 0.5: no such row");
  CHECK(kd.points[1].missing == "no such row");
  CHECK_FALSE(kd.area.to_student->comparison.has_value());
}

TEST_CASE("bounds come first, then complete methods by area, then those that miss a seed") {
  auto rows = fixture::sweep_rows();
  CHECK(names_of(only_sweep(rows)) == std::vector<std::string>{"teacher", "mnf_csc", "student", "kd"});
  for (auto& row : rows) row.link.primary_metric = "ece";  // 0.25 (1 − top1): the lowest is the best
  CHECK(names_of(only_sweep(rows)) == std::vector<std::string>{"teacher", "mnf_csc", "student", "kd"});
}

TEST_CASE("a level at which nothing has run belongs to the sweep that it fits") {
  auto rows = fixture::sweep_rows();
  for (auto& row : rows) {
    if (row.link.level == 0.5) row = fixture::not_run(row);
  }
  const Sweep sweep = only_sweep(rows);
  CHECK(sweep.levels == std::vector<double>{0, 0.5, 0.75});
  const SweepRow& student = sweep_row_named(sweep, "student");
  CHECK_FALSE(student.area.mean.has_value());
  CHECK(student.area.seeds[0].missing == "level 0.5: not run");
}

TEST_CASE("nothing has run at any level: a sweep without a number, in every format") {
  auto rows = fixture::sweep_rows();
  for (auto& row : rows) row = fixture::not_run(row);
  const Leaderboard board = build_leaderboard(rows, {});
  const Sweep sweep = only_sweep(rows);
  CHECK(sweep_row_named(sweep, "kd").area.wanted == 3);
  CHECK(sweep_row_named(sweep, "kd").area.done == 0);
  CHECK(sweep_row_named(sweep, "kd").area.seeds[2].seed == 3);
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml}) {
    CHECK_FALSE(sweep_contains(render(board, format), "nan"));
  }
}

TEST_CASE("one level, no level, other settings and other directions make no common sweep") {
  CHECK(sweeps_of(build_leaderboard(fixture::rows(), {})).empty());
  CHECK(sweeps_of(build_leaderboard(student_at("corruption.share", {0.5}), {})).empty());
  auto mixed = student_at("corruption.share", {0.5});
  for (const auto& row : student_at("labels.share", {0.25})) mixed.push_back(row);
  CHECK(sweeps_of(build_leaderboard(mixed, {})).empty());
  auto directions = student_at("corruption.share", {0.25, 0.5});
  directions[1].link.direction = "video->audio";
  CHECK(sweeps_of(build_leaderboard(directions, {})).empty());
}

TEST_CASE("levels stand by their value, not as text") {
  const auto rows = student_at("training.epochs", {10, 2, 30});
  CHECK(only_sweep(rows).levels == std::vector<double>{2, 10, 30});
  const Leaderboard board = build_leaderboard(rows, {});
  CHECK(board.tables[0].level == 2);
  CHECK(board.tables[1].level == 10);
}

TEST_CASE("the evidence is the mean over the seeds that have it, and nothing where none has") {
  const Sweep sweep = only_sweep(fixture::sweep_rows());
  REQUIRE(sweep.evidence.size() == 2);
  CHECK(sweep.evidence[0].name == "mnf_csc");
  CHECK(sweep.evidence[0].metric == "corruption_auc_gate");
  CHECK_FALSE(sweep.evidence[0].points[0].has_value());
  CHECK(sweep.evidence[0].points[1]->mean == Approx(0.80));  // of 0.75, 0.80, 0.85
  CHECK(sweep.evidence[0].points[1]->deviation.value() == Approx(0.05));
  CHECK(sweep.evidence[0].points[1]->n == 3);
  CHECK(sweep.evidence[1].points[2]->mean == Approx(0.74));
}

TEST_CASE("Markdown shows levels, areas, what is missing and the evidence, before the tables") {
  const std::string text = render_markdown(build_leaderboard(fixture::sweep_rows(), {}));
  CHECK(sweep_contains(text, "| mnf\\_csc |  | 59.0 ± 1.7 | 54.0 ± 2.0 | 45.0 ± 3.0 | 54.2 ± 1.4 |"));
  CHECK(sweep_contains(text, "| 34.5 ± 2.1 (n = 2) |"));
  CHECK(sweep_contains(text, "- kd, seed 2: level 0.75: failed"));
  CHECK(sweep_contains(text, "| 0.75 | 0.80 ± 0.05 | 0.74 ± 0.05 |"));
  CHECK(text.find("## corruption.share from 0 to 0.75") < text.find("## action\\_recognition on"));
}

TEST_CASE("CSV tells the condition and its level on each line of a sweep") {
  const std::string text = render_csv(build_leaderboard(fixture::sweep_rows(), {}));
  CHECK(sweep_contains(text, ",strict,corruption.share = 0.75,0.75,kd,"));
  CHECK(std::ranges::count(text, '\n') == 1 + 3 * 4 * 3);
}

TEST_CASE("a name or setting that is markup stays text in the plot and the tables of a sweep") {
  std::vector<results::LeaderboardRow> rows;
  const Case hostile{"<script>alert(1)</script>", "kd", "", RowRole::kMethod, "loss", {0.5}};
  for (const double level : {0.0, 1.0}) rows.push_back(at_level(fixture::row(hostile, 1), "<img src=x>", level));
  const std::string html = render_html(build_leaderboard(rows, {}));
  CHECK(sweep_contains(html, "<polyline class=\"line\""));
  for (const std::string& text : {html, render_markdown(build_leaderboard(rows, {}))}) {
    // As code, indented, Markdown shows the command as it is.
    const std::string shown = text.substr(0, text.find("### To repeat a row"));
    CHECK_FALSE(sweep_contains(shown, "<script>alert"));
    CHECK_FALSE(sweep_contains(shown, "<img"));
  }
}

std::vector<double> heights_of_names(const std::string& html) {
  std::vector<double> heights;
  const std::string mark = "<text class=\"name\"";
  const std::size_t end = html.find("</svg>", html.find("class=\"series"));  // costs have names in their pictures, too
  for (std::size_t at = html.find(mark, html.find("id=\"sweeps\"")); at < end && at != std::string::npos;
       at = html.find(mark, at + 1)) {
    heights.push_back(std::stod(html.substr(html.find(" y=\"", at) + 4)));
  }
  return heights;
}

TEST_CASE("the names of twelve lines that end at one point do not overlap and stay in the frame") {
  std::vector<results::LeaderboardRow> rows;
  for (int i = 0; i < 12; ++i) {
    const Case one{"method" + std::to_string(i), "kd", "", RowRole::kMethod, "loss", {0.5}};
    for (const double level : {0.0, 1.0}) rows.push_back(at_level(fixture::row(one, 1), "corruption.share", level));
  }
  std::vector<double> heights = heights_of_names(render_html(build_leaderboard(rows, {})));
  REQUIRE(heights.size() == 12);
  std::ranges::sort(heights);
  CHECK(heights.front() > 12);
  CHECK(heights.back() < 28 + 300 + 12);
  for (std::size_t i = 1; i < heights.size(); ++i) CHECK(heights[i] - heights[i - 1] > 14);
}

}  // namespace
}  // namespace cmkd::reports
