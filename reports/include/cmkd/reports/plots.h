// The pictures of a leaderboard as SVG files: for a paper, a README, a slide. They need no other file, have a title and
// a description, and follow the reader's light or dark. A function of the board alone; safe from any thread.
#pragma once

#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

struct PlotFile {
  std::string name;  // "cost-0.svg": the number is the table's, sweep's or overview's position in the board
  std::string title;
  std::string svg;
};

// Of each table its means and its cost, of each sweep its curves, of several datasets the ranks, the critical
// differences and the profiles; those for which there is material.
[[nodiscard]] std::vector<PlotFile> plots_of(const Leaderboard& board);

// The end of a Markdown report that shows these pictures; `folder` is where they lie, as the report's readers see it.
[[nodiscard]] std::string markdown_pictures(const std::vector<PlotFile>& plots, const std::string& folder);

}  // namespace cmkd::reports
