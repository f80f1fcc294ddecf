#include <fmt/format.h>

#include "text.h"

namespace cmkd::reports {

std::string level_text(double level) { return fmt::format("{}", level == 0 ? 0.0 : level); }

std::string sweep_title(const Sweep& sweep) {
  return fmt::format("{} from {} to {}: {} on {}, {}, protocol {}", sweep.setting, level_text(sweep.levels.front()),
                     level_text(sweep.levels.back()), words(sweep.task), sweep.dataset, direction_text(sweep.direction),
                     sweep.protocol);
}

std::vector<Fact> sweep_facts(const Sweep& sweep) {
  return {
      {"Levels", fmt::format("{} values of {}. At each: {}, mean ± std over the seeds; (n = …) where a seed lacks it.",
                             sweep.levels.size(), sweep.setting, metric_heading(sweep.primary_metric))},
      {"Area", fmt::format("under the metric against {} by the trapezoidal rule, divided by the range of the "
                           "levels: the metric's mean height over the sweep. One for each seed that has a result at "
                           "every level; mean, std, interval and the difference to the student are over these.",
                           sweep.setting)},
      {"Order", "Methods with all of their seeds by their area, which is no order of merit: a sweep has no tiers."}};
}

std::string point_text(const Sweep& sweep, const SweepRow& row, std::size_t level) {
  const SweepPoint& point = row.points[level];
  if (!point.mean) return kNothing;
  std::string text = metric_text(sweep.primary_metric, *point.mean);
  if (point.deviation) text += fmt::format(" ± {}", metric_text(sweep.primary_metric, *point.deviation));
  return point.missing.empty() ? text : fmt::format("{} (n = {})", text, point.n);
}

std::string evidence_text(const SweepEvidence& evidence, std::size_t level) {
  const std::optional<SeedSpread>& point = evidence.points[level];
  if (!point) return kNothing;
  const std::string text = metric_text(evidence.metric, point->mean);
  return point->deviation ? fmt::format("{} ± {}", text, metric_text(evidence.metric, *point->deviation)) : text;
}

const char* what_evidence_means() {
  return "Area under the ROC curve of \"is this clip's teacher side damaged?\" by what the method measures of each "
         "clip "
         "in training; less trust speaks for damage. 0.5: it tells damaged clips from sound ones no better than "
         "chance; "
         "1: every damaged clip is trusted less than every sound one. – where no clip or every clip is damaged, or no "
         "seed has a result.";
}

}  // namespace cmkd::reports
