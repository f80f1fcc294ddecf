// The parts of compare_sides. Private to reports/.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/reports/compare.h"

namespace cmkd::reports {

inline constexpr const char* kNoValue = "(none)";

// --- compare_values.cpp ---

// Values by path with dots: texts as they are, others as JSON.
[[nodiscard]] std::map<std::string, std::string> flat_json(const std::string& text);
[[nodiscard]] std::vector<ValueDifference> map_differences(const std::map<std::string, std::string>& a,
                                                           const std::map<std::string, std::string>& b);

// The differences of several pairs of runs as one list.
class DifferenceCollector {
 public:
  void add(const std::vector<ValueDifference>& differences);
  [[nodiscard]] std::vector<ValueDifference> take() const;

 private:
  std::map<std::string, std::pair<std::set<std::string>, std::set<std::string>>> values_;
};

// --- compare_clips.cpp ---

using RunPair = std::pair<const ComparedRun*, const ComparedRun*>;
// `pairs` are of the same fold, by seed.
[[nodiscard]] ClipComparison compare_clips(const std::string& task, const std::vector<RunPair>& pairs);

// --- compare_rights.cpp ---

// Which clips are right, in the outputs' order: in retrieval the queries alone. Requires outputs.
[[nodiscard]] std::vector<bool> right_clips(const std::string& task, const results::ClipOutputs& outputs);
[[nodiscard]] const char* what_is_right(const std::string& task);  // nullptr: nothing is, of this task

// --- compare_json.cpp ---

[[nodiscard]] std::string comparison_json(const Comparison& comparison);

}  // namespace cmkd::reports
