// What `cmkd run`, `cmkd tune` and the worker behind both share.
#pragma once

#include "cmkd/harness/runner.h"
#include "command.h"

namespace cmkd::apps {

void add_run_options(CommandLine& line);
// --shard: of what runs or shows a part of a plan.
void add_shard_option(CommandLine& line);
// --only, --seed, and --shard where a command has it.
[[nodiscard]] PlanFilter read_filter(const CommandLine& line);
// --jobs, --retry-failed, --json: of the commands that people call.
void add_job_options(CommandLine& line);

struct Prepared {
  Suite suite;
  RunOptions options;
};
// `overrides` come after those of --set.
[[nodiscard]] Prepared prepare_run(const CommandLine& line, const std::vector<std::string>& overrides = {});
// The winners of a finished tuning in `out`, of all methods: a tuned leaderboard has no untuned rows. Throws
// Error(kUsage) when there is none.
[[nodiscard]] Winners stored_winners(const Suite& suite, const std::filesystem::path& out,
                                     const std::filesystem::path& cache);
void read_job_options(const CommandLine& line, RunOptions& options);

// Prints the summary, and returns the exit status for it.
[[nodiscard]] int report_summary(const Prepared& prepared, const RunSummary& summary, bool as_json);
[[nodiscard]] int status_of(const RunSummary& summary);

}  // namespace cmkd::apps
