// Small pictures of the series of a row's trainings, a line for each seed.
#pragma once

#include <span>
#include <string>

#include "cmkd/reports/details.h"

namespace cmkd::reports {

// Of one kind and name; all on one axis. Requires at least one curve.
[[nodiscard]] std::string curves_svg(std::span<const Curve> curves, const std::string& id, const std::string& row);

// "csc (init)": the phase where it is not the usual one.
[[nodiscard]] std::string curve_name(const Curve& curve);

}  // namespace cmkd::reports
