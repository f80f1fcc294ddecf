#include "cmkd/probes/choose_c.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"

namespace cmkd::probes {

RegularisationChoice choose_c(const ProbeTrainer& trainer, std::span<const double> candidates,
                              const ValidationRows& validation, const ClipScore& score) {
  if (candidates.empty()) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("no regularisation to choose from for '{}'", to_string(trainer.kind()))});
  }
  RegularisationChoice choice;
  double best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double candidate = candidates[i];
    if (std::ranges::count(candidates, candidate) > 1) {
      throw Error(ErrorKind::kUsage, {.what = fmt::format("the regularisation {} of '{}' is to be tried twice",
                                                          candidate, to_string(trainer.kind()))});
    }
    std::unique_ptr<Probe> probe = trainer.fit(candidate);
    const std::vector<float> rows = probe->decision_values(validation.features);
    const double value = score(average_by_clip(rows, validation.clip_of_row, validation.clips, trainer.classes()));
    if (std::isnan(value)) {
      throw Error(ErrorKind::kInternal, {.what = "the score by which a regularisation is chosen is not a number"});
    }
    choice.trials.push_back({candidate, value, probe->convergence()});
    const bool better = !choice.probe || value > best ||
                        (value == best && regularises_more(trainer.kind(), candidate, choice.regularisation));
    if (!better) continue;
    best = value;
    choice.regularisation = candidate;
    choice.probe = std::move(probe);
  }
  return choice;
}

}  // namespace cmkd::probes
