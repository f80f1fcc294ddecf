#include "run_options.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"

namespace cmkd::apps {

namespace po = boost::program_options;

void add_run_options(CommandLine& line) {
  add_suite_options(line);
  line.positional("suite", 1);
  line.add()("only", po::value<std::vector<std::string>>()->value_name("METHOD"),
             "only this method or row (repeatable)")("seed", po::value<std::vector<std::int64_t>>()->value_name("N"),
                                                     "only this seed (repeatable)")(
      "device", po::value<std::string>()->default_value("auto")->value_name("NAME"), "auto, cpu, cuda, cuda:N")(
      "checkpoint-seconds", po::value<double>()->default_value(10)->value_name("S"), "time between checkpoints");
}

void add_job_options(CommandLine& line) {
  line.add()("jobs,j", po::value<int>()->default_value(1)->value_name("N"),
             "runs trained at once, each in a process of its own")(
      "retry-failed", po::bool_switch(), "run failed runs again")("json", po::bool_switch(),
                                                                  "print the summary as JSON");
}

void add_shard_option(CommandLine& line) {
  line.add()("shard", po::value<std::string>()->value_name("I/N"),
             "only part I, from 0, of N: for N machines, each with a folder of its own ('cmkd merge' joins them)");
}

PlanFilter read_filter(const CommandLine& line) {
  PlanFilter filter;
  filter.methods = line.list("only");
  if (line.has("seed")) filter.seeds = line.get<std::vector<std::int64_t>>("seed");
  if (line.has("shard")) filter.shard = parse_shard(line.get<std::string>("shard"));
  return filter;
}

Prepared prepare_run(const CommandLine& line, const std::vector<std::string>& overrides) {
  std::vector<std::string> all = line.list("set");
  all.insert(all.end(), overrides.begin(), overrides.end());
  Prepared prepared{load_suite(suite_path(line.one("suite", "suite file")), all), {}};
  RunOptions& options = prepared.options;
  options.out = out_folder(line, prepared.suite.name);
  options.cache_root = cache_root(line);
  options.overrides = all;
  options.filter = read_filter(line);
  options.device = line.get<std::string>("device");
  options.checkpoint_seconds = line.get<double>("checkpoint-seconds");
  return prepared;
}

void read_job_options(const CommandLine& line, RunOptions& options) {
  options.jobs = line.get<int>("jobs");
  options.retry_failed = line.flag("retry-failed");
  if (options.jobs < 1 || options.jobs > 1024) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("--jobs {} is out of range", options.jobs),
                                    .allowed = "1 … 1024",
                                    .fix = "use the number of cores"});
  }
}

int status_of(const RunSummary& summary) {
  if (summary.failed == 0) return 0;
  return summary.failed >= summary.planned ? 1 : 6;
}

int report_summary(const Prepared& prepared, const RunSummary& summary, bool as_json) {
  const std::string store = (prepared.options.out / "results.db").string();
  if (as_json) {
    print_json({{"suite", prepared.suite.name},
                {"planned", summary.planned},
                {"already_done", summary.already_done},
                {"done", summary.done},
                {"done_elsewhere", summary.done_elsewhere},
                {"changed", summary.changed},
                {"failed", summary.failed},
                {"failures", summary.failures},
                {"store", store}});
  } else {
    const std::string elsewhere =
        summary.done_elsewhere == 0 ? "" : fmt::format(" {} by another command meanwhile,", summary.done_elsewhere);
    print_out(fmt::format("{}: {} runs: {} done now,{} {} done before, {} failed. Store: {}\n", prepared.suite.name,
                          summary.planned, summary.done, elsewhere, summary.already_done, summary.failed, store));
    if (summary.changed > 0) {
      print_out(
          fmt::format("  {} of those done before were not made with this program: {}\n"
                      "  they are trained again by: cmkd run {} --retrain changed\n",
                      summary.changed, summary.changed_how, prepared.suite.file.generic_string()));
    }
    for (const std::string& failure : summary.failures) print_out("  failed: " + failure + "\n");
    if (summary.failed > 0)
      fmt::print(stderr, "Failed runs are kept with their reasons; --retry-failed runs them again.\n");
  }
  return status_of(summary);
}

}  // namespace cmkd::apps
