// Words and numbers shared by the formats: fixed precision, no locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/sweep.h"

namespace cmkd::reports {

inline constexpr const char* kNothing = "–";

// A value in the unit in which its metric is shown: "47.1" of 0.4712 for a metric in per cent.
[[nodiscard]] double shown_value(const std::string& metric, double value);
[[nodiscard]] std::string metric_text(const std::string& metric, double value);
[[nodiscard]] std::string difference_text(const std::string& metric, double value);  // with its sign: "+1.2", "−0.4"
[[nodiscard]] std::string metric_heading(const std::string& metric);                 // "top-1, %"
[[nodiscard]] std::string seeds_text(const std::string& metric, const Row& row);     // "47.1, 48.0, failed"
[[nodiscard]] std::string p_text(const std::optional<double>& p);            // "p = 0.0625", "p < 0.0001", "p –"
[[nodiscard]] std::string p_value_text(double p);                            // "0.0625", "< 0.0001"
[[nodiscard]] std::string completeness_word(const Row& row);                 // "", "partial", "no result"
[[nodiscard]] std::string difference_facts(const PairedComparison& paired);  // "n = 5, p = 0.0625"
// With its n where that is not the row's: "47.1 (n = 3)".
[[nodiscard]] std::string average_text(const std::string& metric, const Average& average, const Row& row);

[[nodiscard]] std::string cost_heading(const std::string& name);                       // "training, s"
[[nodiscard]] std::string cost_text(const std::string& name, const Average& average);  // "12.3 (1.50 × student)"
[[nodiscard]] std::vector<std::string> cost_names(const Table& table);

[[nodiscard]] std::vector<const Row*> all_rows(const Table& table);
[[nodiscard]] std::string dataset_text(const Table& table);  // "synthetic, corruption.share = 0.5"
[[nodiscard]] std::string table_title(const Table& table);
[[nodiscard]] std::string short_title(const Table& table);               // "synthetic, audio → video, strict"
[[nodiscard]] std::string words(const std::string& name);                // "action recognition" of "action_recognition"
[[nodiscard]] std::string capitalised(std::string text);                 // its first letter, if it is one of ASCII
[[nodiscard]] std::string direction_text(const std::string& direction);  // "audio → video"
[[nodiscard]] std::string mean_text(const std::string& metric, const Row& row);  // "47.1 ± 0.8"
[[nodiscard]] std::string role_text(const Row& row);                             // the note, "control of kd", ""
[[nodiscard]] std::string exclusion_counts(const ExclusionList& list);   // "2 of 4 listed clips used; left out: …"
[[nodiscard]] std::string exclusion_summary(const ExclusionList& list);  // "synthetic: 2 of 4 listed clips used; …"

// What a reader must know of a table before its numbers, in order.
struct Fact {
  std::string name;  // "Clips"
  std::string text;
};
[[nodiscard]] std::vector<Fact> facts(const Table& table);
[[nodiscard]] std::string transfer_text(const Average& top1);  // "on the transfer split, …: top-1 75.4 % …"

// What stands under every leaderboard: what each ± and bracket is.
[[nodiscard]] const std::vector<std::string>& how_to_read();

// --- overview_text.cpp ---

[[nodiscard]] std::string rank_text(double rank, const Interval& interval);    // "1.5 [1.0, 2.0]"
[[nodiscard]] std::string share_text(double share);                            // "0.82"
[[nodiscard]] std::string share_text(double share, const Interval& interval);  // "0.82 [0.60, 1.00]"
[[nodiscard]] std::string estimate_text(const std::string& metric, const Estimate& estimate);
[[nodiscard]] std::string equivalence_text(const std::optional<Equivalence>& equivalence);  // "0.70 / 0.28 / 0.02"
[[nodiscard]] std::string effect_text(const std::optional<double>& effect);                 // "+1.32"
[[nodiscard]] std::string clips_interval_text(const std::string& metric, const Row& row);
[[nodiscard]] std::string overview_title(const Overview& overview);
[[nodiscard]] std::vector<Fact> overview_facts(const Overview& overview);
[[nodiscard]] const char* what_aggregates_are();

// --- shown_interval.cpp: a t interval knows nothing of what a metric can be; what is shown stays within it ---

struct ShownInterval {
  Interval interval;  // cut at the metric's range
  bool low_is_cut = false;
  bool high_is_cut = false;

  [[nodiscard]] bool is_cut() const noexcept { return low_is_cut || high_is_cut; }
};
// Of a mean, or of a mean difference: two values of a percentage are at most 100 points apart.
enum class IntervalOf { kMean, kDifference };
[[nodiscard]] ShownInterval shown_interval(const std::string& metric, const Interval& interval, IntervalOf of);

// "[46.9, 50.5]", "[0.0†, 68.2]"; of a difference with signs.
[[nodiscard]] std::string interval_text(const std::string& metric, const std::optional<Interval>& interval,
                                        IntervalOf of = IntervalOf::kMean);
// Whether an end that the row shows is cut; the note that then stands under its table.
[[nodiscard]] bool shows_cut_interval(const std::string& metric, const Row& row);
[[nodiscard]] const char* cut_note();

// --- tuning_text.cpp ---

[[nodiscard]] std::vector<std::string> tuning_facts(const Tuning& tuning);
[[nodiscard]] std::vector<std::int64_t> shown_budgets(std::int64_t trials);  // 1, 2, 4, … and all trials
[[nodiscard]] std::string winner_text(const TunedMethod& method);            // "trial 3 of 8"
[[nodiscard]] std::string winner_value(const Tuning& tuning, const TunedMethod& method);
[[nodiscard]] std::string best_of_text(const Tuning& tuning, const TunedMethod& method, std::int64_t k);

// --- sweep_text.cpp ---

[[nodiscard]] std::string sweep_title(const Sweep& sweep);
[[nodiscard]] std::vector<Fact> sweep_facts(const Sweep& sweep);
[[nodiscard]] std::string level_text(double level);                                                // "0.4"
[[nodiscard]] std::string point_text(const Sweep& sweep, const SweepRow& row, std::size_t level);  // "47.1 ± 0.8"
[[nodiscard]] std::string evidence_text(const SweepEvidence& evidence, std::size_t level);         // "0.81 ± 0.02"
[[nodiscard]] const char* what_evidence_means();

// --- clean_text.cpp ---

// UTF-8 that stays on its line and in its cell: bytes that are no UTF-8 become U+FFFD; control characters, and those
// that break lines or turn the direction of writing, become spaces.
[[nodiscard]] std::string clean_text(std::string_view text);

}  // namespace cmkd::reports
