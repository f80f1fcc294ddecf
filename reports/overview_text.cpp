// Words for the data sets read together, for ranks and for pairs; shared by the formats.
#include <fmt/format.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

std::string rank_text(double rank, const Interval& interval) {
  return fmt::format("{:.1f} [{:.1f}, {:.1f}]", rank, interval.low, interval.high);
}

std::string share_text(double share) { return fmt::format("{:.2f}", share); }

std::string share_text(double share, const Interval& interval) {
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", share, interval.low, interval.high);
}

std::string estimate_text(const std::string& metric, const Estimate& estimate) {
  return fmt::format("{} {}", metric_text(metric, estimate.value), interval_text(metric, estimate.interval));
}

std::string equivalence_text(const std::optional<Equivalence>& equivalence) {
  if (!equivalence) return kNothing;
  return fmt::format("{:.2f} / {:.2f} / {:.2f}", equivalence->first_better, equivalence->equivalent,
                     equivalence->second_better);
}

std::string effect_text(const std::optional<double>& effect) {
  if (!effect) return kNothing;
  const std::string text = fmt::format("{:.2f}", std::abs(*effect));
  const bool is_zero = text == "0.00";
  return is_zero ? text : fmt::format("{}{}", *effect < 0 ? "−" : "+", text);
}

std::string clips_interval_text(const std::string& metric, const Row& row) {
  if (!row.over_clips || !row.over_clips->interval) return kNothing;
  return interval_text(metric, row.over_clips->interval);
}

std::string overview_title(const Overview& overview) {
  return fmt::format(
      "{} of {}, {}, protocol {}: {}", metric_style(overview.primary_metric).title, overview.task,
      direction_text(overview.direction), overview.protocol,
      overview.datasets.size() == 1 ? "one data set" : fmt::format("{} data sets together", overview.datasets.size()));
}

std::vector<Fact> overview_facts(const Overview& overview) {
  std::vector<Fact> result;
  result.push_back({"Data sets", join(overview.datasets)});
  if (!overview.left_out.empty()) result.push_back({"Not complete, left out", join(overview.left_out, "; ")});
  result.push_back({"Tests", overview.tests});
  if (overview.omnibus) {
    result.push_back(
        {"Omnibus", fmt::format("Friedman χ² = {:.3f}, {}; Iman–Davenport F = {:.3f}, {}", overview.omnibus->chi2,
                                p_text(overview.omnibus->chi2_p), overview.omnibus->f, p_text(overview.omnibus->f_p))});
  }
  if (overview.critical_distance) {
    result.push_back(
        {"Critical distance", fmt::format("{:.2f} between mean ranks (Nemenyi, 0.05)", *overview.critical_distance)});
    std::vector<std::string> runs;
    for (const auto& [first, last] : overview.cliques) {
      std::vector<std::string> names;
      for (std::size_t i = first; i <= last; ++i) names.push_back(overview.methods[i].name);
      runs.push_back(join(names));
    }
    result.push_back({"Cliques", runs.empty() ? "none: every pair differs" : join(runs, "; ")});
  }
  return result;
}

const char* what_aggregates_are() {
  return "Over the seeds of all data sets. IQM: mean of the middle half of the values. Optimality gap: mean shortfall "
         "to the "
         "metric's highest value. Brackets are 95 % percentile intervals of a bootstrap that draws seeds within each "
         "data "
         "set; they say nothing of other data sets, and with few seeds they are too narrow (of 5, a 95 % interval "
         "covers about 85 %).";
}

}  // namespace cmkd::reports
