// What a leaderboard says, as plain values, and its four formats. A function of the store's rows alone: no clock, host,
// path or locale goes in, and the order of the input does not matter, so the same store gives the same bytes.
// Free functions, safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/reports/overview.h"
#include "cmkd/reports/statistics.h"
#include "cmkd/reports/tuning.h"
#include "cmkd/reports/uncertainty.h"
#include "cmkd/results/number_cache.h"
#include "cmkd/results/store.h"

namespace cmkd::reports {

struct LeaderboardOptions {
  std::string title;  // "": the suite's
  bool cost = true;   // measured times and memory, which differ from machine to machine and from run to run
  // Per-clip outputs of an evaluation (Store::outputs), for the uncertainty over test clips; none: it is left out.
  // Asked only for what `numbers` does not hold.
  std::function<results::ClipOutputs(const std::string& evaluation_key)> outputs = {};
  results::NumberCache* numbers = nullptr;  // where bootstraps are kept; null: all are computed. Changes no value
};

using results::RowRole;

// Whether it takes part in the order of the methods: they, and the student alone.
[[nodiscard]] bool is_ranked(RowRole role) noexcept;

// One seed of a row: a value, or why there is none. In a dataset of several folds it is the mean over them,
// and there is none unless every split has one.
struct SeedResult {
  std::int64_t seed = 0;
  std::string fold;               // of a part; "" otherwise
  std::vector<SeedResult> folds;  // the parts, by fold; empty where there is one split
  std::optional<double> value;    // the primary metric on split "test"
  std::string state;              // in a word: "failed", "not run"; "" when there is a value
  std::string missing;            // with its reason: "failed: loss is not finite …", "not run"; same
  std::string training_key;
  std::string evaluation_key;
  std::string outputs;          // fingerprint of the stored per-clip outputs, "" where there are none
  std::string initial_weights;  // fingerprints, "" when not recorded
  std::string batch_order;
  std::string augmentation;
  std::map<std::string, double> metrics;   // the other metrics on split "test"
  std::map<std::string, double> transfer;  // metrics on split "transfer"
  std::map<std::string, double> measured;  // of the training; empty without options.cost
  std::string rerun_command;
};

struct Average {
  double mean = 0;
  std::int64_t n = 0;                // seeds that have it
  std::optional<double> to_student;  // ratio of the means; nothing where the student has none or zero
};

// A row against `student` over the seeds that they share.
struct StudentDifference {
  std::optional<PairedComparison> comparison;
  std::vector<std::int64_t> seeds;  // that were compared
  std::string why_not;              // of the seeds left out: "seed 2: another batch order"; "" when none is
};

struct Row {
  std::string name;  // the label, made unique within its table
  std::string method;
  std::string control;  // "shuffled-teacher", "" for none
  std::string student_model;
  std::string verified;  // "step", "loss", "part", "none", "" when nothing has run
  RowRole role = RowRole::kMethod;
  std::string note;  // of the role, for a reader: "ceiling", "uses both modalities", "" for a method
  std::int64_t done = 0;
  std::int64_t wanted = 0;
  std::vector<SeedResult> seeds;  // by seed
  std::optional<double> mean;
  std::optional<double> deviation;
  std::optional<Interval> interval;             // 95 %, Student t
  std::optional<int> tier;                      // 1 is the best; nothing where the row is not ranked
  std::string not_ranked;                       // why there is no tier; "" when there is
  std::optional<RowRank> rank;                  // where there are tiers
  std::optional<OverClips> over_clips;          // nothing without results, and without LeaderboardOptions::outputs
  std::optional<StudentDifference> to_student;  // nothing for student, teacher, external, and where no student is
  std::map<std::string, Average> secondary;
  std::map<std::string, Average> cost;
  std::optional<Average> transfer_top1;
  std::string rerun_command;  // of all seeds of the row

  [[nodiscard]] bool partial() const noexcept { return done < wanted; }
};

struct ExclusionList {
  std::string dataset;             // name
  std::string source_fingerprint;  // of the files, labels and split
  std::string decoded_fingerprint;
  std::int64_t listed = 0;
  std::int64_t used = 0;
  std::map<std::string, std::int64_t> reasons;          // the part of a reason before ':' → clips
  std::vector<results::DatasetRecord::Excluded> clips;  // by split, clip id, reason
};

// One comparison: everything in it was trained and evaluated under the same rules.
struct Table {
  std::string task;
  std::string dataset;
  std::string direction;
  std::string protocol;
  // Of a sweep: the setting, the same with its value here, and that value. "" and nothing without one.
  std::string setting;    // "corruption.share"
  std::string condition;  // "corruption.share = 0.5"
  std::optional<double> level;
  std::string primary_metric;
  std::int64_t smallest_n = 0;  // seeds of the ranked rows
  std::vector<std::string> selection_rules;
  std::string fingerprints;  // "… share initial weights: yes; batch order: yes; augmentation: no (seed 2)"
  std::string what_n_allows;
  std::vector<std::string> folds;              // that a seed's value is the mean over
  std::string tiers;                           // the rule, or why there are none
  std::vector<std::string> secondary_metrics;  // in the order of the columns
  std::vector<Row> rows;       // ceiling and teacher; ranked rows by tier and mean, each with its controls; the rest
  std::vector<RowPair> pairs;  // of the complete methods, in the order of the rows
  std::string test_clips;      // what the intervals over test clips are, or why there are none; "" without outputs
  std::vector<ExclusionList> exclusions;
};

// What the trainings of a board were made with, as far as it may change a number although no key holds it.
struct Provenance {
  struct Part {
    results::Origin origin;
    std::int64_t trainings = 0;
  };
  std::vector<Part> parts;             // of the trainings that are done; most trainings first, then by origin
  std::int64_t later_evaluations = 0;  // made by other shared code than their training
  std::int64_t mixed_cells = 0;        // whose trainings differ in LibTorch, device kind or CPU level
  std::string rerun_command;           // trains again what differs from the program at hand

  [[nodiscard]] bool is_mixed() const noexcept { return parts.size() > 1 || later_evaluations > 0; }
};
[[nodiscard]] Provenance provenance_of(const std::vector<results::LeaderboardRow>& rows);
// One sentence where all were made alike; else what was made with what, and the remedy. Empty where nothing is done.
[[nodiscard]] std::vector<std::string> provenance_lines(const Provenance& provenance);

struct Leaderboard {
  std::string suite;
  std::string title;
  bool cost = true;
  Provenance provenance;
  std::optional<Tuning> tuning;     // behind it, when the caller gave its rows
  std::vector<Table> tables;        // by task, dataset, level of a sweep, direction, protocol
  std::vector<Overview> overviews;  // the data sets of a task and direction together
};

// Throws Error(kData) when the rows hold two results for the same seed of the same row.
[[nodiscard]] Leaderboard build_leaderboard(const std::vector<results::LeaderboardRow>& rows,
                                            const std::vector<results::DatasetRecord>& datasets,
                                            const LeaderboardOptions& options = {});

enum class Format { kMarkdown, kCsv, kJson, kHtml, kLatex };

// "markdown" or "md", "csv", "json", "html", "latex" or "tex"; throws Error(kUsage) otherwise.
[[nodiscard]] Format format_from_name(std::string_view name);

// UTF-8, with a newline at the end.
[[nodiscard]] std::string render(const Leaderboard& board, Format format);

[[nodiscard]] std::string render_markdown(const Leaderboard& board);
[[nodiscard]] std::string render_csv(const Leaderboard& board);    // one line for each row and seed, with its keys
[[nodiscard]] std::string render_json(const Leaderboard& board);   // everything
[[nodiscard]] std::string render_latex(const Leaderboard& board);  // tables with booktabs, for \input
[[nodiscard]] std::string render_html(const Leaderboard& board);   // one file that needs nothing else

}  // namespace cmkd::reports
