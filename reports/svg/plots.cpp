// The pictures of a board as files of their own.
#include "cmkd/reports/plots.h"

#include <fmt/format.h>

#include "markdown.h"
#include "svg/chart.h"
#include "svg/compare.h"
#include "svg/svg.h"
#include "text.h"

namespace cmkd::reports {

namespace {

void add_plot(std::vector<PlotFile>& plots, const std::string& name, const std::string& title, const std::string& svg) {
  if (!svg.empty()) plots.push_back({name + ".svg", title, standalone_svg(svg)});
}

}  // namespace

std::vector<RankMark> rank_marks(const Overview& overview) {
  std::vector<RankMark> marks;
  for (const OverviewMethod& method : overview.methods) {
    marks.push_back({method.name, method.mean_rank.value, method.mean_rank.interval});
  }
  return marks;
}

std::vector<ProfileLine> profile_lines(const Overview& overview) {
  std::vector<ProfileLine> lines;
  for (const OverviewMethod& method : overview.methods) {
    if (method.profile.empty() || lines.size() == kProfiledMethods) continue;
    ProfileLine& line = lines.emplace_back(ProfileLine{method.name, {}, {}});
    for (const ProfilePoint& point : method.profile) {
      line.points.emplace_back(shown_value(overview.primary_metric, point.threshold), point.share);
      line.band.push_back(point.interval);
    }
  }
  return lines;
}

std::vector<PlotFile> plots_of(const Leaderboard& board) {
  std::vector<PlotFile> plots;
  for (std::size_t i = 0; i < board.tables.size(); ++i) {
    const Table& table = board.tables[i];
    const std::vector<std::string> costs = cost_names(table);
    add_plot(plots, fmt::format("means-{}", i), short_title(table), means_svg(table, "m"));
    if (!costs.empty()) {
      add_plot(plots, fmt::format("cost-{}", i), "Accuracy against cost: " + short_title(table),
               cost_svg(table, costs.front(), "c"));
    }
  }
  const std::vector<Sweep> sweeps = sweeps_of(board);
  for (std::size_t i = 0; i < sweeps.size(); ++i) {
    add_plot(plots, fmt::format("robustness-{}", i), sweep_title(sweeps[i]), sweep_svg(sweeps[i], "s"));
  }
  for (std::size_t i = 0; i < board.overviews.size(); ++i) {
    const Overview& overview = board.overviews[i];
    if (overview.datasets.size() < 2) continue;
    const std::string of =
        fmt::format("{}, {}, {}", words(overview.task), direction_text(overview.direction), overview.protocol);
    const std::vector<RankMark> marks = rank_marks(overview);
    add_plot(plots, fmt::format("ranks-{}", i), "Mean ranks: " + of, ranks_svg(marks, "r"));
    if (overview.omnibus && marks.size() >= 2) {
      add_plot(plots, fmt::format("critical-difference-{}", i), "Critical differences: " + of,
               critical_difference_svg(marks, overview.cliques, "d"));
    }
    add_plot(plots, fmt::format("profiles-{}", i), "Performance profiles: " + of,
             profile_svg(profile_lines(overview), metric_heading(overview.primary_metric), "p"));
  }
  return plots;
}

std::string markdown_pictures(const std::vector<PlotFile>& plots, const std::string& folder) {
  std::string text = "\n## Pictures\n";
  for (const PlotFile& plot : plots) {
    // In angle brackets a path may hold spaces.
    text +=
        fmt::format("\n![{}](<{}{}{}>)\n", markdown_escaped(plot.title), folder, folder.empty() ? "" : "/", plot.name);
  }
  return text;
}

}  // namespace cmkd::reports
