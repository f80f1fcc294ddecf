// Results out, in, again and side by side, as a user goes it: compare, rerun, export, import, merge.
#include "catch.h"
// Catch first.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cmkd/core/file.h"
#include "cmkd/results/store.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::TemporaryFolder;
namespace fs = std::filesystem;

std::string cmkd_ok(const std::vector<std::string>& arguments, const fs::path& folder) {
  const auto result = test::cmkd(arguments, folder);
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  return result.out;
}

std::string key_of(const fs::path& database, const std::string& label) {
  const results::Store store = results::Store::open(database, results::OpenMode::kReadOnly);
  for (const results::TrainingRecord& training : store.trainings()) {
    if (training.label == label) return training.key;
  }
  FAIL("no training " << label);
  return "";
}

bool is_in(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The scores of a model that is always right.
std::string perfect_scores(const std::string& list) {
  std::istringstream lines(list);
  std::vector<std::pair<std::string, std::string>> clips;
  std::vector<std::string> classes;
  std::string line;
  std::getline(lines, line);
  REQUIRE(line == "clip,role,class,path,start_s,end_s");
  while (std::getline(lines, line)) {
    const std::size_t role = line.find(',');
    const std::size_t label = line.find(',', role + 1);
    const std::string name = line.substr(label + 1, line.find(',', label + 1) - label - 1);
    clips.emplace_back(line.substr(0, role), name);
    if (std::ranges::find(classes, name) == classes.end()) classes.push_back(name);
  }
  std::string table = "clip";
  for (const std::string& name : classes) table += "," + name;
  table += "\n";
  for (const auto& [clip, label] : clips) {
    table += clip;
    for (const std::string& name : classes) table += name == label ? ",1" : ",0";
    table += "\n";
  }
  return table;
}

}  // namespace

TEST_CASE("two machines' seeds merge into the store of one, are compared, made again, exported, and joined by others") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  cmkd_ok({"run", "small.toml", "--out", "a", "--seed", "0", "--set", "training.keep_weights=true"}, folder.path());
  cmkd_ok({"run", "small.toml", "--out", "b", "--seed", "1", "--set", "training.keep_weights=true"}, folder.path());
  const auto merged =
      json::parse(cmkd_ok({"merge", "all.db", "a/results.db", "b/results.db", "--json"}, folder.path()));
  CHECK(merged.at("trainings") == 10);
  CHECK(json::parse(cmkd_ok({"merge", "all.db", "b/results.db", "--json"}, folder.path())).at("trainings") == 0);
  const json board = json::parse(cmkd_ok({"report", "--store", "all.db", "--json", "--no-cost"}, folder.path()));
  for (const json& row : board.at("tables").at(0).at("rows")) {
    INFO(row.at("name"));
    CHECK(row.at("seeds_done") == 2);
  }
  const auto refused = test::cmkd({"merge", "all.db"}, folder.path());
  CHECK(refused.status == 4);

  // Compare.
  const std::vector<std::string> compare{"compare", "student", "kd", "--store", "all.db"};
  const std::string text = cmkd_ok(compare, folder.path());
  CHECK(is_in(text, "Paired seeds: 0, 1 (n = 2"));
  CHECK(is_in(text, "method.id"));
  const auto with = [](std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  CHECK(is_in(cmkd_ok(with(compare, {"--markdown"}), folder.path()), "| Metric | student | kd |"));
  const json comparison = json::parse(cmkd_ok(with(compare, {"--json"}), folder.path()));
  const double worse = comparison.at("worse_by");
  CHECK(test::cmkd(with(compare, {"--fail-if-worse", std::to_string(worse - 0.1)}), folder.path()).status == 1);
  CHECK(test::cmkd(with(compare, {"--fail-if-worse", std::to_string(worse + 0.1)}), folder.path()).status == 0);
  const auto unknown = test::cmkd({"compare", "student", "kdd", "--store", "all.db"}, folder.path());
  CHECK(unknown.status == 4);
  CHECK(is_in(unknown.err, "'kd'"));

  // Make it again.
  const std::string kd = key_of(folder / "a/results.db", "kd");
  const std::string again =
      cmkd_ok({"rerun", kd.substr(0, 10), "--store", "all.db", "--verify", "--set", "training.keep_weights=false"},
              folder.path());
  CHECK(is_in(again, "kd seed 0 (" + kd.substr(0, 12) + "): bitwise equal"));
  CHECK_FALSE(fs::exists(folder / "out" / ("rerun-" + kd.substr(0, 12))));

  // Take it elsewhere.
  const json exported = json::parse(cmkd_ok(
      {"export", kd.substr(0, 10), "taken", "--store", "all.db", "--weights", "--roles", "--json"}, folder.path()));
  for (const json& missing : exported.at("missing")) CHECK_FALSE(is_in(missing, "by role"));
  const std::string roles = read_file(folder / "taken/clips/synthetic-roles-seed-0.csv");
  CHECK(roles.starts_with("clip,group,roles\n"));
  for (const char* role : {",teacher\n", ",transfer\n", ",transfer+labelled\n", ",validation\n", ",test\n"}) {
    INFO(role);
    CHECK(is_in(roles, role));
  }
  CHECK(exported.at("trainings") == 2);
  CHECK(exported.at("weights") == 1);
  const std::string elsewhere = cmkd_ok({"rerun", kd.substr(0, 10), "--store", "results.db", "--verify", "--json",
                                         "--cache", (folder / "out/cache").string()},
                                        folder / "taken");
  CHECK(json::parse(elsewhere).at("result") == "bitwise equal");
  CHECK(is_in(cmkd_ok({"weights", "taken/weights/kd-seed-0-" + kd.substr(0, 12) + ".safetensors"}, folder.path()),
              "safetensors"));
  CHECK(test::cmkd({"export", kd, "taken", "--store", "all.db"}, folder.path()).status == 4);
  CHECK(json::parse(cmkd_ok({"export", "small", "whole", "--store", "all.db", "--json"}, folder.path()))
            .at("trainings") == 10);

  // A row made elsewhere.
  const std::string list = cmkd_ok({"import", "--list", "--suite", "small.toml"}, folder.path());
  test::write_text(folder / "scores.csv", perfect_scores(list));
  const json imported = json::parse(cmkd_ok({"import", "scores.csv", "--suite", "small.toml", "--name", "their net",
                                             "--seed", "1", "--store", "all.db", "--json"},
                                            folder.path()));
  CHECK(imported.at("metrics").at("top1") == 1.0);
  CHECK(imported.at("clips") == 40);
  const std::string table = cmkd_ok({"report", "--store", "all.db"}, folder.path());
  CHECK(is_in(table, "| their net | external, unpaired |"));
  CHECK(is_in(cmkd_ok({"report", "--store", "all.db", "--recompute"}, folder.path()), ", 0 differ"));
  const std::string beside = cmkd_ok({"compare", "kd", "their net", "--store", "all.db"}, folder.path());
  CHECK(is_in(beside, "No seed pairs"));
  CHECK(is_in(beside, "made elsewhere"));
  const auto not_ours = test::cmkd({"rerun", imported.at("training_key"), "--store", "all.db"}, folder.path());
  CHECK(not_ours.status == 4);
  CHECK(is_in(not_ours.err, "another program"));
  test::write_text(folder / "short.csv", list.substr(0, list.find('\n')) + "\nx,1,2,3,4,5\n");
  CHECK(test::cmkd({"import", "short.csv", "--suite", "small.toml", "--name", "n", "--store", "all.db"}, folder.path())
            .status == 1);
}

TEST_CASE("a run whose settings are other ones is compared by settings, and a contradiction is not merged") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  const std::vector<std::string> run{"run", "small.toml", "--only", "student", "--seed", "0"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = run;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  cmkd_ok(with({"--out", "a"}), folder.path());
  const std::string first = key_of(folder / "a/results.db", "student");
  cmkd_ok(with({"--out", "b", "--set", "training.epochs=2"}), folder.path());
  const std::string second = key_of(folder / "b/results.db", "student");
  const auto conflict = test::cmkd({"merge", "a/results.db", "b/results.db"}, folder.path());
  CHECK(conflict.status == 1);
  CHECK(is_in(conflict.err, "student seed 0"));
  CHECK(is_in(conflict.err, first));
  CHECK(is_in(conflict.err, second));
  cmkd_ok(with({"--out", "a", "--set", "training.epochs=2"}), folder.path());
  const std::string text =
      cmkd_ok({"compare", first.substr(0, 12), second.substr(0, 12), "--store", "a/results.db"}, folder.path());
  CHECK(is_in(text, "training.epochs"));
  CHECK(is_in(text, "other batch order"));
}

TEST_CASE("the shards of a suite, each run in a folder of its own, merge into the bytes of an unsharded run's report") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  (void)cmkd_ok({"run", "small.toml", "--out", "whole", "--jobs", "2"}, folder.path());
  for (const std::string part : {"0", "1", "2"}) {  // two seeds: the last has nothing to do, and says so
    const std::string said = cmkd_ok(
        {"run", "small.toml", "--out", "part" + part, "--shard", part + "/3", "--devices", "cpu,cpu"}, folder.path());
    CHECK((said.find(": 0 runs: 0 done now") != std::string::npos) == (part == "2"));
  }
  (void)cmkd_ok({"merge", "joined/results.db", "part0/results.db", "part1/results.db", "part2/results.db"},
                folder.path());
  for (const char* format : {"markdown", "csv", "json"}) {
    const auto report = [&](const char* out) {
      return cmkd_ok({"report", "small.toml", "--out", out, "--format", format, "--no-cost"}, folder.path());
    };
    CHECK(report("joined") == report("whole"));
  }
  CHECK(test::cmkd({"run", "small.toml", "--shard", "3/3"}, folder.path()).status == 4);
  CHECK(test::cmkd({"run", "small.toml", "--devices", "cpu,tpu"}, folder.path()).status == 4);
}
