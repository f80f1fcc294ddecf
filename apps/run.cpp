// cmkd run, and the worker behind it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "cmkd/core/error.h"
#include "cmkd/harness/runner.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

void add_run_options(CommandLine& line) {
  add_suite_options(line);
  line.positional("suite", 1);
  line.add()("only", po::value<std::vector<std::string>>()->value_name("METHOD"),
             "only this method or row (repeatable)")("seed", po::value<std::vector<std::int64_t>>()->value_name("N"),
                                                     "only this seed (repeatable)")(
      "device", po::value<std::string>()->default_value("auto")->value_name("NAME"), "auto, cpu, cuda, cuda:N")(
      "checkpoint-seconds", po::value<double>()->default_value(10)->value_name("S"), "time between checkpoints");
}

struct Prepared {
  Suite suite;
  RunOptions options;
};

Prepared prepare(const CommandLine& line) {
  Prepared prepared{load_suite(suite_path(line.one("suite", "suite file")), line.list("set")), {}};
  RunOptions& options = prepared.options;
  options.out = out_folder(line, prepared.suite.name);
  options.cache_root = cache_root(line);
  options.overrides = line.list("set");
  options.filter.methods = line.list("only");
  if (line.has("seed")) options.filter.seeds = line.get<std::vector<std::int64_t>>("seed");
  options.device = line.get<std::string>("device");
  options.checkpoint_seconds = line.get<double>("checkpoint-seconds");
  return prepared;
}

int report_summary(const Prepared& prepared, const RunSummary& summary, bool as_json) {
  if (as_json) {
    print_json({{"suite", prepared.suite.name},
                {"planned", summary.planned},
                {"already_done", summary.already_done},
                {"done", summary.done},
                {"failed", summary.failed},
                {"failures", summary.failures},
                {"store", (prepared.options.out / "results.db").string()}});
  } else {
    print_out(fmt::format("{}: {} runs: {} done now, {} done before, {} failed. Store: {}\n", prepared.suite.name,
                          summary.planned, summary.done, summary.already_done, summary.failed,
                          (prepared.options.out / "results.db").string()));
    for (const std::string& failure : summary.failures) print_out("  failed: " + failure + "\n");
    if (summary.failed > 0)
      fmt::print(stderr, "Failed runs are kept with their reasons; --retry-failed runs them again.\n");
  }
  if (summary.failed == 0) return 0;
  return summary.failed >= summary.planned ? 1 : 6;
}

}  // namespace

int run_run(const Arguments& arguments) {
  CommandLine line(
      "cmkd run SUITE [options]",
      "Trains, evaluates and stores everything that the suite wants and that is not in the store yet. Stop it at any\n"
      "moment: the same command continues where it was and ends with the same bytes.",
      "cmkd run suites/quick.toml --jobs 2\ncmkd run suites/quick.toml --only kd --seed 0 --set training.epochs=2\n"
      "cmkd run suites/av_mnist.toml --set dataset.root=\"/data/av_mnist\"");
  add_run_options(line);
  line.add()("jobs,j", po::value<int>()->default_value(1)->value_name("N"),
             "runs trained at once, each in a process of its own")(
      "retry-failed", po::bool_switch(), "run failed runs again")("json", po::bool_switch(),
                                                                  "print the summary as JSON");
  if (!line.parse(arguments)) return 0;
  Prepared prepared = prepare(line);
  prepared.options.jobs = line.get<int>("jobs");
  prepared.options.retry_failed = line.flag("retry-failed");
  if (prepared.options.jobs < 1 || prepared.options.jobs > 1024) {
    throw Error(ErrorKind::kUsage, {fmt::format("--jobs {} is out of range", prepared.options.jobs), "", "1 … 1024",
                                    "use the number of cores"});
  }
  return report_summary(prepared, run_suite(prepared.suite, prepared.options), line.flag("json"));
}

int run_worker_command(const Arguments& arguments) {
  CommandLine line("cmkd worker SUITE [options]", "Internal: reads training keys from standard input.", "");
  add_run_options(line);
  line.add()("parent", po::value<std::int64_t>()->required(), "process id of the runner");
  if (!line.parse(arguments)) return 0;
  const Prepared prepared = prepare(line);
  return run_worker(prepared.suite, prepared.options, line.get<std::int64_t>("parent"));
}

}  // namespace cmkd::apps
