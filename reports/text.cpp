#include "text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cmkd/core/error.h"
#include "metric_names.h"

namespace cmkd::reports {

namespace {

int decimals(const std::string& metric) {
  switch (metric_style(metric).unit) {
    case MetricUnit::kPercent:
      return 1;
    case MetricUnit::kNats:
      return 3;
    case MetricUnit::kPlain:
      break;
  }
  return 2;
}

// fmt writes "-0.0" for a small negative number: a sign that says nothing.
std::string fixed(double value, int digits) {
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

}  // namespace

double shown_value(const std::string& metric, double value) {
  return metric_style(metric).unit == MetricUnit::kPercent ? 100 * value : value;
}

std::string metric_text(const std::string& metric, double value) {
  return fixed(shown_value(metric, value), decimals(metric));
}

std::string difference_text(const std::string& metric, double value) {
  std::string text = metric_text(metric, value);
  if (text.starts_with('-')) return "−" + text.substr(1);
  return text.find_first_not_of("0.") == std::string::npos ? text : "+" + text;
}

std::string metric_heading(const std::string& metric) {
  const MetricStyle style = metric_style(metric);
  const char* unit = style.unit == MetricUnit::kPercent ? ", %" : style.unit == MetricUnit::kNats ? ", nats" : "";
  return fmt::format("{}{}{}", style.title, unit, style.higher_is_better ? "" : " ↓");
}

std::string interval_text(const std::string& metric, const std::optional<Interval>& interval) {
  if (!interval) return kNothing;
  return fmt::format("[{}, {}]", metric_text(metric, interval->low), metric_text(metric, interval->high));
}

std::string difference_interval_text(const std::string& metric, const std::optional<Interval>& interval) {
  if (!interval) return kNothing;
  return fmt::format("[{}, {}]", difference_text(metric, interval->low), difference_text(metric, interval->high));
}

std::string seeds_text(const std::string& metric, const Row& row) {
  std::vector<std::string> values;
  for (const SeedResult& seed : row.seeds) {
    values.push_back(seed.value ? metric_text(metric, *seed.value) : state_word(seed));
  }
  return join(values);
}

std::string p_text(const std::optional<double>& p) { return p ? fmt::format("{:.4f}", *p) : kNothing; }

std::string count_text(const Row& row) {
  return fmt::format("{} of {}{}", row.done, row.wanted, row.partial() ? " (partial)" : "");
}

std::string cost_heading(const std::string& name) {
  if (name == "train_seconds") return "training, s";
  if (name == "step_milliseconds") return "step, ms";
  if (name == "peak_memory_bytes") return "peak memory, MiB";
  return name;
}

std::string cost_text(const std::string& name, const Average& average) {
  const double shown = name == "peak_memory_bytes" ? average.mean / (1024 * 1024) : average.mean;
  const std::string ratio = average.to_student ? fmt::format(" ({:.2f} × student)", *average.to_student) : "";
  return fixed(shown, 1) + ratio;
}

std::vector<std::string> cost_names(const Table& table) {
  std::vector<std::string> names{"train_seconds", "step_milliseconds", "peak_memory_bytes"};
  std::set<std::string> present;
  for (const Row& row : table.rows) {
    for (const auto& [name, value] : row.cost) present.insert(name);
  }
  std::erase_if(names, [&](const std::string& name) { return !present.contains(name); });
  for (const std::string& name : present) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string table_title(const Table& table) {
  const auto known = [](const std::string& text, const char* otherwise) { return text.empty() ? otherwise : text; };
  return fmt::format("{} on {}, {}, protocol {}", table.task, table.dataset,
                     known(table.direction, "direction not known yet"), known(table.protocol, "not known yet"));
}

std::string role_text(const Row& row) {
  if (row.role == RowRole::kControl) return "control of " + row.method;
  return row.note;
}

std::string state_word(const SeedResult& seed) { return seed.missing.substr(0, seed.missing.find(':')); }

std::string exclusion_summary(const ExclusionList& list) {
  std::vector<std::string> reasons;
  for (const auto& [reason, clips] : list.reasons) reasons.push_back(fmt::format("{} × {}", clips, reason));
  return fmt::format("{}: {} used of {} listed clips{}", list.dataset, list.used, list.listed,
                     reasons.empty() ? "" : fmt::format("; left out: {}", join(reasons)));
}

const std::vector<std::string>& how_to_read() {
  static const std::vector<std::string> lines{
      "n: seeds with a result, of those wanted. A seed is one whole training; the teacher is trained anew for each.",
      "± is the standard deviation over the seeds (divisor n − 1): the spread of single trainings, not the uncertainty "
      "of the mean.",
      "[low, high] is the 95 % Student-t interval over the seeds: of the mean, or of the mean paired difference.",
      "Against student: mean of the differences seed by seed, in points of the metric, over seeds on which both "
      "started "
      "from the same weights and saw the same batches and augmentation. p is the exact two-sided sign-flip permutation "
      "test of these differences, not corrected for the number of rows.",
      "Only methods with all of their seeds are ranked. Controls stand under their method; ceiling and teacher are "
      "bounds; a partial row says what is missing.",
      "Verified: how far the implementation was checked against its original: whole training step, loss, part, or "
      "none."};
  return lines;
}

std::string without_control_characters(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return clean;
}

}  // namespace cmkd::reports
