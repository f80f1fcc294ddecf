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
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/harness/worker_process.h"
#include "cmkd/results/store.h"

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

// What does not fit is told before the clips are decoded, which may take hours.
SuiteData checked_data(const Suite& suite, const RunOptions& options) {
  ListedData listed = list_data(suite, options.cache_root);
  if (!is_ingested(listed)) {
    SuiteData made = stand_in_data(suite, std::move(listed));
    check_suite(suite, made);
    listed = std::move(made.listed);
  }
  return open_data(suite, std::move(listed), options.jobs);
}

class Runner {
 public:
  Runner(const Suite& suite, const RunOptions& options)
      : suite_(suite),
        options_(options),
        folder_{options.out},
        data_(checked_data(suite, options)),
        plan_(plan_of(suite, data_.listed.plan_source(), options)),
        store_(results::Store::open(folder_.store(), results::OpenMode::kReadWriteCreate)),
        progress_("runs", static_cast<std::int64_t>(plan_.trainings.size())) {}

  RunSummary run();

 private:
  void prepare();
  [[nodiscard]] bool is_done(const PlannedTraining& planned) const;
  [[nodiscard]] bool is_ready(const PlannedTraining& planned) const;
  [[nodiscard]] bool teacher_failed(const PlannedTraining& planned) const;
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
  RunFolder folder_;
  SuiteData data_;
  Plan plan_;
  results::Store store_;
  Progress progress_;
  std::deque<const PlannedTraining*> queue_;
  std::vector<Worker> workers_;
  std::map<std::string, int> attempts_;
  RunSummary summary_;
  std::int64_t finished_ = 0;
};

bool Runner::is_done(const PlannedTraining& planned) const {
  const std::optional<results::RunStatus> status = store_.status(planned.key);
  if (!status) return false;
  if (*status == results::RunStatus::kFailed) return !options_.retry_failed;
  return store_.has_evaluation(planned.evaluation_key);
}

bool Runner::is_ready(const PlannedTraining& planned) const {
  return planned.teacher_key.empty() || std::filesystem::exists(folder_.teacher(planned.teacher_key));
}

bool Runner::teacher_failed(const PlannedTraining& planned) const {
  return !planned.teacher_key.empty() && store_.status(planned.teacher_key) == results::RunStatus::kFailed;
}

// What is in the store, what a killed session left finished, and what is still to do.
void Runner::prepare() {
  store_.put_dataset(data_.record(suite_));
  store_.set_suite_links(suite_.name, plan_.links);
  std::set<std::string> teachers_wanted;
  for (const PlannedTraining& planned : plan_.trainings) {
    if (std::filesystem::exists(folder_.result(planned.key))) commit(planned);
  }
  for (const PlannedTraining& planned : plan_.trainings) {
    if (!is_done(planned) && !planned.teacher_key.empty()) teachers_wanted.insert(planned.teacher_key);
  }
  summary_.planned = static_cast<std::int64_t>(plan_.trainings.size());
  for (const PlannedTraining& planned : plan_.trainings) {
    const bool outputs_missing = planned.is_teacher && teachers_wanted.contains(planned.key) &&
                                 !std::filesystem::exists(folder_.teacher(planned.key)) && !teacher_failed(planned) &&
                                 store_.status(planned.key) != results::RunStatus::kFailed;
    if (is_done(planned) && !outputs_missing) {
      ++summary_.already_done;
    } else {
      queue_.push_back(&planned);
    }
  }
  finished_ = summary_.already_done;
}

void Runner::commit(const PlannedTraining& planned) {
  // Another runner on the same folder may have committed it in between.
  if (!std::filesystem::exists(folder_.result(planned.key)) && store_.has_training(planned.key)) return;
  RunResult result = load_result(folder_.result(planned.key));
  if (std::filesystem::exists(folder_.weights(planned.key))) {
    const MappedFile weights(folder_.weights(planned.key));
    result.training.weights_file = store_.write_artifact(weights.bytes(), "safetensors");
  }
  if (result.evaluation_only) {
    store_.put_evaluations(result.training.key, result.evaluations);
  } else {
    store_.commit_run(result.training, result.evaluations);
  }
  std::filesystem::remove_all(folder_.run(planned.key));
}

void Runner::fail(const PlannedTraining& planned, const std::string& reason) {
  results::TrainingRecord record = planned_record(suite_of(suite_, planned), planned, data_.listed.source_fingerprint);
  record.decoded_fingerprint = data_.cache.decoded_fingerprint();
  record.status = results::RunStatus::kFailed;
  record.reason = reason;
  store_.commit_run(record, {});
  std::filesystem::remove_all(folder_.run(planned.key));
  ++finished_;
  progress_.note(fmt::format("{} {}: failed: {}", planned.label, cell_text(suite_, planned), reason));
}

void Runner::spawn_workers() {
  std::vector<std::string> arguments{"worker",
                                     suite_.file.string(),
                                     "--out",
                                     options_.out.string(),
                                     "--cache",
                                     options_.cache_root.string(),
                                     "--device",
                                     options_.device,
                                     "--checkpoint-seconds",
                                     fmt::format("{}", options_.checkpoint_seconds),
                                     "--parent",
                                     fmt::format("{}", ::getpid())};
  for (const std::string& text : options_.overrides) arguments.insert(arguments.end(), {"--set", text});
  for (const std::string& method : options_.filter.methods) arguments.insert(arguments.end(), {"--only", method});
  for (const std::int64_t seed : options_.filter.seeds)
    arguments.insert(arguments.end(), {"--seed", fmt::format("{}", seed)});
  if (options_.tuning) arguments.emplace_back("--tuning");
  for (const auto& [method, trial] : options_.winners) {
    arguments.insert(arguments.end(), {"--winner", fmt::format("{}={}", method, trial)});
  }
  const auto wanted = std::min<std::size_t>(static_cast<std::size_t>(options_.jobs), queue_.size());
  while (workers_.size() < wanted) workers_.push_back({WorkerProcess(arguments), nullptr, false, ""});
}

// The first job of the queue that can start now. Jobs whose teacher failed end as failed rows of their own.
void Runner::assign(Worker& worker) {
  for (auto next = queue_.begin(); next != queue_.end();) {
    const PlannedTraining& planned = **next;
    if (teacher_failed(planned)) {
      next = queue_.erase(next);
      fail(planned, "its teacher failed: see the teacher's row");
      continue;
    }
    if (!is_ready(planned)) {
      ++next;
      continue;
    }
    json job{{"key", planned.key}};
    const std::optional<results::TrainingRecord> stored = store_.training(planned.key);
    if (stored && stored->status == results::RunStatus::kDone && !stored->weights_file.empty()) {
      job["weights"] = store_.artifact_path(stored->weights_file).string();
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
    worker.detail = fmt::format("{} seed {}: epoch {}/{}", planned.label, planned.seed,
                                event.at("epoch").get<int>() + 1, event.at("epochs").get<int>());
    if (const double validation = event.at("validation"); validation >= 0) {
      worker.detail += fmt::format(" val {:.1f} %", 100 * validation);
    }
    worker.detail += fmt::format(", step {}/{}", event.at("step").get<int>(), event.at("steps").get<int>());
  } else if (kind == "done") {
    commit(planned);
    worker.job = nullptr;
    ++finished_;
    const results::TrainingRecord record = *store_.training(planned.key);
    if (record.status == results::RunStatus::kFailed) {
      progress_.note(fmt::format("{} seed {}: failed: {}", planned.label, planned.seed, record.reason));
    } else {
      ++summary_.done;
    }
  } else if (kind == "busy") {
    // Another `cmkd run` has it: come back to it later.
    queue_.push_back(&planned);
    worker.job = nullptr;
    ::usleep(200'000);
    if (is_done(planned)) std::erase(queue_, &planned);
  }
}

void Runner::handle_end(Worker& worker) {
  const int status = worker.process.wait();
  const PlannedTraining* job = worker.job;
  if (interrupt_requested() || job == nullptr) {
    if (!interrupt_requested() && status != 0 && !queue_.empty()) {
      throw Error(ErrorKind::kEnvironment, {"a worker " + describe_wait_status(status) + " before it took a job", "",
                                            "", "its message stands above; 'cmkd doctor' checks the installation"});
    }
    return;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) != exit_status(ErrorKind::kInternal)) {
    // Not the run's fault: a full disk, a broken cache. Nothing is recorded, and the runs are taken up again next time.
    throw Error(ErrorKind::kEnvironment,
                {"a worker " + describe_wait_status(status) + " while it trained " + worker.detail, "", "",
                 "mend what its message above says, then run the command again: it continues"});
  }
  const bool from_outside = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
  if (from_outside && ++attempts_[job->key] < kAttempts) {
    queue_.push_front(job);
  } else {
    fail(*job, "the worker process " + describe_wait_status(status));
  }
}

void Runner::wait_for_events() {
  std::vector<pollfd> descriptors;
  for (const Worker& worker : workers_) descriptors.push_back({worker.process.event_descriptor(), POLLIN, 0});
  if (::poll(descriptors.data(), descriptors.size(), 200) <= 0) return;
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
  check_suite(suite_, data_);
  if (options_.tuning) check_tuning(suite_, data_);
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
    const std::optional<results::TrainingRecord> record = store_.training(planned.key);
    if (!record || record->status != results::RunStatus::kFailed) continue;
    ++summary_.failed;
    summary_.failures.push_back(fmt::format("{} {}: {}", planned.label, cell_text(suite_, planned), record->reason));
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
