// What the rows of a board were made with.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

namespace {

std::string known(const std::string& text) { return text.empty() ? "unknown" : text; }

std::string origin_text(const results::Origin& origin) {
  const std::string level = origin.device == "cpu" ? fmt::format(" ({})", known(origin.cpu_level)) : "";
  return fmt::format("shared code {}, LibTorch {}, {}{}", known(origin.shared_code.substr(0, 10)),
                     known(origin.libtorch), known(origin.device), level);
}

}  // namespace

Provenance provenance_of(const std::vector<results::LeaderboardRow>& rows) {
  Provenance provenance;
  std::map<std::string, const results::LeaderboardRow*> trainings;  // by key: several links may want one
  std::set<std::string> later;
  for (const results::LeaderboardRow& row : rows) {
    if (row.state != results::RowState::kTrained && row.state != results::RowState::kEvaluated) continue;
    if (row.link.role == RowRole::kExternal) continue;  // made by no cmkd
    trainings.emplace(row.training.key, &row);
    if (row.state == results::RowState::kEvaluated && row.evaluation_code != row.origin.shared_code) {
      later.insert(row.link.evaluation_key);
    }
  }
  provenance.later_evaluations = static_cast<std::int64_t>(later.size());
  std::map<results::Origin, std::int64_t> counts;
  std::map<std::string, std::set<std::tuple<std::string, std::string, std::string>>> places;  // by cell
  for (const auto& [key, row] : trainings) {
    ++counts[row->origin];
    places[row->training.cell_key].insert({row->origin.libtorch, row->origin.device, row->origin.cpu_level});
  }
  for (const auto& [origin, count] : counts) provenance.parts.push_back({origin, count});
  std::ranges::stable_sort(provenance.parts, std::ranges::greater(), &Provenance::Part::trainings);
  provenance.mixed_cells = std::ranges::count_if(places, [](const auto& cell) { return cell.second.size() > 1; });
  if (!rows.empty()) {
    const results::SuiteLink& link = rows.front().link;
    provenance.rerun_command =
        fmt::format("cmkd run {} --retrain changed", link.suite_file.empty() ? link.suite : link.suite_file);
  }
  return provenance;
}

std::vector<std::string> provenance_lines(const Provenance& provenance) {
  if (provenance.parts.empty()) return {};
  if (!provenance.is_mixed()) {
    return {fmt::format("All trainings were made with {}.", origin_text(provenance.parts.front().origin))};
  }
  std::vector<std::string> lines;
  if (provenance.parts.size() > 1) {
    std::string text = "These rows were not all made with the same program:";
    for (std::size_t i = 0; i < provenance.parts.size(); ++i) {
      text += fmt::format("{} {} training{} with {}", i == 0 ? "" : ";", provenance.parts[i].trainings,
                          provenance.parts[i].trainings == 1 ? "" : "s", origin_text(provenance.parts[i].origin));
    }
    lines.push_back(text + ".");
  }
  if (provenance.later_evaluations > 0) {
    lines.push_back(fmt::format("{} evaluation{} made by other shared code than the training.",
                                provenance.later_evaluations, provenance.later_evaluations == 1 ? " was" : "s were"));
  }
  if (provenance.mixed_cells > 0) {
    lines.push_back(
        fmt::format("In {} cell{} (same clips and seed) trainings differ in LibTorch, device or CPU level: a "
                    "difference between two of their rows may not be of the methods.",
                    provenance.mixed_cells, provenance.mixed_cells == 1 ? "" : "s"));
  }
  lines.push_back(fmt::format("Trains again what differs from the program at hand: {}", provenance.rerun_command));
  return lines;
}

}  // namespace cmkd::reports
