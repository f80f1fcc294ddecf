// Which trainings of a plan are still to do, and which can start now. Private to harness/; used by one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/harness/runner.h"
#include "run_ledger.h"

namespace cmkd {

class RunQueue {
 public:
  // Says something to the user: "kd seed 3: failed: …".
  using Note = std::function<void(const std::string&)>;

  // Takes what a killed session left finished into the store, then queues what is still to do. Throws Error(kUsage)
  // when something is to be evaluated anew that was trained with other code and whose weights were not kept. All must
  // outlive this.
  RunQueue(const Suite& suite, const RunOptions& options, const Plan& plan, RunLedger& ledger, Note note);

  [[nodiscard]] bool empty() const noexcept { return queue_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size(); }

  // Takes out the first training that can start: its teacher is done. Those whose teacher failed end as failed rows of
  // their own on the way. Null when none can start now.
  [[nodiscard]] const PlannedTraining* take();
  // It takes the place of what is stored.
  [[nodiscard]] bool replaces(const PlannedTraining& planned) const { return replaced_.contains(planned.key); }
  // Nobody has finished it since it was queued.
  [[nodiscard]] bool is_to_do(const PlannedTraining& planned) const;

  // What became of a training that was taken. `retry` says whether a further attempt is made: a run that is killed from
  // outside again and again, without progress in between, fails.
  void put_back(const PlannedTraining& planned) { queue_.push_back(&planned); }
  [[nodiscard]] bool retry(const PlannedTraining& planned);
  void progressed(const PlannedTraining& planned) { attempts_.erase(planned.key); }
  void skipped(const PlannedTraining& planned);  // finished elsewhere
  void finish(const PlannedTraining& planned);   // by a worker: into the store
  void fail(const PlannedTraining& planned, const std::string& reason);

  [[nodiscard]] std::int64_t finished() const noexcept { return finished_; }  // done before and now, failed
  // Counts of what was there before, and failures that left an older result in its place.
  [[nodiscard]] const RunSummary& summary() const noexcept { return summary_; }

 private:
  void prepare();
  void enqueue(const PlannedTraining& planned, bool replaces);
  [[nodiscard]] bool is_ready(const PlannedTraining& planned) const;

  const Suite& suite_;
  const RunOptions& options_;
  const Plan& plan_;
  RunLedger& ledger_;
  Note note_;
  std::deque<const PlannedTraining*> queue_;
  std::set<std::string> replaced_;  // keys of trainings that take the place of what is stored
  std::map<std::string, int> attempts_;
  RunSummary summary_;
  std::int64_t finished_ = 0;
};

}  // namespace cmkd
