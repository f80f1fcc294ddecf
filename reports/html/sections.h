// The sections of the HTML page, each written whole with its heading. Those that need the store take a Details; a page
// without one has not these sections, and says so where they would be.
#pragma once

#include <string>
#include <vector>

#include "cmkd/reports/details.h"
#include "html/page.h"

namespace cmkd::reports {

// A place in the page for the list of contents.
struct Heading {
  std::string id;
  std::string name;
};

// --- summary.cpp ---
void write_summary(Page& page, const Leaderboard& board);

// --- board.cpp: the tables ---
void write_boards(Page& page, const Leaderboard& board);
[[nodiscard]] std::string board_id(std::size_t position);  // "t3"

// --- across.cpp: the datasets together ---
[[nodiscard]] bool has_overviews(const Leaderboard& board);
void write_overviews(Page& page, const Leaderboard& board);

// --- pairs.cpp ---
[[nodiscard]] bool has_pairs(const Leaderboard& board);
void write_pairs(Page& page, const Leaderboard& board);

// --- cost.cpp ---
[[nodiscard]] bool has_costs(const Leaderboard& board);
void write_costs(Page& page, const Leaderboard& board);

// --- sweep.cpp ---
void write_sweeps(Page& page, const std::vector<Sweep>& sweeps);

// --- tuning.cpp ---
void write_tuning(Page& page, const Tuning& tuning);

// --- runs.cpp: what was recorded of single trainings ---

// A row and where it stands: details of many rows are spread over several pages.
struct RowPlace {
  std::size_t table = 0;
  std::size_t row = 0;
};
[[nodiscard]] std::vector<RowPlace> all_places(const Leaderboard& board);
[[nodiscard]] std::size_t run_count(const Leaderboard& board);
void write_runs(Page& page, const Leaderboard& board, const Details& details, const std::vector<RowPlace>& places);

// --- clips.cpp: classes, confusions and clips of a pair of rows ---
void write_clips(Page& page, const Leaderboard& board, const Details& details, const std::vector<std::size_t>& tables);

// --- record.cpp ---
void write_exclusions(Page& page, const Leaderboard& board);
void write_environment(Page& page, const Leaderboard& board, const Details* details);
void write_reruns(Page& page, const Leaderboard& board);
void write_how_to_read(Page& page);

}  // namespace cmkd::reports
