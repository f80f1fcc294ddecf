// The parts of the JSON report.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "text.h"

namespace cmkd::reports {

using OrderedJson = nlohmann::ordered_json;

// Six decimals: the last bits of a mean may differ between compilers, and a report must not. Text where not finite.
[[nodiscard]] OrderedJson json_number(double value);
[[nodiscard]] OrderedJson json_number(const std::optional<double>& value);
[[nodiscard]] OrderedJson interval_json(const std::optional<Interval>& interval);  // [low, high]
// interval_95 as shown, interval_95_cut, and interval_95_t as the t distribution gives it.
void add_json_interval(OrderedJson& object, const std::string& metric, const std::optional<Interval>& interval,
                       IntervalOf of = IntervalOf::kMean);

// --- json_overview.cpp ---

[[nodiscard]] OrderedJson pair_json(const std::string& metric, const RowPair& pair);
[[nodiscard]] OrderedJson over_clips_json(const std::optional<OverClips>& over_clips);
[[nodiscard]] OrderedJson overview_json(const Overview& overview);

}  // namespace cmkd::reports
