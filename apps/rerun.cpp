// cmkd rerun: a stored run made again from what the store holds of it.
#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/harness/rerun.h"
#include "cmkd/reports/rerun_check.h"
#include "commands.h"
#include "store_choice.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

constexpr std::size_t kIdDigits = 12;

std::string training_of_id(const results::Store& store, const std::string& id) {
  const results::FoundKey found = store.find_by_prefix(id);
  return found.kind == results::FoundKey::Kind::kTraining ? found.key : store.evaluation(found.key)->training_key;
}

// What is there may be of an earlier program: only a run that was stopped is taken up again.
bool is_finished_run(const RunFolder& folder, const std::string& key) {
  return std::filesystem::exists(folder.store()) &&
         results::Store::open(folder.store(), results::OpenMode::kReadOnly).has_training(key);
}

RerunOptions read_rerun_options(const CommandLine& line, const std::string& key) {
  RerunOptions options;
  options.folder = std::filesystem::path(line.get<std::string>("work")) / ("rerun-" + key.substr(0, kIdDigits));
  options.cache_root = cache_root(line);
  options.overrides = line.list("set");
  options.device = line.get<std::string>("device");
  options.jobs = line.get<int>("jobs");
  return options;
}

}  // namespace

int run_rerun(const Arguments& arguments) {
  CommandLine line(
      "cmkd rerun RUN [options]",
      "Trains a stored run again, its teacher first, from what the store holds: the suite file as it was and the\n"
      "settings of the command line. Then says whether it came out bitwise equal, within a tolerance, or different, "
      "and\n"
      "what changed in settings, code and environment. The store is only read. RUN is an id, of which the first "
      "digits\n"
      "suffice. Stopped, the same command continues.",
      "cmkd rerun 3f2a --store out/quick/results.db --verify     # exit status 1 when it is different\n"
      "cmkd rerun 3f2a --out out/ucf51 --set 'dataset.root=\"/data/UCF51\"'");
  line.positional("run", 1);
  add_store_options(line);
  line.add()("verify", po::bool_switch(), "exit status 1 when it is different")(
      "tolerance", po::value<double>()->default_value(0.005)->value_name("X"),
      "by which a metric may differ, as a fraction: 0.005 is half a point of a metric in per cent")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "after the stored settings: where the data lie here (repeatable)")(
      "work", po::value<std::string>()->default_value("out")->value_name("DIR"),
      "the new run is made in DIR/rerun-ID, which is removed at the end")(
      "keep", po::bool_switch(), "leave DIR/rerun-ID there")("cache", po::value<std::string>()->value_name("DIR"),
                                                             "clip caches and made datasets")(
      "device", po::value<std::string>()->default_value("auto")->value_name("NAME"), "auto, cpu, cuda, cuda:N")(
      "jobs,j", po::value<int>()->default_value(1)->value_name("N"), "runs trained at once")("json", po::bool_switch(),
                                                                                             "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::string id = line.one("run", "id of a run");
  const results::Store store = choose_store(line, /*suite_needed=*/false).store;
  const std::string key = training_of_id(store, id);
  const RerunOptions options = read_rerun_options(line, key);
  const RunFolder folder{options.folder};
  Rerun rerun = prepare_rerun(store, key, options);
  if (is_finished_run(folder, rerun.key)) {
    std::filesystem::remove_all(folder.root);
    rerun = prepare_rerun(store, key, options);
  }
  (void)run_again(rerun);
  const double tolerance = line.get<double>("tolerance");
  reports::RerunCheck check;
  {
    const results::Store made = results::Store::open(folder.store(), results::OpenMode::kReadOnly);
    check = reports::check_rerun(reports::run_contents(store, key), reports::run_contents(made, rerun.key), tolerance);
  }
  print_out(line.flag("json") ? reports::rerun_check_json(check) : reports::rerun_check_text(check));
  if (!line.flag("keep")) std::filesystem::remove_all(options.folder);
  return line.flag("verify") && check.sameness == reports::Sameness::kDifferent ? 1 : 0;
}

}  // namespace cmkd::apps
