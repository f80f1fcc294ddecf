#include "cmkd/harness/runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/progress.h"
#include "cmkd/harness/check_suite.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/harness/worker_process.h"
#include "run_ledger.h"
#include "run_start.h"

namespace cmkd {

using nlohmann::json;

namespace {

// A worker that is killed from outside loses no run: the run is taken up again, this often without any event in
// between.
constexpr int kAttempts = 5;

struct Worker {
  WorkerProcess process;
  const PlannedTraining* job = nullptr;
  bool ready = false;
  std::string detail;  // "kd seed 3: epoch 4/10"
};

class Runner {
 public:
  Runner(const Suite& suite, const RunOptions& options)
      : suite_(suite),
        options_(options),
        data_(checked_data(suite, options)),
        plan_(plan_of(suite, data_.listed.plan_source(), options)),
        progress_("runs", static_cast<std::int64_t>(plan_.trainings.size())) {
    check_suite(suite_, data_);
    if (options_.tuning) check_tuning(suite_, data_);
    ledger_.emplace(suite_, options_, data_, plan_);
  }

  RunSummary run();

 private:
  void prepare();
  void queue_training(const PlannedTraining& planned, bool replaces);
  [[nodiscard]] bool is_ready(const PlannedTraining& planned) const;
  [[nodiscard]] bool is_to_do(const PlannedTraining& planned) const;
  void commit(const PlannedTraining& planned);
  void fail(const PlannedTraining& planned, const std::string& reason);
  void spawn_workers();
  void assign(Worker& worker);
  void wait_for_events();
  void handle(Worker& worker, const json& event);
  void handle_end(Worker& worker);
  void stop_workers();
  void show();

  const Suite& suite_;
  const RunOptions& options_;
  SuiteData data_;
  Plan plan_;
  std::optional<RunLedger> ledger_;
  Progress progress_;
  std::deque<const PlannedTraining*> queue_;
  std::set<std::string> replaced_;  // keys of trainings that take the place of what is stored
  std::vector<Worker> workers_;
  std::map<std::string, int> attempts_;
  RunSummary summary_;
  std::int64_t finished_ = 0;
};

// A teacher that is trained again is waited for, although its old outputs are there.
bool Runner::is_ready(const PlannedTraining& planned) const {
  const std::string& teacher = planned.teacher_key;
  return teacher.empty() || (!replaced_.contains(teacher) && ledger_->has_teacher_outputs(teacher));
}

bool Runner::is_to_do(const PlannedTraining& planned) const {
  if (replaced_.contains(planned.key)) return ledger_->is_changed(planned);
  return !ledger_->is_done(planned) || (planned.is_teacher && !ledger_->has_teacher_outputs(planned.key));
}

void Runner::queue_training(const PlannedTraining& planned, bool replaces) {
  queue_.push_back(&planned);
  if (replaces) replaced_.insert(planned.key);
}

// What is in the store, what a killed session left finished, and what is still to do.
void Runner::prepare() {
  std::set<std::string> teachers_wanted;
  for (const PlannedTraining& planned : plan_.trainings) {
    if (ledger_->is_finished(planned)) (void)ledger_->commit(planned);
  }
  for (const PlannedTraining& planned : plan_.trainings) {
    const bool wanted = !ledger_->is_done(planned) || (options_.retrain_changed && ledger_->is_changed(planned));
    if (wanted && !planned.teacher_key.empty()) teachers_wanted.insert(planned.teacher_key);
  }
  summary_.planned = static_cast<std::int64_t>(plan_.trainings.size());
  for (const PlannedTraining& planned : plan_.trainings) {
    const bool changed = ledger_->is_changed(planned);
    const bool outputs_missing = planned.is_teacher && teachers_wanted.contains(planned.key) &&
                                 !ledger_->has_teacher_outputs(planned.key) &&
                                 ledger_->status(planned) != results::RunStatus::kFailed;
    if (changed && (options_.retrain_changed || outputs_missing)) {
      if (!options_.retrain_changed)
        progress_.note(fmt::format("{} {}: its outputs are gone, and it was made with {}: trained again", planned.label,
                                   cell_text(suite_, planned), ledger_->difference(planned)));
      queue_training(planned, /*replaces=*/true);
    } else if (!ledger_->is_done(planned) || outputs_missing) {
      if (changed && ledger_->kept_weights(planned).empty()) refuse_other_code(suite_, *ledger_, planned);
      queue_training(planned, /*replaces=*/false);
    } else {
      ++summary_.already_done;
      if (!changed) continue;
      ++summary_.changed;
      summary_.changed_how = ledger_->difference(planned);
    }
  }
  finished_ = summary_.already_done;
}

void Runner::commit(const PlannedTraining& planned) {
  const bool same = ledger_->commit(planned);
  replaced_.erase(planned.key);
  if (same || !options_.retrain_changed) return;
  // Its students were marked as out of date: those that are not in the queue join it.
  for (const PlannedTraining& student : plan_.trainings) {
    if (student.teacher_key != planned.key || replaced_.contains(student.key)) continue;
    if (!ledger_->is_done(student) || !ledger_->is_changed(student)) continue;
    queue_training(student, /*replaces=*/true);
    --summary_.already_done;
    --finished_;
  }
}

void Runner::fail(const PlannedTraining& planned, const std::string& reason) {
  if (!ledger_->fail(planned, reason)) {
    ++summary_.failed;
    summary_.failures.push_back(fmt::format("{} {}, trained again, the old result stays: {}", planned.label,
                                            cell_text(suite_, planned), reason));
  }
  replaced_.erase(planned.key);
  ++finished_;
  progress_.note(fmt::format("{} {}: failed: {}", planned.label, cell_text(suite_, planned), reason));
}

void Runner::spawn_workers() {
  const std::vector<std::string> arguments = worker_arguments(suite_, options_);
  const auto wanted = std::min<std::size_t>(static_cast<std::size_t>(options_.jobs), queue_.size());
  while (workers_.size() < wanted) workers_.push_back({WorkerProcess(arguments), nullptr, false, ""});
}

// The first job of the queue that can start now. Jobs whose teacher failed end as failed rows of their own.
void Runner::assign(Worker& worker) {
  for (auto next = queue_.begin(); next != queue_.end();) {
    const PlannedTraining& planned = **next;
    if (ledger_->teacher_failed(planned)) {
      next = queue_.erase(next);
      fail(planned, "its teacher failed: see the teacher's row");
      continue;
    }
    if (!is_ready(planned)) {
      ++next;
      continue;
    }
    json job{{"key", planned.key}};
    if (replaced_.contains(planned.key)) {
      job["replaces"] = true;
    } else if (const std::string weights = ledger_->kept_weights(planned); !weights.empty()) {
      job["weights"] = weights;
    }
    worker.job = &planned;
    worker.detail = fmt::format("{} seed {}", planned.label, planned.seed);
    queue_.erase(next);
    worker.process.send_line(job.dump());
    return;
  }
}

void Runner::handle(Worker& worker, const json& event) {
  const std::string kind = event.at("event");
  if (kind == "ready") {
    worker.ready = true;
    return;
  }
  if (worker.job == nullptr) return;
  const PlannedTraining& planned = *worker.job;
  if (kind == "progress") {
    attempts_.erase(planned.key);
    worker.detail = progress_text(planned, event);
  } else if (kind == "locked") {
    // Another `cmkd run` may have finished it since it was queued; from now on, none can.
    worker.process.send_line(is_to_do(planned) ? "go" : "skip");
  } else if (kind == "skipped") {
    replaced_.erase(planned.key);
    worker.job = nullptr;
    ++finished_;
    if (ledger_->failure(planned).empty()) ++summary_.done_elsewhere;
  } else if (kind == "done") {
    commit(planned);
    worker.job = nullptr;
    ++finished_;
    const std::string reason = ledger_->failure(planned);
    if (!reason.empty()) {
      progress_.note(fmt::format("{} seed {}: failed: {}", planned.label, planned.seed, reason));
    } else {
      ++(event.at("trained").get<bool>() ? summary_.done : summary_.done_elsewhere);
    }
  } else if (kind == "busy") {
    // Another `cmkd run` has it: come back to it later.
    queue_.push_back(&planned);
    worker.job = nullptr;
    ::usleep(200'000);
  }
}

void Runner::handle_end(Worker& worker) {
  const int status = worker.process.wait();
  worker.process.pass_errors_on();
  const std::string words = worker.process.last_words();
  const std::string end = describe_wait_status(status) + (words.empty() ? "" : ": " + words);
  const PlannedTraining* job = worker.job;
  if (interrupt_requested() || job == nullptr) {
    if (!interrupt_requested() && status != 0 && !queue_.empty()) {
      throw Error(ErrorKind::kEnvironment,
                  {"a worker process, before it took a job, " + end, "", "", "'cmkd doctor' checks the installation"});
    }
    return;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) != exit_status(ErrorKind::kInternal)) {
    // Not the run's fault: a full disk, a broken cache. Nothing is recorded, and the runs are taken up again next time.
    throw Error(ErrorKind::kEnvironment, {fmt::format("a worker process, while it trained {}, {}", worker.detail, end),
                                          "", "", "mend what it says, then run the command again: it continues"});
  }
  const bool from_outside = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
  if (from_outside && ++attempts_[job->key] < kAttempts) {
    queue_.push_front(job);
  } else {
    fail(*job, "the worker process " + end);
  }
}

void Runner::wait_for_events() {
  std::vector<pollfd> descriptors;
  for (const Worker& worker : workers_) descriptors.push_back({worker.process.event_descriptor(), POLLIN, 0});
  for (const Worker& worker : workers_) descriptors.push_back({worker.process.error_descriptor(), POLLIN, 0});
  if (::poll(descriptors.data(), descriptors.size(), 200) <= 0) return;
  for (Worker& worker : workers_) worker.process.pass_errors_on();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (descriptors[i].revents == 0) continue;
    for (const std::string& line : workers_[i].process.read_lines()) handle(workers_[i], json::parse(line));
    if (workers_[i].process.ended()) handle_end(workers_[i]);
  }
  std::erase_if(workers_, [](const Worker& worker) { return worker.process.ended(); });
}

void Runner::show() {
  std::string detail;
  for (const Worker& worker : workers_) {
    if (worker.job == nullptr) continue;
    if (!detail.empty()) detail += " | ";
    detail += worker.detail;
  }
  progress_.update(finished_, detail);
}

// Lets the workers write their checkpoints, then goes.
void Runner::stop_workers() {
  for (const Worker& worker : workers_) worker.process.signal(SIGTERM);
  for (int waited = 0; !workers_.empty() && waited < 150; ++waited) wait_for_events();
  workers_.clear();
}

RunSummary Runner::run() {
  std::signal(SIGPIPE, SIG_IGN);
  prepare();
  progress_.note(fmt::format("{}: {} runs, {} of them done before; data: {} clips used of {}", suite_.name,
                             summary_.planned, summary_.already_done, std::ranges::count(data_.usable, true),
                             data_.usable.size()));
  while (!queue_.empty() || std::ranges::any_of(workers_, [](const Worker& worker) { return worker.job != nullptr; })) {
    if (interrupt_requested()) {
      stop_workers();
      throw_if_interrupted();
    }
    if (!queue_.empty()) spawn_workers();
    for (Worker& worker : workers_) {
      if (worker.ready && worker.job == nullptr) assign(worker);
    }
    show();
    if (!workers_.empty()) wait_for_events();
  }
  for (Worker& worker : workers_) worker.process.close_input();
  for (Worker& worker : workers_) (void)worker.process.wait();
  workers_.clear();
  for (const PlannedTraining& planned : plan_.trainings) {
    const std::string reason = ledger_->failure(planned);
    if (reason.empty()) continue;
    ++summary_.failed;
    summary_.failures.push_back(fmt::format("{} {}: {}", planned.label, cell_text(suite_, planned), reason));
  }
  progress_.finish();
  return summary_;
}

}  // namespace

Plan plan_of(const Suite& suite, const PlanSource& source, const RunOptions& options) {
  if (options.tuning) return make_tuning_plan(suite, source, options.filter);
  return make_plan(suite, source, options.filter, options.winners);
}

RunSummary run_suite(const Suite& suite, const RunOptions& options) {
  // Two runners on one folder would only wait for each other run by run; each key has a lock, so that is allowed.
  Runner runner(suite, options);
  return runner.run();
}

}  // namespace cmkd
