// cmkd export: stored runs as a folder that another machine can make again.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/reports/export_folder.h"
#include "cmkd/suites/suite.h"
#include "commands.h"
#include "export_roles.h"
#include "store_choice.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

// The name of a suite of the store; "" when `text` is none.
std::string suite_of_store(const results::Store& store, const std::string& text) {
  std::string name = text.ends_with(".toml") ? suite_name(text) : text;
  for (const results::SuiteSummary& suite : store.suites()) {
    if (suite.suite == name) return name;
  }
  return "";
}

std::vector<std::string> trainings_to_export(const results::Store& store, const std::string& text) {
  if (const std::string suite = suite_of_store(store, text); !suite.empty()) {
    std::set<std::string> keys;
    for (const results::LeaderboardRow& row : store.leaderboard_rows(suite)) {
      if (row.state != results::RowState::kNotRun) keys.insert(row.link.training_key);
    }
    return {keys.begin(), keys.end()};
  }
  if (text.empty() || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    std::vector<std::string> names;
    for (const results::SuiteSummary& suite : store.suites()) names.push_back(suite.suite);
    throw Error(ErrorKind::kUsage, {fmt::format("the store holds no suite '{}', and it is no id of a run", text),
                                    store.path().string(), join(names), did_you_mean(text, names)});
  }
  const results::FoundKey found = store.find_by_prefix(text);
  if (found.kind == results::FoundKey::Kind::kTraining) return {found.key};
  return {store.evaluation(found.key)->training_key};
}

std::filesystem::path store_to_export(const CommandLine& line, const std::string& text) {
  const std::filesystem::path path = text;
  if (path.extension() == ".toml") return chosen_store_path(line, path.stem().string());
  const bool has_folder = std::filesystem::exists(RunFolder{std::filesystem::path("out") / text}.store());
  return chosen_store_path(line, has_folder ? text : "");
}

}  // namespace

int run_export(const Arguments& arguments) {
  CommandLine line(
      "cmkd export RUN|SUITE DIR [options]",
      "Writes a run, or all runs of a suite, into a new folder, with the teachers that they learned from: a store of\n"
      "these alone, the suite files and settings that make them, the clips that they were tested on, fingerprints and\n"
      "provenance. On another machine with the same data, 'cmkd rerun ID --store results.db --verify' makes a run "
      "again\n"
      "and compares. RUN is an id, of which the first digits suffice.",
      "cmkd export 3f2a kd_seed_0 --store out/quick/results.db --weights\ncmkd export quick quick_runs --out "
      "out/quick");
  line.positional("what", 2);
  add_store_options(line);
  line.add()("weights", po::bool_switch(),
             "the weights of runs that kept them (training.keep_weights), as safetensors with a model card")(
      "roles", po::bool_switch(),
      "also which clip each training had for what (teacher, transfer, labelled, validation, test); reads the data")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "with --roles, after the stored settings: where the data lie here (repeatable)")(
      "cache", po::value<std::string>()->value_name("DIR"), "with --roles: clip caches and made datasets")(
      "json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> words = line.list("what");
  if (words.size() != 2) {
    throw Error(ErrorKind::kUsage, {.what = "what is exported, and where to?",
                                    .where = "cmkd export",
                                    .fix = "for example cmkd export quick quick_runs --out out/quick"});
  }
  const std::filesystem::path path = store_to_export(line, words[0]);
  const results::Store store = results::Store::open(path, results::OpenMode::kReadOnly);
  reports::ExportOptions options;
  options.weights = line.flag("weights");
  const std::vector<std::string> trainings = trainings_to_export(store, words[0]);
  std::vector<std::string> without_roles;
  if (line.flag("roles")) {
    TrainingRoles roles = training_roles(store, trainings, {cache_root(line), line.list("set")});
    options.training_clips = std::move(roles.csv);
    without_roles = std::move(roles.missing);
  }
  reports::ExportReport report = reports::export_folder(store, trainings, words[1], options);
  report.missing.insert(report.missing.end(), without_roles.begin(), without_roles.end());
  if (line.flag("json")) {
    print_json({{"folder", words[1]},
                {"trainings", report.trainings},
                {"weights", report.weights},
                {"missing", report.missing}});
    return 0;
  }
  print_out(fmt::format("{}: {} trainings, {} files of weights\n", words[1], report.trainings, report.weights));
  for (const std::string& missing : report.missing) print_out("  not there: " + missing + "\n");
  return 0;
}

}  // namespace cmkd::apps
