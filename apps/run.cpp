// cmkd run, and the worker behind it.
#include <c10/core/Device.h>
#include <fmt/format.h>

#include <set>
#include <sstream>

#include "cmkd/core/error.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/runtime/determinism.h"
#include "commands.h"
#include "run_options.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

// "kd=3"
Winners parse_winners(const std::vector<std::string>& texts) {
  Winners winners;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    winners[text.substr(0, equals)] = std::stoll(text.substr(equals + 1));
  }
  return winners;
}

// Each is there, and all are of one kind: a run's results say which kind made them.
void read_devices(const CommandLine& line, RunOptions& options) {
  std::istringstream list(line.get<std::string>("devices"));
  for (std::string device; std::getline(list, device, ',');) options.devices.push_back(device);
  std::set<c10::DeviceType> kinds;
  for (const std::string& device : options.devices) kinds.insert(parse_device(device).type());
  if (kinds.size() != 1) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("'{}' are no devices of one kind", line.get<std::string>("devices")),
                 .where = "--devices",
                 .allowed = "cuda:0,cuda:1,… or cpu,cpu,…"});
  }
  options.device = options.devices.front();
  if (line.is_default("jobs")) options.jobs = static_cast<int>(options.devices.size());
}

}  // namespace

int run_run(const Arguments& arguments) {
  CommandLine line(
      "cmkd run SUITE [options]",
      "Trains, evaluates and stores everything that the suite wants and that is not in the store yet. Stop it at any\n"
      "moment: the same command continues where it was and ends with the same bytes.",
      "cmkd run suites/quick.toml --jobs 2\ncmkd run suites/quick.toml --only kd --seed 0 --set training.epochs=2\n"
      "cmkd run suites/av_mnist.toml --set dataset.root=\"/data/av_mnist\"\ncmkd run suites/quick.toml --tuned\n"
      "cmkd run suites/quick.toml --retrain changed   # after an edit of shared code, or on another machine");
  add_run_options(line);
  add_job_options(line);
  line.add()("retrain", po::value<std::string>()->value_name("changed"),
             "train again what is done, but was made by other shared code, LibTorch, device kind or CPU level")(
      "tuned", po::bool_switch(), "each method with the values that won its tuning ('cmkd tune')")(
      "devices", po::value<std::string>()->value_name("LIST"),
      "several of one kind, for the jobs in turn: cuda:0,cuda:1; as many jobs, unless --jobs says otherwise");
  add_shard_option(line);
  if (!line.parse(arguments)) return 0;
  Prepared prepared = prepare_run(line);
  read_job_options(line, prepared.options);
  if (line.has("devices")) read_devices(line, prepared.options);
  if (line.has("retrain")) {
    const std::string what = line.get<std::string>("retrain");
    if (what != "changed") {
      throw Error(ErrorKind::kUsage, {.what = fmt::format("--retrain {} means nothing", what), .allowed = "changed"});
    }
    prepared.options.retrain_changed = true;
  }
  if (line.flag("tuned")) {
    prepared.options.winners = stored_winners(prepared.suite, prepared.options.out, prepared.options.cache_root);
    prepared.suite = tuned_suite(prepared.suite);
  }
  return report_summary(prepared, run_suite(prepared.suite, prepared.options), line.flag("json"));
}

int run_worker_command(const Arguments& arguments) {
  CommandLine line("cmkd worker SUITE [options]", "Internal: reads training keys from standard input.", "");
  add_run_options(line);
  line.add()("parent", po::value<std::int64_t>()->required(), "process id of the runner")(
      "tuning", po::bool_switch(), "train trials")("winner", po::value<std::vector<std::string>>(), "method=trial");
  if (!line.parse(arguments)) return 0;
  Prepared prepared = prepare_run(line);
  prepared.options.tuning = line.flag("tuning");
  prepared.options.winners = parse_winners(line.list("winner"));
  if (prepared.options.tuning) prepared.suite = tuning_suite(prepared.suite);
  return run_worker(prepared.suite, prepared.options, line.get<std::int64_t>("parent"));
}

}  // namespace cmkd::apps
