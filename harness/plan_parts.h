// Parts of making a plan: what a row's link says, and which cell a training is of. Private to harness/.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cmkd/harness/plan.h"

namespace cmkd {

// `position`: of the row in the suite's order of methods; `tuned`: its values are those that won a tuning.
[[nodiscard]] results::SuiteLink make_link(const Suite& whole, const Suite& suite, const PlannedTraining& planned,
                                           std::size_t position, bool tuned);

// Which cell, by number in the order of the plan, each training was planned for first. Cells with one teacher are one.
class CellNumbers {
 public:
  void add(const std::string& training_key, const std::string& teacher_key) {
    const auto cell = cells_.emplace(teacher_key, static_cast<std::int64_t>(cells_.size())).first->second;
    trainings_.emplace(training_key, cell);
  }
  [[nodiscard]] bool is_in(const std::string& training_key, const PlanShard& shard) const {
    return trainings_.at(training_key) % shard.count == shard.index;
  }

 private:
  std::map<std::string, std::int64_t> cells_;      // by their teacher's key
  std::map<std::string, std::int64_t> trainings_;  // by key
};

}  // namespace cmkd
