// Small leaderboards of rows given by their values, and looks into them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"
#include "cmkd/reports/leaderboard.h"
#include "fixture.h"

namespace cmkd::reports::fixture {

inline const Case kStudentRow{"student", "student", "", RowRole::kLowerBound, "none", {0.25, 0.5, 0.75}};
inline const Case kKd{"kd", "kd", "", RowRole::kMethod, "loss", {0.5, 0.5, 0.875}};

// Seeds 1, 2, … of each.
inline std::vector<results::LeaderboardRow> rows_of(const std::vector<Case>& cases) {
  std::vector<results::LeaderboardRow> rows;
  for (const Case& one : cases) {
    for (std::size_t seed = 1; seed <= one.top1.size(); ++seed) {
      rows.push_back(row(one, static_cast<std::int64_t>(seed)));
    }
  }
  return rows;
}

// Of the only table.
inline const Row& board_row_named(const Leaderboard& board, const std::string& name) {
  REQUIRE(board.tables.size() == 1);
  const auto found = std::ranges::find(board.tables[0].rows, name, &Row::name);
  REQUIRE(found != board.tables[0].rows.end());
  return *found;
}

inline bool text_contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace cmkd::reports::fixture
