#include <fmt/format.h>

#include "text.h"

namespace cmkd::reports {

std::vector<std::string> tuning_facts(const Tuning& tuning) {
  std::vector<std::string> lines{
      fmt::format("Budget: {} trials for every method, {} seed{} a trial, none of them reported; judged by {} on the "
                  "validation clips alone. Trial 0 is the suite's own setting, the others are drawn at random.",
                  tuning.trials, tuning.seeds, tuning.seeds == 1 ? "" : "s", metric_heading(tuning.metric)),
      "Best of k: the expected best validation value of k trials, drawn with replacement from those made, a failed one "
      "counting as 0 (Dodge et al. "
      "2019, arXiv 1909.03004). Read along a row what more tuning would still give; down a column, who leads at equal "
      "budgets."};
  if (tuning.unfinished > 0) {
    lines.push_back(fmt::format("Unfinished: {} trainings are still to do ('cmkd tune').", tuning.unfinished));
  }
  return lines;
}

std::vector<std::int64_t> shown_budgets(std::int64_t trials) {
  std::vector<std::int64_t> budgets;
  for (std::int64_t k = 1; k < trials; k *= 2) budgets.push_back(k);
  if (trials > 0) budgets.push_back(trials);
  return budgets;
}

std::string winner_text(const TunedMethod& method) {
  return method.winner ? fmt::format("trial {} of {}", *method.winner, method.values.size()) : kNothing;
}

std::string winner_value(const Tuning& tuning, const TunedMethod& method) {
  if (!method.winner) return kNothing;
  return metric_text(tuning.metric, *method.values[static_cast<std::size_t>(*method.winner)]);
}

std::string best_of_text(const Tuning& tuning, const TunedMethod& method, std::int64_t k) {
  // The curve ends at the trials that are done.
  if (k > static_cast<std::int64_t>(method.best_of.size())) return kNothing;
  return metric_text(tuning.metric, method.best_of[static_cast<std::size_t>(k - 1)]);
}

}  // namespace cmkd::reports
