// Two methods, or two runs, side by side: what differs in their configuration and environment, in each metric, and on
// which clips. A function of the store alone: the same store gives the same bytes. Free functions, safe from any thread
// (each Store serves one).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/results/store.h"

namespace cmkd::reports {

// One seed (and fold) of a side, with all that the store knows of it.
struct ComparedRun {
  results::LeaderboardRow row;
  results::EnvironmentRecord environment;
  std::string evaluation_config;
  results::ClipOutputs outputs;  // empty where none are stored
};

struct ComparedSide {
  std::string name;  // as the user named it
  std::vector<ComparedRun> runs;
};

// `wanted`: the label of a row of the suite ("kd (shuffled-teacher)"), or the beginning of the id of a training or
// evaluation of any suite. `suite` may be "". Throws Error(kUsage) when neither is there.
[[nodiscard]] ComparedSide compared_side(const results::Store& store, const std::string& suite,
                                         const std::string& wanted);

// A setting or a fact of the environment that is not the same; a text has several values where seeds differ.
struct ValueDifference {
  std::string name;  // "training.epochs", "libtorch"
  std::string a;     // "(none)" where it is not there
  std::string b;
};
// Of two JSON objects; names are paths with dots, in their order. Throws Error(kData) for what is no JSON.
[[nodiscard]] std::vector<ValueDifference> json_differences(const std::string& a, const std::string& b);

// b − a.
struct MetricComparison {
  std::string metric;
  bool higher_is_better = true;
  double mean_a = 0;
  double mean_b = 0;
  double difference = 0;
  std::optional<PairedComparison> paired;  // over the paired seeds; nothing where no seed pairs
};

// A clip on which exactly one side was right in some seed.
struct FlippedClip {
  std::string clip;
  std::string group;
  std::string label;        // its class, or tags, as numbers
  std::int64_t only_a = 0;  // in how many seeds only A was right
  std::int64_t only_b = 0;
};

struct SeedFlips {
  std::int64_t seed_a = 0;
  std::int64_t seed_b = 0;
  std::string fold;
  std::int64_t clips = 0;
  std::int64_t only_a = 0;  // right
  std::int64_t only_b = 0;
  double p = 1;       // exact two-sided McNemar
  double p_holm = 1;  // over the seeds
};

struct ClipComparison {
  std::string right;     // what it means that a clip is right
  std::string why_none;  // "" when there is a comparison
  std::vector<SeedFlips> seeds;
  double difference = 0;             // of the shares of right clips, mean over the seeds, b − a
  std::optional<Interval> interval;  // 95 %, over source videos: another test set
  std::int64_t groups = 0;
  std::vector<FlippedClip> flipped;  // by |only_b − only_a|, then clip
};

// One task, data set, condition, direction and protocol.
struct ComparedTable {
  std::string title;
  std::string primary_metric;
  std::vector<std::string> runs_a;  // ids, "0123456789ab (seed 1)"
  std::vector<std::string> runs_b;
  std::vector<ValueDifference> configuration;
  std::vector<ValueDifference> environment;
  std::string why_no_configuration;  // of a side made elsewhere
  std::vector<std::int64_t> paired_seeds;
  std::string not_paired;                 // "seed 2: other batch order"; "" when all seeds pair
  std::vector<MetricComparison> metrics;  // the primary one first
  ClipComparison clips;
};

struct Comparison {
  std::string a;
  std::string b;
  std::vector<ComparedTable> tables;
};

// Throws Error(kNothingSelected) when the sides have no table in common, or no result in it.
[[nodiscard]] Comparison compare_sides(const ComparedSide& a, const ComparedSide& b);

// By how many points (of a metric in per cent; else in its own unit) B is worse than A in the primary metric: of the
// mean over the paired seeds, or of the means where none pairs; the largest over the tables. Negative: B is better.
[[nodiscard]] double worse_by(const Comparison& comparison);

enum class ComparisonFormat { kText, kMarkdown, kJson };
// `most_clips` bounds the list of flipped clips of kText and kMarkdown.
[[nodiscard]] std::string render_comparison(const Comparison& comparison, ComparisonFormat format,
                                            std::size_t most_clips = 20);

}  // namespace cmkd::reports
