// The worker process: one device, its own threads and random state, one training after the other.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cmkd/batches/held_clips.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/harness/runner.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

using nlohmann::json;

namespace {

// Standard output belongs to the protocol: whatever a library prints there goes to standard error instead.
class EventStream {
 public:
  EventStream() : file_(::fdopen(::dup(STDOUT_FILENO), "w")) { ::dup2(STDERR_FILENO, STDOUT_FILENO); }
  ~EventStream() { std::fclose(file_); }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  void send(const json& event) {
    fmt::print(file_, "{}\n", event.dump());
    std::fflush(file_);
  }

 private:
  std::FILE* file_;
};

// Events of a training under way, at most five a second.
class ProgressSender {
 public:
  ProgressSender(EventStream& events, std::string key) : events_(events), key_(std::move(key)) {}

  void operator()(const TrainerProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now - sent_ < std::chrono::milliseconds(200)) return;
    sent_ = now;
    events_.send({{"event", "progress"},
                  {"key", key_},
                  {"epoch", progress.epoch},
                  {"epochs", progress.epochs},
                  {"step", progress.step},
                  {"steps", progress.steps},
                  {"validation", progress.validation}});
  }

 private:
  EventStream& events_;
  std::string key_;
  std::chrono::steady_clock::time_point sent_{};
};

void train(const Suite& suite, const PlannedTraining& planned, const SuiteData& data, const RunFolder& folder,
           const json& job, const RunOptions& options, EventStream& events) {
  const std::optional<FileLock> lock = FileLock::try_acquire(folder.lock(planned.key));
  if (!lock) {
    events.send({{"event", "busy"}, {"key", planned.key}});
    return;
  }
  events.send({{"event", "locked"}, {"key", planned.key}});
  if (std::string answer; !std::getline(std::cin, answer) || answer != "go") {
    events.send({{"event", "skipped"}, {"key", planned.key}});
    return;
  }
  const bool finished = std::filesystem::exists(folder.result(planned.key));
  if (!finished) {
    RunOneOptions one;
    one.device = parse_device(options.device);
    one.checkpoint_seconds = options.checkpoint_seconds;
    one.finished_weights = job.value("weights", std::string());
    one.replaces = job.value("replaces", false);
    if (job.contains("evaluations")) one.evaluations = job.at("evaluations").get<std::vector<std::string>>();
    one.progress = ProgressSender(events, planned.key);
    std::filesystem::create_directories(folder.run(planned.key));
    save_result(folder.result(planned.key), run_one(suite, planned, data, folder, one));
  }
  events.send({{"event", "done"}, {"key", planned.key}, {"trained", !finished}});
}

}  // namespace

int run_worker(const Suite& suite, const RunOptions& options, std::int64_t parent_process) {
  // Die with the parent: whatever ends it, no worker stays behind.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != static_cast<pid_t>(parent_process)) return 2;
  EventStream events;
  configure_runtime(suite.runtime.values);
  SuiteData data = open_data(suite, options.cache_root, 1);
  data.loading = start_loading(suite.loading.values, data.cache, parse_device(options.device));
  const Plan plan = plan_of(suite, data.listed.plan_source(), options);
  const RunFolder folder{options.out};
  json ready{{"event", "ready"}};
  if (const auto& held = data.loading.held)
    ready["held"] = {{"device", held->device().str()}, {"bytes", held->bytes()}};
  events.send(ready);
  for (std::string line; std::getline(std::cin, line);) {
    const json job = json::parse(line);
    const PlannedTraining* planned = plan.find(job.at("key"));
    if (planned == nullptr) {
      throw Error(ErrorKind::kInternal,
                  {.what = "the data changed while the suite ran: its plan no longer has this training",
                   .where = job.at("key").get<std::string>(),
                   .fix = "run the command again"});
    }
    train(suite, *planned, data, folder, job, options, events);
    throw_if_interrupted();
  }
  return 0;
}

}  // namespace cmkd
