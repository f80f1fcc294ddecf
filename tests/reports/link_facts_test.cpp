// What reports know by a suite's links alone.
#include "catch.h"
// The test framework comes first.
#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "fixture.h"

namespace cmkd::reports {
namespace {

using fixture::Case;
using fixture::row;

TEST_CASE("a row that has not run shows its method, role, seeds and model from its links, in the table of its rules") {
  const Case control_case{"kd (shuffled-teacher)", "kd", "shuffled-teacher", RowRole::kControl, "loss", {0.5, 0.5}};
  const Case both_case{"both", "multimodal", "", RowRole::kUpperBound, "none", {0.5}};
  const Case student_case{"student", "student", "", RowRole::kLowerBound, "none", {0.5}};
  std::vector<results::LeaderboardRow> rows{row(control_case, 1), row(control_case, 2), row(both_case, 1),
                                            row(student_case, 1)};
  for (auto& one : rows) {
    one = fixture::not_run(one);
    one.link.rerun_command = one.link.row_rerun_command = "a command that says nothing";
  }
  rows[3].link.direction = "video->audio";
  rows[3].link.protocol = "paper";
  const Leaderboard board = build_leaderboard(rows, {});
  REQUIRE(board.tables.size() == 2);
  CHECK(board.tables[0].direction == "audio->video");
  CHECK(board.tables[0].protocol == "strict");
  CHECK(board.tables[1].direction == "video->audio");
  CHECK(board.tables[1].protocol == "paper");
  REQUIRE(board.tables[0].rows.size() == 2);
  const Row& both = board.tables[0].rows[0];
  CHECK(both.role == RowRole::kUpperBound);
  CHECK(both.method == "multimodal");
  CHECK(both.not_ranked == "uses both modalities");
  const Row& control = board.tables[0].rows[1];
  CHECK(control.name == "kd (shuffled-teacher)");
  CHECK(control.role == RowRole::kControl);
  CHECK(control.control == "shuffled-teacher");
  CHECK(control.student_model == "r2plus1d_tiny");
  REQUIRE(control.seeds.size() == 2);
  CHECK(control.seeds[1].seed == 2);
  CHECK(control.seeds[1].missing == "not run");
  CHECK(control.rerun_command == "a command that says nothing");
}

TEST_CASE("a table of a sweep has the data set's own name, and every format shows the condition with it") {
  const Case kd{"kd", "kd", "", RowRole::kMethod, "loss", {0.5}};
  const Leaderboard board = build_leaderboard({fixture::at_level(row(kd, 1), "corruption.share", 0.5)}, {});
  CHECK(board.tables.at(0).dataset == "synthetic");
  CHECK(board.tables[0].setting == "corruption.share");
  CHECK(board.tables[0].condition == "corruption.share = 0.5");
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml}) {
    CHECK(render(board, format).find("synthetic, corruption.share = 0.5") != std::string::npos);
  }
}

}  // namespace
}  // namespace cmkd::reports
