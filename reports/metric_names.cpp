#include "metric_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace cmkd::reports {

namespace {

struct Known {
  const char* name;
  MetricStyle style;
};

constexpr double kNoBound = std::numeric_limits<double>::infinity();
constexpr MetricRange kFraction{0, 1};
constexpr MetricRange kFromZero{0, kNoBound};
constexpr MetricRange kFromOne{1, kNoBound};

const std::vector<Known>& known_metrics() {
  static const std::vector<Known> known{
      {"top1", {"top-1", MetricUnit::kPercent, true, kFraction}},
      {"top5", {"top-5", MetricUnit::kPercent, true, kFraction}},
      {"mean_class_accuracy", {"mean class accuracy", MetricUnit::kPercent, true, kFraction}},
      {"ece", {"calibration error", MetricUnit::kPercent, false, kFraction}},
      {"brier", {"Brier score", MetricUnit::kPlain, false, {0, 2}}},
      {"nll", {"NLL", MetricUnit::kNats, false, kFromZero}},
      {"teacher_agreement", {"agreement with teacher", MetricUnit::kPercent, true, kFraction}},
      {"teacher_kl", {"KL from teacher", MetricUnit::kNats, false, kFromZero}},
      {"map", {"mAP", MetricUnit::kPercent, true, kFraction}},
      {"recall@1", {"recall@1", MetricUnit::kPercent, true, kFraction}},
      {"recall@5", {"recall@5", MetricUnit::kPercent, true, kFraction}},
      {"recall@10", {"recall@10", MetricUnit::kPercent, true, kFraction}},
      {"recall@20", {"recall@20", MetricUnit::kPercent, true, kFraction}},
      {"map_macro", {"mAP (macro)", MetricUnit::kPercent, true, kFraction}},
      {"map_micro", {"mAP (micro)", MetricUnit::kPercent, true, kFraction}},
      {"auc_macro", {"AUC (macro)", MetricUnit::kPercent, true, kFraction}},
      {"lwlrap", {"lwlrap", MetricUnit::kPercent, true, kFraction}},
      {"map_truncated", {"truncated mAP", MetricUnit::kPercent, true, kFraction}},
      {"truncated_skipped", {"skipped queries", MetricUnit::kPlain, false, kFromZero}},
      {"queries_without_hit", {"queries without a hit", MetricUnit::kPlain, false, kFromZero}},
      {"median_rank", {"median rank", MetricUnit::kPlain, false, kFromOne}},
      {"mean_rank", {"mean rank", MetricUnit::kPlain, false, kFromOne}},
      {"d_prime", {"d-prime", MetricUnit::kPlain, true, {}}},
      {"corruption_auc_gate", {"AUC of the gate", MetricUnit::kPlain, true, kFraction}},
      {"corruption_auc_similarity", {"AUC of the similarity", MetricUnit::kPlain, true, kFraction}}};
  return known;
}

struct Across {
  std::string_view prefix;
  const char* words;
  const char* title;
};
constexpr std::array<Across, 2> kAcross{
    {{"audio_to_video_", "audio → video ", "Audio → video"}, {"video_to_audio_", "video → audio ", "Video → audio"}}};

// 0 within a modality, then the positions in kAcross, from 1.
std::size_t group_of(const std::string& name) {
  const auto found =
      std::ranges::find_if(kAcross, [&](const Across& across) { return name.starts_with(across.prefix); });
  return found == kAcross.end() ? 0 : static_cast<std::size_t>(found - kAcross.begin()) + 1;
}

std::size_t position(const std::string& name) {
  const auto& known = known_metrics();
  const auto found = std::ranges::find_if(known, [&](const Known& entry) { return entry.name == name; });
  return static_cast<std::size_t>(found - known.begin());
}

}  // namespace

std::string within_group(const std::string& name) {
  const std::size_t group = group_of(name);
  return group == 0 ? name : name.substr(kAcross[group - 1].prefix.size());
}

MetricStyle metric_style(const std::string& name) {
  const std::size_t found = position(name);
  if (found < known_metrics().size()) return known_metrics()[found].style;
  if (const std::size_t group = group_of(name); group > 0) {  // the same metrics across modalities
    MetricStyle style = metric_style(within_group(name));
    style.title = kAcross[group - 1].words + style.title;
    return style;
  }
  constexpr std::string_view kCorruption = "corruption_auc_";  // of a signal that another method may add
  if (name.starts_with(kCorruption))
    return {"AUC of " + name.substr(kCorruption.size()), MetricUnit::kPlain, true, kFraction};
  return {name, MetricUnit::kPercent, true, {}};
}

void sort_metrics(std::vector<std::string>& names) {
  std::ranges::sort(names, {}, [](const std::string& name) {
    return std::tuple(group_of(name), position(within_group(name)), name);
  });
}

std::vector<MetricGroup> metric_groups(const std::vector<std::string>& names) {
  std::vector<MetricGroup> groups(kAcross.size() + 1);
  groups.front().title = "Other metrics";
  for (std::size_t i = 0; i < kAcross.size(); ++i) groups[i + 1].title = kAcross[i].title;
  for (const std::string& name : names) {
    groups[group_of(name)].metrics.push_back(name);
  }
  std::erase_if(groups, [](const MetricGroup& group) { return group.metrics.empty(); });
  return groups;
}

}  // namespace cmkd::reports
