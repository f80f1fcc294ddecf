#include "cmkd/harness/runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
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
#include "run_queue.h"
#include "run_start.h"

namespace cmkd {

using nlohmann::json;

namespace {

constexpr int kIdleEnds = 10;

struct Worker {
  WorkerProcess process;
  const PlannedTraining* job = nullptr;
  bool ready = false;
  std::string device;
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
  void spawn_workers();
  [[nodiscard]] std::string next_device() const;
  void assign(Worker& worker);
  void wait_for_events();
  void handle(Worker& worker, const json& event);
  void note_held_clips(const json& held);
  void handle_done(Worker& worker, bool trained);
  void handle_end(Worker& worker);
  void stop_workers();
  void work_off_queue();
  void show();
  [[nodiscard]] RunSummary summary() const;

  const Suite& suite_;
  const RunOptions& options_;
  SuiteData data_;
  Plan plan_;
  Progress progress_;
  std::optional<RunLedger> ledger_;
  std::optional<RunQueue> queue_;
  std::vector<Worker> workers_;
  std::int64_t done_ = 0;            // trained by this call
  std::int64_t done_elsewhere_ = 0;  // while it ran
  std::set<std::string> holding_;    // devices that hold the clips
  int idle_ends_ = 0;                // workers that were killed before they took a job
};

void Runner::spawn_workers() {
  const auto wanted = std::min<std::size_t>(static_cast<std::size_t>(options_.jobs), queue_->size());
  while (workers_.size() < wanted) {
    const std::string device = next_device();
    workers_.push_back({WorkerProcess(worker_arguments(suite_, options_, device)), nullptr, false, device, ""});
  }
}

// That with the fewest workers.
std::string Runner::next_device() const {
  if (options_.devices.empty()) return options_.device;
  const auto workers = [&](const std::string& device) { return std::ranges::count(workers_, device, &Worker::device); };
  return *std::ranges::min_element(options_.devices, {}, workers);
}

void Runner::assign(Worker& worker) {
  const PlannedTraining* planned = queue_->take();
  if (planned == nullptr) return;
  json job{{"key", planned->key}};
  if (queue_->replaces(*planned)) {
    job["replaces"] = true;
  } else {
    job["evaluations"] = ledger_->missing_evaluations(*planned);
    if (const std::string weights = ledger_->kept_weights(*planned); !weights.empty()) job["weights"] = weights;
  }
  worker.job = planned;
  worker.detail = fmt::format("{} seed {}", planned->label, planned->seed);
  worker.process.send_line(job.dump());
}

void Runner::handle(Worker& worker, const json& event) {
  const std::string kind = event.at("event");
  if (kind == "ready") {
    worker.ready = true;
    if (event.contains("held")) note_held_clips(event.at("held"));
    return;
  }
  if (worker.job == nullptr) return;
  const PlannedTraining& planned = *worker.job;
  if (kind == "progress") {
    queue_->progressed(planned);
    worker.detail = progress_text(planned, event);
  } else if (kind == "locked") {
    // Another `cmkd run` may have finished it since it was queued; from now on, none can.
    worker.process.send_line(queue_->is_to_do(planned) ? "go" : "skip");
  } else if (kind == "skipped") {
    queue_->skipped(planned);
    worker.job = nullptr;
    if (ledger_->failure(planned).empty()) ++done_elsewhere_;
  } else if (kind == "done") {
    handle_done(worker, event.at("trained").get<bool>());
  } else if (kind == "busy") {
    // Another `cmkd run` has it: come back to it later.
    queue_->put_back(planned);
    worker.job = nullptr;
    ::usleep(200'000);
  }
}

// Said once a device: each further worker there holds them, too, where they still fit.
void Runner::note_held_clips(const json& held) {
  const std::string device = held.at("device");
  if (!holding_.insert(device).second) return;
  progress_.note(fmt::format("the clips are held in the memory of device {}: {:.0f} MiB a worker", device,
                             held.at("bytes").get<double>() / (1 << 20)));
}

void Runner::handle_done(Worker& worker, bool trained) {
  const PlannedTraining& planned = *std::exchange(worker.job, nullptr);
  queue_->finish(planned);
  if (const std::string reason = ledger_->failure(planned); !reason.empty()) {
    progress_.note(fmt::format("{} seed {}: failed: {}", planned.label, planned.seed, reason));
    return;
  }
  ++(trained ? done_ : done_elsewhere_);
}

void Runner::handle_end(Worker& worker) {
  const int status = worker.process.wait();
  worker.process.pass_errors_on();
  const std::string words = worker.process.last_words();
  const std::string end = describe_wait_status(status) + (words.empty() ? "" : ": " + words);
  const PlannedTraining* job = worker.job;
  const bool from_outside = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
  if (interrupt_requested() || job == nullptr) {
    // One that is killed with nothing in hand is started again, unless it goes on and on.
    const bool again = from_outside && ++idle_ends_ <= kIdleEnds;
    if (!interrupt_requested() && status != 0 && !again && !queue_->empty()) {
      throw Error(ErrorKind::kEnvironment, {.what = "a worker process, before it took a job, " + end,
                                            .fix = "'cmkd doctor' checks the installation"});
    }
    return;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) != exit_status(ErrorKind::kInternal)) {
    // Not the run's fault: a full disk, a broken cache. Nothing is recorded, and the runs are taken up again next time.
    throw Error(ErrorKind::kEnvironment,
                {.what = fmt::format("a worker process, while it trained {}, {}", worker.detail, end),
                 .fix = "mend what it says, then run the command again: it continues"});
  }
  if (from_outside && queue_->retry(*job)) return;
  queue_->fail(*job, "the worker process " + end);
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
  progress_.update(queue_->finished(), detail);
}

// Lets the workers write their checkpoints, then goes.
void Runner::stop_workers() {
  for (const Worker& worker : workers_) worker.process.signal(SIGTERM);
  for (int waited = 0; !workers_.empty() && waited < 150; ++waited) wait_for_events();
  workers_.clear();
}

void Runner::work_off_queue() {
  const auto is_busy = [](const Worker& worker) { return worker.job != nullptr; };
  while (!queue_->empty() || std::ranges::any_of(workers_, is_busy)) {
    if (interrupt_requested()) {
      stop_workers();
      throw_if_interrupted();
    }
    if (!queue_->empty()) spawn_workers();
    for (Worker& worker : workers_) {
      if (worker.ready && worker.job == nullptr) assign(worker);
    }
    show();
    if (!workers_.empty()) wait_for_events();
  }
  for (Worker& worker : workers_) worker.process.close_input();
  for (Worker& worker : workers_) (void)worker.process.wait();
  workers_.clear();
}

RunSummary Runner::summary() const {
  RunSummary summary = queue_->summary();
  summary.done = done_;
  summary.done_elsewhere = done_elsewhere_;
  for (const PlannedTraining& planned : plan_.trainings) {
    const std::string reason = ledger_->failure(planned);
    if (reason.empty()) continue;
    ++summary.failed;
    summary.failures.push_back(fmt::format("{} {}: {}", planned.label, cell_text(suite_, planned), reason));
  }
  return summary;
}

RunSummary Runner::run() {
  std::signal(SIGPIPE, SIG_IGN);
  queue_.emplace(suite_, options_, plan_, *ledger_, [this](const std::string& text) { progress_.note(text); });
  progress_.note(fmt::format("{}: {} runs, {} of them done before; data: {} clips used of {}", suite_.name,
                             queue_->summary().planned, queue_->summary().already_done,
                             std::ranges::count(data_.usable, true), data_.usable.size()));
  work_off_queue();
  progress_.finish();
  return summary();
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
