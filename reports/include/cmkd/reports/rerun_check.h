// A stored run against the same run made again: bitwise equal, within a tolerance, or different; and what changed in
// configuration, code and environment. Pure functions of the two, safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/reports/compare.h"
#include "cmkd/results/store.h"

namespace cmkd::reports {

struct RunContents {
  results::TrainingRecord training;  // whole
  struct Evaluation {
    results::EvaluationRecord record;
    results::ClipOutputs outputs;
  };
  std::vector<Evaluation> evaluations;
};
// Throws Error(kUsage) when the store has no such training.
[[nodiscard]] RunContents run_contents(const results::Store& store, const std::string& training_key);

enum class Sameness { kBitwiseEqual, kWithinTolerance, kDifferent };
constexpr auto enum_names(Sameness) noexcept {
  return std::to_array<EnumName<Sameness>>({{Sameness::kBitwiseEqual, "bitwise equal"},
                                            {Sameness::kWithinTolerance, "within tolerance"},
                                            {Sameness::kDifferent, "different"}});
}

struct MetricChange {
  std::string task;
  std::string metric;
  std::string split;
  double stored = 0;
  double now = 0;
  bool within = true;  // the tolerance
};

struct RerunCheck {
  std::string run;  // "kd seed 3 (0123456789ab)"
  Sameness sameness = Sameness::kBitwiseEqual;
  double tolerance = 0;
  std::vector<std::string> parts;  // what is not the same to the byte: "final weights", "per-clip outputs (retrieval)"
  std::vector<MetricChange> metrics;  // those that are not
  double largest_output_change = 0;   // of a score of a clip
  std::int64_t changed_clips = 0;     // whose highest score is another class
  std::int64_t clips = 0;
  std::vector<std::string> not_repeated;       // stored evaluations that the new run has none for
  std::vector<ValueDifference> configuration;  // a: stored, b: now; empty: the key is the same
  std::vector<ValueDifference> code_and_environment;
};

// Within tolerance: every stored metric is there again and differs by at most `tolerance` (a fraction: 0.005 is half a
// point of a metric in per cent), times the stored value where that is above 1.
[[nodiscard]] RerunCheck check_rerun(const RunContents& stored, const RunContents& now, double tolerance);

[[nodiscard]] std::string rerun_check_text(const RerunCheck& check);
[[nodiscard]] std::string rerun_check_json(const RerunCheck& check);

}  // namespace cmkd::reports
