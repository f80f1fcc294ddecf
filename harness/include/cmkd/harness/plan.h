// What a suite wants, as trainings and evaluations with keys: nothing is run to make a plan.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/results/records.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

struct PlannedTraining {
  std::string key;     // hash of `config`
  std::string config;  // canonical JSON: everything that the result depends on, and nothing else
  std::string cell_key;
  std::string evaluation_key;
  std::string evaluation_config;
  std::string method;
  std::string control;
  std::string label;  // "kd", "kd (shuffled-teacher)"
  std::int64_t seed = 0;
  std::string teacher_key;   // "" when the method has no teacher
  bool is_teacher = false;   // the cell's teacher itself
  std::string weights_hash;  // of the file that its model starts from; "": random weights
  Parameters parameters;
  Parameters budget;           // [training] or [teacher.training], with what a trial changes of it
  std::string split = "test";  // the clips that judge it: "validation" for a trial
  std::int64_t trial = -1;     // of a tuning; −1: none
};

// Restricts a plan: empty lists take everything.
struct PlanFilter {
  std::vector<std::string> methods;  // ids or labels
  std::vector<std::int64_t> seeds;
};

struct Plan {
  std::vector<PlannedTraining> trainings;  // by seed: the teacher first, then the suite's order of methods
  std::vector<results::SuiteLink> links;   // of the whole suite, whatever the filter

  [[nodiscard]] const PlannedTraining* find(const std::string& key) const;
};

// By method id: the number of the trial that won its tuning.
using Winners = std::map<std::string, std::int64_t>;

// Throws Error(kUsage) for a combination that cannot be trained, and Error(kNothingSelected) when the filter leaves
// nothing. With `winners`, a method trains with its trial's values; one that is not among them with the suite's own.
[[nodiscard]] Plan make_plan(const Suite& suite, const std::string& source_fingerprint, const PlanFilter& filter = {},
                             const Winners& winners = {});
// All trials of the tuning suite (tuning.h), judged on the validation clips. Controls are not tuned, nor is the
// teacher.
[[nodiscard]] Plan make_tuning_plan(const Suite& tuning_suite, const std::string& source_fingerprint,
                                    const PlanFilter& filter = {});

// Keys sorted, numbers in shortest form, no white space.
[[nodiscard]] std::string canonical_json(const Parameters& parameters);
[[nodiscard]] std::string dataset_config_json(const Suite& suite);

}  // namespace cmkd
