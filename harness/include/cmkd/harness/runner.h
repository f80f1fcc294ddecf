// The main job: brings a suite's plan to its end with worker processes, and every finished run into the store at once.
//
// The process that calls `run_suite` is the only one that writes the store. Workers train and leave result files; one
// that dies takes one attempt with it and nothing else. Stopping anything at any moment loses at most the work since
// the last checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

struct RunOptions {
  std::filesystem::path out;
  std::filesystem::path cache_root;
  std::vector<std::string> overrides;  // --set, handed to the workers
  PlanFilter filter;
  bool tuning = false;  // the suite is a tuning suite (tuning.h): its trials are run
  Winners winners;      // of a finished tuning: their values are trained
  int jobs = 1;
  std::string device = "cpu";
  std::vector<std::string> devices;  // of one kind, for the workers in turn; empty: `device` for all
  double checkpoint_seconds = 10;
  bool retry_failed = false;
  bool retrain_changed = false;  // what was made by other shared code, LibTorch, device kind or CPU level than here
};

struct RunSummary {
  std::int64_t planned = 0;
  std::int64_t already_done = 0;
  std::int64_t done = 0;              // trained by this call
  std::int64_t done_elsewhere = 0;    // by another process on the same folder, while this one ran
  std::int64_t changed = 0;           // of already_done: made with something else than this program here
  std::string changed_how;            // of one of these: "shared code 1a2b3c4d5e (here 5e6f7a8b9c)"
  std::int64_t failed = 0;            // of the plan, now or earlier
  std::vector<std::string> failures;  // "kd seed 3: the loss is not finite: …"
};

// What `run_suite` and its workers would train.
[[nodiscard]] Plan plan_of(const Suite& suite, const PlanSource& source, const RunOptions& options);

// Throws Error(kInterrupted) on SIGINT or SIGTERM after the workers have written their checkpoints.
RunSummary run_suite(const Suite& suite, const RunOptions& options);

// What the worker process does: reads training keys from standard input, one a line, and writes events to standard
// output, one JSON object a line: {"event":"locked"|"progress"|"done"|"skipped"|"busy", "key", …}. After "locked" it
// waits for a line "go" or "skip": the run may have been finished elsewhere just before. Returns its exit status.
int run_worker(const Suite& suite, const RunOptions& options, std::int64_t parent_process);

}  // namespace cmkd
