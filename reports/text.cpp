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

// With a minus sign, not a hyphen. fmt writes "-0.0" for a small negative number: a sign that says nothing.
std::string fixed(double value, int digits) {
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (!text.starts_with('-')) return text;
  const bool is_zero = text.find_first_not_of("-0.") == std::string::npos;
  return (is_zero ? "" : "−") + text.substr(1);
}

}  // namespace

double shown_value(const std::string& metric, double value) {
  return metric_style(metric).unit == MetricUnit::kPercent ? 100 * value : value;
}

std::string metric_text(const std::string& metric, double value) {
  return fixed(shown_value(metric, value), decimals(metric));
}

std::string difference_text(const std::string& metric, double value) {
  const std::string text = metric_text(metric, value);
  const bool has_sign = text.starts_with("−") || text.find_first_not_of("0.") == std::string::npos;
  return has_sign ? text : "+" + text;
}

std::string metric_heading(const std::string& metric) {
  const MetricStyle style = metric_style(metric);
  const char* unit = style.unit == MetricUnit::kPercent ? ", %" : style.unit == MetricUnit::kNats ? ", nats" : "";
  return fmt::format("{}{}{}", style.title, unit, style.higher_is_better ? "" : " ↓");
}

std::string seeds_text(const std::string& metric, const Row& row) {
  std::vector<std::string> values;
  const auto like_first = [&](const SeedResult& seed) { return seed.state == row.seeds.front().state; };
  if (row.done == 0 && std::ranges::all_of(row.seeds, like_first)) return row.seeds.front().state;
  for (const SeedResult& seed : row.seeds) {
    values.push_back(seed.value ? metric_text(metric, *seed.value) : seed.state);
  }
  return join(values);
}

std::string p_value_text(double p) { return p < 0.00005 ? "< 0.0001" : fmt::format("{:.4f}", p); }

std::string p_text(const std::optional<double>& p) {
  if (!p) return fmt::format("p {}", kNothing);
  const std::string value = p_value_text(*p);
  return value.starts_with('<') ? "p " + value : "p = " + value;
}

std::string completeness_word(const Row& row) {
  if (!row.partial()) return "";
  return row.done == 0 ? "no result" : "partial";
}

std::string difference_facts(const PairedComparison& paired) {
  // One pair has an exact p of 1 whatever its values are.
  return paired.n < 2 ? "n = 1" : fmt::format("n = {}, {}", paired.n, p_text(paired.sign_flip_p));
}

std::string average_text(const std::string& metric, const Average& average, const Row& row) {
  const std::string text = metric_text(metric, average.mean);
  return average.n == row.done ? text : fmt::format("{} (n = {})", text, average.n);
}

std::vector<Fact> facts(const Table& table) {
  std::vector<Fact> result;
  for (const ExclusionList& list : table.exclusions) result.push_back({"Clips", exclusion_summary(list)});
  if (!table.selection_rules.empty()) result.push_back({"Selection rule", join(table.selection_rules, "; ")});
  result.push_back({"Pairing", table.fingerprints});
  if (!table.folds.empty()) {
    result.push_back({"Folds", fmt::format("{}: a seed's value is its mean over them", join(table.folds))});
  }
  result.push_back({"What n allows", table.what_n_allows});
  result.push_back({"Tiers", table.tiers});
  if (!table.test_clips.empty()) result.push_back({"Test clips", table.test_clips});
  return result;
}

std::string transfer_text(const Average& top1) {
  return fmt::format("on the transfer split, which it did not see in training: top-1 {} % (mean of {} seed{}).",
                     metric_text("top1", top1.mean), top1.n, top1.n == 1 ? "" : "s");
}

std::string cost_heading(const std::string& name) {
  if (name == "train_seconds") return "training, s";
  if (name == "step_milliseconds") return "step, ms";
  if (name == "peak_memory_bytes") return "peak memory, MiB";
  if (name == "parameters_added") return "parameters added";
  return name;
}

std::string cost_text(const std::string& name, const Average& average) {
  if (name == "parameters_added") return fixed(average.mean, 0);
  const double shown = name == "peak_memory_bytes" ? average.mean / (1024 * 1024) : average.mean;
  const std::string ratio = average.to_student ? fmt::format(" ({:.2f} × student)", *average.to_student) : "";
  return fixed(shown, 1) + ratio;
}

std::vector<std::string> cost_names(const Table& table) {
  std::vector<std::string> names{"train_seconds", "step_milliseconds", "peak_memory_bytes", "parameters_added"};
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

std::vector<const Row*> all_rows(const Table& table) {
  std::vector<const Row*> rows;
  for (const Row& row : table.rows) rows.push_back(&row);
  return rows;
}

std::string direction_text(const std::string& direction) {
  std::string text = direction;
  // "audio->video" may be broken across lines between its two signs. Narrow no-break spaces hold the arrow.
  if (const std::size_t arrow = text.find("->"); arrow != std::string::npos) text.replace(arrow, 2, "\u202F→\u202F");
  return text;
}

std::string dataset_text(const Table& table) {
  if (table.condition.empty()) return table.dataset;
  // A level as short as it can be: the stored text may have 17 digits of 0.3.
  return table.level ? fmt::format("{}, {} = {}", table.dataset, table.setting, level_text(*table.level))
                     : fmt::format("{}, {}", table.dataset, table.condition);
}

std::string table_title(const Table& table) {
  return fmt::format("{} on {}, {}, protocol {}", table.task, dataset_text(table), direction_text(table.direction),
                     table.protocol);
}

std::string short_title(const Table& table) {
  return fmt::format("{}, {}, {}, {}", words(table.task), dataset_text(table), direction_text(table.direction),
                     table.protocol);
}

std::string words(const std::string& name) {
  std::string text = name;
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string mean_text(const std::string& metric, const Row& row) {
  if (!row.mean) return kNothing;
  if (!row.deviation) return metric_text(metric, *row.mean);
  return fmt::format("{} ± {}", metric_text(metric, *row.mean), metric_text(metric, *row.deviation));
}

std::string role_text(const Row& row) {
  if (row.role == RowRole::kControl) return "control of " + row.method;
  return row.note;
}

std::string exclusion_counts(const ExclusionList& list) {
  std::vector<std::string> reasons;
  for (const auto& [reason, clips] : list.reasons) reasons.push_back(fmt::format("{} × {}", clips, reason));
  return fmt::format("{} used of {} listed clips{}", list.used, list.listed,
                     reasons.empty() ? "" : fmt::format("; left out: {}", join(reasons)));
}

std::string exclusion_summary(const ExclusionList& list) { return list.dataset + ": " + exclusion_counts(list); }

}  // namespace cmkd::reports
