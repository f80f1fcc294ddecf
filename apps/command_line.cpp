#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/harness/suite_data.h"
#include "command.h"
#include "data_files.h"

namespace cmkd::apps {

namespace po = boost::program_options;

CommandLine::CommandLine(std::string usage, std::string text, std::string examples)
    : usage_(std::move(usage)), text_(std::move(text)), examples_(std::move(examples)) {
  options_.add_options()("help,h", po::bool_switch(), "print this help");
}

void CommandLine::positional(const std::string& name, int max_count) {
  hidden_.add_options()(name.c_str(), po::value<std::vector<std::string>>());
  positions_.add(name.c_str(), max_count);
}

bool CommandLine::parse(const std::vector<std::string>& arguments) {
  po::options_description all;
  all.add(options_).add(hidden_);
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(positions_).run(), values_);
    po::notify(values_);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& option : options_.options()) names.push_back("--" + option->long_name());
    throw Error(ErrorKind::kUsage, {fmt::format("unknown option '{}'", error.get_option_name()), usage_, join(names),
                                    did_you_mean(error.get_option_name(), names)});
  } catch (const po::error& error) {
    throw Error(ErrorKind::kUsage, {.what = error.what(), .where = usage_, .fix = "see --help"});
  }
  if (!flag("help")) return true;
  std::ostringstream text;
  text << "Usage: " << usage_ << "\n\n" << text_ << "\n\n" << options_;
  if (!examples_.empty()) {
    text << "\nExamples:\n";
    std::istringstream lines(examples_);
    for (std::string line; std::getline(lines, line);) text << "  " << line << "\n";
  }
  print_out(text.str());
  return false;
}

std::vector<std::string> CommandLine::list(const std::string& name) const {
  return has(name) ? values_[name].as<std::vector<std::string>>() : std::vector<std::string>();
}

std::string CommandLine::one(const std::string& name, const std::string& what) const {
  const std::vector<std::string> values = list(name);
  if (values.empty())
    throw Error(ErrorKind::kUsage, {.what = fmt::format("missing {}", what), .where = usage_, .fix = "see --help"});
  return values.front();
}

void add_suite_options(CommandLine& line) {
  line.add()("set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
             "change a setting, in TOML syntax (repeatable): --set training.epochs=2")(
      "out", po::value<std::string>()->value_name("DIR"), "results, checkpoints and teachers (default: out/SUITE)")(
      "cache", po::value<std::string>()->value_name("DIR"),
      "clip caches and made datasets (default: $CMKD_CACHE or out/cache)");
}

std::filesystem::path suite_path(const std::string& name) {
  namespace fs = std::filesystem;
  if (fs::exists(name)) return name;
  const fs::path suites = find_data(kSuites);
  for (const fs::path& candidate : {suites / name, suites / (name + ".toml"), suites / fs::path(name).filename()}) {
    if (fs::is_regular_file(candidate)) return candidate;
  }
  throw Error(ErrorKind::kUsage,
              {fmt::format("there is no suite file '{}'", name), fs::absolute(name).string(), "a path to a .toml file",
               "see 'cmkd list suites'; looked in " + data_places(kSuites)});
}

std::filesystem::path out_folder(const CommandLine& line, const std::string& suite_name) {
  return line.has("out") ? std::filesystem::path(line.get<std::string>("out"))
                         : std::filesystem::path("out") / suite_name;
}

std::filesystem::path cache_root(const CommandLine& line) {
  return line.has("cache") ? std::filesystem::path(line.get<std::string>("cache")) : default_cache_root();
}

void print_out(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) {
    throw Error(ErrorKind::kEnvironment,
                {.what = "cannot write to standard output", .fix = "check the disk or the pipe behind it"});
  }
}

void print_json(const nlohmann::json& value) { print_out(value.dump(2) + "\n"); }

}  // namespace cmkd::apps
