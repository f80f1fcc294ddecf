// Pictures of methods against each other. Ranks: 1 is the best.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cmkd/reports/overview.h"
#include "cmkd/reports/statistics.h"

namespace cmkd::reports {

struct RankMark {
  std::string name;
  double rank = 0;  // mean
  Interval interval;
};
// A line for each method, by rank: its mean rank and the interval of it. "" for none.
[[nodiscard]] std::string ranks_svg(const std::vector<RankMark>& marks, const std::string& id);

// Mean ranks on one line, methods that no test tells apart joined by a bar (Demšar, JMLR 7, 2006). `marks` by rank;
// cliques are pairs of positions in them, first and last. Requires two marks.
[[nodiscard]] std::string critical_difference_svg(const std::vector<RankMark>& marks,
                                                  const std::vector<std::pair<std::size_t, std::size_t>>& cliques,
                                                  const std::string& id);

struct ProfileLine {
  std::string name;
  std::vector<std::pair<double, double>> points;  // threshold and the share of the runs above it, as shown
  std::vector<Interval> band;                     // of the shares; as many, or none
};
// Lines that fall with the threshold: the higher, the better. `threshold` names it. "" for none.
[[nodiscard]] std::string profile_svg(const std::vector<ProfileLine>& lines, const std::string& threshold,
                                      const std::string& id);

// What an overview has for these pictures.
inline constexpr std::size_t kProfiledMethods = 16;  // that are drawn, the best by rank
[[nodiscard]] std::vector<RankMark> rank_marks(const Overview& overview);
[[nodiscard]] std::vector<ProfileLine> profile_lines(const Overview& overview);

}  // namespace cmkd::reports
