// cmkd tune: the same number of trials for every method, judged on the validation clips.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/suites/task.h"
#include "commands.h"
#include "run_options.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

const MethodEntry& entry_of(const Suite& suite, const std::string& method) {
  return *std::ranges::find(suite.methods, method, &MethodEntry::id);
}

void print_results(const Suite& suite, const std::vector<TuningResult>& results, bool as_json) {
  if (as_json) {
    json list = json::array();
    for (const TuningResult& result : results) {
      list.push_back({{"method", result.method},
                      {"metric", task_info(suite.general.values.task).primary_metric},
                      {"validation", result.values},
                      {"winner", result.winner},
                      {"values", trial_text(suite, entry_of(suite, result.method), result.winner)}});
    }
    print_json({{"suite", suite.name}, {"trials", suite.tune.values.trials}, {"methods", list}});
    return;
  }
  print_out(fmt::format("{:<24} {:>7} {:>12} {:>12}  {}\n", "method", "winner", "validation", "suite's own", "values"));
  for (const TuningResult& result : results) {
    const auto per_cent = [](double value) {
      return value < 0 ? std::string("failed") : fmt::format("{:.1f} %", 100 * value);
    };
    print_out(fmt::format("{:<24} {:>7} {:>12} {:>12}  {}\n", result.method, fmt::format("{}", result.winner),
                          per_cent(result.values[static_cast<std::size_t>(result.winner)]), per_cent(result.values[0]),
                          trial_text(suite, entry_of(suite, result.method), result.winner)));
  }
  print_out(fmt::format("Next: cmkd run {} --tuned; cmkd report {} --tuned\n", suite.file.generic_string(),
                        suite.file.generic_string()));
}

}  // namespace

Winners stored_winners(const Suite& suite, const std::filesystem::path& out, const std::filesystem::path& cache) {
  const RunFolder folder{out};
  if (!std::filesystem::exists(folder.store())) {
    throw Error(ErrorKind::kUsage, {.what = "nothing is tuned here yet",
                                    .where = folder.store().string(),
                                    .fix = fmt::format("run 'cmkd tune {}' first", suite.file.generic_string())});
  }
  const ListedData listed = list_data(suite, cache);
  const results::Store store = results::Store::open(folder.store(), results::OpenMode::kReadOnly);
  return winners_of(tuning_results(suite, listed.plan_source(), store, {}));
}

int run_tune(const Arguments& arguments) {
  CommandLine line(
      "cmkd tune SUITE [options]",
      "Gives every method of the suite the same number of trials. Trial 0 is the suite's own setting; the others draw\n"
      "learning rate, weight decay and what the method declares ('cmkd describe METHOD'). Trials are judged on the\n"
      "validation clips, with seeds that are not reported; 'cmkd run SUITE --tuned' then trains with the winners. Stop "
      "it at\nany moment: the same command continues where it was.",
      "cmkd tune suites/quick.toml --jobs 2\ncmkd tune suites/quick.toml --trials 16 --only kd\n"
      "cmkd tune my_suite.toml --set tune.validation_clips=200");
  add_run_options(line);
  add_job_options(line);
  line.add()("trials", po::value<std::int64_t>()->value_name("N"),
             "trials a method (default: tune.trials of the suite)");
  if (!line.parse(arguments)) return 0;
  std::vector<std::string> overrides;
  if (line.has("trials")) overrides.push_back(fmt::format("tune.trials={}", line.get<std::int64_t>("trials")));
  Prepared prepared = prepare_run(line, overrides);
  read_job_options(line, prepared.options);
  prepared.options.tuning = true;
  const Suite tuning = tuning_suite(prepared.suite);
  const RunSummary summary = run_suite(tuning, prepared.options);
  for (const std::string& failure : summary.failures) fmt::print(stderr, "failed: {}\n", failure);
  const ListedData listed = list_data(prepared.suite, prepared.options.cache_root);
  const results::Store store =
      results::Store::open(RunFolder{prepared.options.out}.store(), results::OpenMode::kReadOnly);
  print_results(prepared.suite, tuning_results(prepared.suite, listed.plan_source(), store, prepared.options.filter),
                line.flag("json"));
  return status_of(summary);
}

}  // namespace cmkd::apps
