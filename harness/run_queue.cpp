#include "run_queue.h"

#include <fmt/format.h>

#include <utility>

#include "run_start.h"

namespace cmkd {

namespace {

// A worker that is killed from outside loses no run: the run is taken up again, this often without any event in
// between.
constexpr int kAttempts = 5;

}  // namespace

RunQueue::RunQueue(const Suite& suite, const RunOptions& options, const Plan& plan, RunLedger& ledger, Note note)
    : suite_(suite), options_(options), plan_(plan), ledger_(ledger), note_(std::move(note)) {
  for (const PlannedTraining& planned : plan_.trainings) {
    if (ledger_.is_finished(planned)) (void)ledger_.commit(planned);
  }
  prepare();
}

void RunQueue::prepare() {
  std::set<std::string> teachers_wanted;
  for (const PlannedTraining& planned : plan_.trainings) {
    const bool wanted = !ledger_.is_done(planned) || (options_.retrain_changed && ledger_.is_changed(planned));
    if (wanted && !planned.teacher_key.empty()) teachers_wanted.insert(planned.teacher_key);
  }
  summary_.planned = static_cast<std::int64_t>(plan_.trainings.size());
  for (const PlannedTraining& planned : plan_.trainings) {
    const bool changed = ledger_.is_changed(planned);
    const bool outputs_missing = planned.is_teacher && teachers_wanted.contains(planned.key) &&
                                 !ledger_.has_teacher_outputs(planned) &&
                                 ledger_.status(planned) != results::RunStatus::kFailed;
    if (changed && (options_.retrain_changed || outputs_missing)) {
      if (!options_.retrain_changed) {
        note_(fmt::format("{} {}: its outputs are gone, and it was made with {}: trained again", planned.label,
                          cell_text(suite_, planned), ledger_.difference(planned)));
      }
      enqueue(planned, /*replaces=*/true);
    } else if (!ledger_.is_done(planned) || outputs_missing) {
      if (changed && ledger_.kept_weights(planned).empty()) refuse_other_code(suite_, ledger_, planned);
      enqueue(planned, /*replaces=*/false);
    } else {
      ++summary_.already_done;
      if (!changed) continue;
      ++summary_.changed;
      summary_.changed_how = ledger_.difference(planned);
    }
  }
  finished_ = summary_.already_done;
}

void RunQueue::enqueue(const PlannedTraining& planned, bool replaces) {
  queue_.push_back(&planned);
  if (replaces) replaced_.insert(planned.key);
}

// A teacher that is trained again is waited for, although its old outputs are there.
bool RunQueue::is_ready(const PlannedTraining& planned) const {
  if (planned.teacher_key.empty()) return true;
  const PlannedTraining* teacher = plan_.find(planned.teacher_key);
  return !replaced_.contains(planned.teacher_key) && ledger_.has_teacher_outputs(*teacher);
}

bool RunQueue::is_to_do(const PlannedTraining& planned) const {
  if (replaces(planned)) return ledger_.is_changed(planned);
  return !ledger_.is_done(planned) || (planned.is_teacher && !ledger_.has_teacher_outputs(planned));
}

const PlannedTraining* RunQueue::take() {
  for (auto next = queue_.begin(); next != queue_.end();) {
    const PlannedTraining& planned = **next;
    if (ledger_.teacher_failed(planned)) {
      next = queue_.erase(next);
      fail(planned, "its teacher failed: see the teacher's row");
    } else if (is_ready(planned)) {
      queue_.erase(next);
      return &planned;
    } else {
      ++next;
    }
  }
  return nullptr;
}

bool RunQueue::retry(const PlannedTraining& planned) {
  if (++attempts_[planned.key] >= kAttempts) return false;
  queue_.push_front(&planned);
  return true;
}

void RunQueue::skipped(const PlannedTraining& planned) {
  replaced_.erase(planned.key);
  ++finished_;
}

void RunQueue::finish(const PlannedTraining& planned) {
  const bool same = ledger_.commit(planned);
  replaced_.erase(planned.key);
  ++finished_;
  if (same || !options_.retrain_changed) return;
  // Its students were marked as out of date: those that are not in the queue join it.
  for (const PlannedTraining& student : plan_.trainings) {
    if (student.teacher_key != planned.key || replaces(student)) continue;
    if (!ledger_.is_done(student) || !ledger_.is_changed(student)) continue;
    enqueue(student, /*replaces=*/true);
    --summary_.already_done;
    --finished_;
  }
}

void RunQueue::fail(const PlannedTraining& planned, const std::string& reason) {
  const std::string row = fmt::format("{} {}", planned.label, cell_text(suite_, planned));
  if (!ledger_.fail(planned, reason)) {
    ++summary_.failed;
    summary_.failures.push_back(fmt::format("{}, trained again, the old result stays: {}", row, reason));
  }
  replaced_.erase(planned.key);
  ++finished_;
  note_(fmt::format("{}: failed: {}", row, reason));
}

}  // namespace cmkd
