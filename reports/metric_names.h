// How a metric is shown.
#pragma once

#include <string>
#include <vector>

namespace cmkd::reports {

enum class MetricUnit { kPercent, kNats, kPlain };

struct MetricStyle {
  std::string title;  // "top-1"
  MetricUnit unit = MetricUnit::kPercent;
  bool higher_is_better = true;
};

// Metrics are fractions unless their definition says otherwise; an unknown name is shown as it is.
[[nodiscard]] MetricStyle metric_style(const std::string& name);

// The usual metrics in their usual order, then the others by name.
void sort_metrics(std::vector<std::string>& names);

}  // namespace cmkd::reports
