#include <fmt/format.h>

#include <algorithm>

#include "metric_names.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr const char* kCutMark = "†";  // no star: beside a number that reads as significance
// What the rounding of a mean may add to seeds that all have the greatest value: no reason for a mark.
constexpr double kRoundingOfMean = 1e-9;

MetricRange range_of(const std::string& metric, IntervalOf of) {
  const MetricRange range = metric_style(metric).range;
  return of == IntervalOf::kMean ? range : MetricRange{range.low - range.high, range.high - range.low};
}

}  // namespace

ShownInterval shown_interval(const std::string& metric, const Interval& interval, IntervalOf of) {
  const MetricRange range = range_of(metric, of);
  return {{std::max(interval.low, range.low), std::min(interval.high, range.high)},
          interval.low<range.low - kRoundingOfMean, interval.high> range.high + kRoundingOfMean};
}

std::string interval_text(const std::string& metric, const std::optional<Interval>& interval, IntervalOf of) {
  if (!interval) return kNothing;
  const ShownInterval shown = shown_interval(metric, *interval, of);
  const auto end = [&](double value, bool is_cut) {
    return (of == IntervalOf::kMean ? metric_text(metric, value) : difference_text(metric, value)) +
           (is_cut ? kCutMark : "");
  };
  return fmt::format("[{}, {}]", end(shown.interval.low, shown.low_is_cut),
                     end(shown.interval.high, shown.high_is_cut));
}

bool shows_cut_interval(const std::string& metric, const Row& row) {
  if (row.interval && shown_interval(metric, *row.interval, IntervalOf::kMean).is_cut()) return true;
  const auto& paired = row.to_student ? row.to_student->comparison : std::nullopt;
  return paired && paired->interval && shown_interval(metric, *paired->interval, IntervalOf::kDifference).is_cut();
}

const char* cut_note() { return "† cut at the metric's range; the t interval reaches beyond it."; }

}  // namespace cmkd::reports
