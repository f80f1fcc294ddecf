// What of a plan is done, and how finished runs enter the store. Private to harness/; used by one thread.
#pragma once

#include <string>
#include <vector>

#include "cmkd/harness/runner.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/results/store.h"

namespace cmkd {

class RunLedger {
 public:
  // Opens the store, and writes the suite's dataset and links. All but `store` must outlive this.
  RunLedger(const Suite& suite, const RunOptions& options, const SuiteData& data, const Plan& plan);

  [[nodiscard]] const RunFolder& folder() const noexcept { return folder_; }
  // The run needs no work: its evaluation is there, or it failed and failed runs are left alone.
  [[nodiscard]] bool is_done(const PlannedTraining& planned) const;
  // It is done, and was made with something else than this program would make it with here.
  [[nodiscard]] bool is_changed(const PlannedTraining& planned) const;
  [[nodiscard]] bool teacher_failed(const PlannedTraining& planned) const;
  // Its outputs file is there, with what every judge of the plan has of it.
  [[nodiscard]] bool has_teacher_outputs(const PlannedTraining& teacher) const;
  [[nodiscard]] bool is_finished(const PlannedTraining& planned) const;  // by a worker, and not in the store yet
  [[nodiscard]] std::optional<results::RunStatus> status(const PlannedTraining& planned) const;
  // The reason of a failed run; "" of any other.
  [[nodiscard]] std::string failure(const PlannedTraining& planned) const;
  // The evaluations of the plan that the store does not have, by key.
  [[nodiscard]] std::vector<std::string> missing_evaluations(const PlannedTraining& planned) const;
  // Kept weights from which a further evaluation can be made; "" when there are none.
  [[nodiscard]] std::string kept_weights(const PlannedTraining& planned) const;
  // stored_difference of provenance.h.
  [[nodiscard]] std::string difference(const PlannedTraining& planned) const;

  // Puts a finished run into the store, unless another process has. Returns false when it replaced a run whose content
  // was another: those that learned from it, if it is a teacher, are out of date.
  bool commit(const PlannedTraining& planned);
  // Stores the failure, unless a result is there that was to be replaced: that stays, and the return value is false.
  bool fail(const PlannedTraining& planned, const std::string& reason);

 private:
  const Suite& suite_;
  const RunOptions& options_;
  const SuiteData& data_;
  RunFolder folder_;
  results::Store store_;
  results::Origin here_;
};

}  // namespace cmkd
