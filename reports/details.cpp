#include "cmkd/reports/details.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace cmkd::reports {

namespace {

// The trainings of a row: a seed's, or its folds'.
std::vector<const SeedResult*> trained_parts(const Row& row) {
  std::vector<const SeedResult*> parts;
  for (const SeedResult& seed : row.seeds) {
    if (seed.folds.empty()) parts.push_back(&seed);
    for (const SeedResult& fold : seed.folds) parts.push_back(&fold);
  }
  return parts;
}

}  // namespace

std::vector<CurvePoint> thinned(const std::vector<CurvePoint>& points, std::size_t most) {
  if (points.size() <= most) return points;
  std::vector<CurvePoint> kept{points.front()};
  const std::size_t parts = (most - 2) / 2;
  const std::size_t inner = points.size() - 2;
  for (std::size_t part = 0; part < parts; ++part) {
    const auto begin = points.begin() + 1 + static_cast<std::ptrdiff_t>(part * inner / parts);
    const auto end = points.begin() + 1 + static_cast<std::ptrdiff_t>((part + 1) * inner / parts);
    auto [low, high] = std::ranges::minmax_element(begin, end, {}, &CurvePoint::value);
    if (high < low) std::swap(low, high);
    kept.push_back(*low);
    if (low != high) kept.push_back(*high);
  }
  kept.push_back(points.back());
  return kept;
}

std::vector<Curve> Details::curves(const Row& row) const {
  std::vector<Curve> curves;
  for (const SeedResult* part : trained_parts(row)) {
    std::map<std::tuple<std::string, std::string, std::string>, Curve> found;
    for (const results::EpochValue& value : store_.epoch_values(part->training_key)) {
      Curve& curve = found[{value.kind, value.name, value.phase}];
      ++curve.recorded;
      if (std::isfinite(value.value)) {
        curve.points.push_back({value.epoch, value.value});
      } else {
        ++curve.not_finite;
      }
    }
    for (auto& [key, curve] : found) {
      std::tie(curve.kind, curve.name, curve.phase) = key;
      curve.seed = part->seed;
      curve.fold = part->fold;
      curve.points = thinned(curve.points);
      curves.push_back(std::move(curve));
    }
  }
  std::ranges::stable_sort(curves, {}, [](const Curve& curve) {
    return std::tie(curve.kind, curve.name, curve.phase, curve.seed, curve.fold);
  });
  return curves;
}

std::vector<EnvironmentFact> Details::environment(const Leaderboard& board) const {
  std::set<std::string> trainings;
  for (const Table& table : board.tables) {
    for (const Row& row : table.rows) {
      for (const SeedResult* part : trained_parts(row)) {
        if (part->state != "not run") trainings.insert(part->training_key);
      }
    }
  }
  std::map<std::string, std::map<std::string, std::int64_t>> counts;
  for (const std::string& key : trainings) {
    for (const auto& [name, value] : store_.environment(key).values) ++counts[name][value];
  }
  std::vector<EnvironmentFact> facts;
  for (const auto& [name, values] : counts) {
    EnvironmentFact& fact = facts.emplace_back(EnvironmentFact{name, {}});
    for (const auto& [value, number] : values) fact.values.push_back({value, number});
    std::ranges::stable_sort(fact.values, std::ranges::greater(), &EnvironmentFact::Value::trainings);
  }
  return facts;
}

}  // namespace cmkd::reports
