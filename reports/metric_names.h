// How a metric is shown.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace cmkd::reports {

enum class MetricUnit { kPercent, kNats, kPlain };

// What a metric can be, as stored; infinite where nothing bounds it.
struct MetricRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

struct MetricStyle {
  std::string title;  // "top-1"
  MetricUnit unit = MetricUnit::kPercent;
  bool higher_is_better = true;
  MetricRange range = {};
};

// Metrics are fractions unless their definition says otherwise; an unknown name is shown as it is, without a range.
[[nodiscard]] MetricStyle metric_style(const std::string& name);

// The usual metrics in their usual order, then the others by name.
void sort_metrics(std::vector<std::string>& names);

// Metrics that stand in one table, in the order of its columns.
struct MetricGroup {
  std::string title;  // "Other metrics", "Audio → video"
  std::vector<std::string> metrics;
};
// Sorted names by group: first those within a modality, then those across.
[[nodiscard]] std::vector<MetricGroup> metric_groups(const std::vector<std::string>& names);

// What a metric is called under its group's title: "recall@1" of "audio_to_video_recall@1".
[[nodiscard]] std::string within_group(const std::string& name);

}  // namespace cmkd::reports
