#include "store_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/suites/suite.h"

namespace cmkd::apps {

namespace po = boost::program_options;

void add_store_options(CommandLine& line) {
  line.add()("store", po::value<std::string>()->value_name("FILE"), "the database (default: OUT/results.db)")(
      "out", po::value<std::string>()->value_name("DIR"), "folder of the run (default: out/SUITE)");
}

std::string suite_name(const std::string& given) {
  return std::filesystem::is_regular_file(given) ? load_suite(given, {}).name : given;
}

std::filesystem::path chosen_store_path(const CommandLine& line, const std::string& suite) {
  if (line.has("store")) return line.get<std::string>("store");
  if (line.has("out")) return RunFolder{line.get<std::string>("out")}.store();
  if (!suite.empty()) return RunFolder{std::filesystem::path("out") / suite}.store();
  throw Error(ErrorKind::kUsage, {.what = "neither a store nor a suite is named",
                                  .where = "command line",
                                  .allowed = "--store FILE, --out DIR, --suite SUITE",
                                  .fix = "for example --suite suites/quick.toml"});
}

ChosenStore choose_store(const CommandLine& line, bool suite_needed) {
  const std::string wanted = line.has("suite") ? suite_name(line.get<std::string>("suite")) : "";
  const std::filesystem::path path = chosen_store_path(line, wanted);
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::kData, {.what = "there is no store",
                                   .where = path.string(),
                                   .fix = "run the suite first ('cmkd run'), or give --store"});
  }
  ChosenStore chosen{results::Store::open(path, results::OpenMode::kReadOnly), wanted};
  std::vector<std::string> names;
  for (const results::SuiteSummary& summary : chosen.store.suites()) names.push_back(summary.suite);
  if (!wanted.empty()) {
    if (std::ranges::find(names, wanted) != names.end()) return chosen;
    throw Error(ErrorKind::kNothingSelected, {fmt::format("the store holds no suite '{}'", wanted), path.string(),
                                              join(names), did_you_mean(wanted, names)});
  }
  std::vector<std::string> own = names;
  std::erase_if(own, [](const std::string& name) { return name.ends_with("-tuning"); });
  if (own.size() == 1) chosen.suite = own.front();
  if (chosen.suite.empty() && suite_needed) {
    throw Error(ErrorKind::kNothingSelected,
                {"the store holds several suites", path.string(), join(names), "name one of them with --suite"});
  }
  return chosen;
}

}  // namespace cmkd::apps
