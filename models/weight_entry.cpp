// Which entry of a checkpoint fits a model: `model` or `model_ema`.
#include <tuple>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/models/load_weights.h"

namespace cmkd {

namespace {

// Greater is better.
auto fit_of(const WeightsReport& report, const std::string& entry) {
  return std::make_tuple(report.matched.size(), report.complete(), !names_a_copy(entry));
}

}  // namespace

FittingEntry read_fitting_entry(const std::filesystem::path& path, const std::string& entry,
                                const CompareEntry& compare, bool compare_all) {
  FittingEntry chosen;
  chosen.file = read_weight_file(path, {entry});
  chosen.report = compare(chosen.file);
  const std::vector<std::string> others = chosen.file.other_entries;
  if (!entry.empty() || others.empty() || (chosen.report.complete() && !compare_all)) return chosen;
  for (const std::string& name : others) {
    FittingEntry other;
    try {
      other.file = read_weight_file(path, {name});
    } catch (const Error& error) {
      chosen.others.push_back({name, 0, error.parts().what});
      continue;
    }
    other.report = compare(other.file);
    if (!chosen.report.complete() && fit_of(other.report, name) > fit_of(chosen.report, chosen.file.container)) {
      std::swap(chosen.file, other.file);
      std::swap(chosen.report, other.report);
    }
    chosen.others.push_back({other.file.container, static_cast<std::int64_t>(other.report.matched.size()), ""});
  }
  return chosen;
}

}  // namespace cmkd
