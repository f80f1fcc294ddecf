// The configurations behind the keys of every suite of this repository, pinned: a change of how settings are read or
// keys are made that moves one of them would train everybody's results again.
#include "catch.h"
//
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cmkd/core/file.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/harness/plan.h"
#include "paths.h"

using namespace cmkd;
using nlohmann::json;

namespace {

std::filesystem::path golden_keys_file() { return test::source_dir() / "tests/golden/keys.json"; }

std::vector<std::filesystem::path> suites_of_the_repository() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "suites")) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

// Without the hashes of source files, which follow every edit of a method.
json without_source(const PlannedTraining& planned) {
  json config = json::parse(planned.config);
  config["method"].erase("source");
  if (!planned.teacher_key.empty()) config["teacher"] = "the cell's";
  return config;
}

std::string name_of(const Suite& suite, const PlannedTraining& planned) {
  return planned.label + ", " + cell_text(suite, planned);
}

// A suite's first training whole, its others by what differs (JSON Patch, RFC 6902).
json configurations_of(const Suite& suite) {
  const PlanSource source("source", official_folds(suite.dataset, suite.dataset_values.values));
  const Plan plan = make_plan(suite, source);
  json pinned = json::object();
  const json first = without_source(plan.trainings.at(1));
  pinned["base"] = first;
  pinned["evaluation"] = json::parse(plan.trainings.at(1).evaluation().config);
  pinned["evaluation"].erase("training");
  for (const PlannedTraining& planned : plan.trainings) {
    if (planned.seed != suite.seeds().front()) continue;
    pinned["differences"][name_of(suite, planned)] = json::diff(first, without_source(planned));
  }
  return pinned;
}

}  // namespace

TEST_CASE("the keys of the repository's suites are what they were") {
  json pinned = json::object();
  for (const std::filesystem::path& file : suites_of_the_repository()) {
    pinned[file.stem().string()] = configurations_of(load_suite(file, {}));
  }
  CHECK(pinned.size() >= 13);
  const char* approve = std::getenv("CMKD_APPROVE");
  if (approve != nullptr && std::string(approve) == "1") {
    write_file_atomically(golden_keys_file(), pinned.dump(1) + "\n");
    return;
  }
  const json golden = json::parse(read_file(golden_keys_file()));
  for (const auto& [suite, configurations] : pinned.items()) {
    INFO("suites/" << suite << ".toml; CMKD_APPROVE=1 test_harness writes tests/golden/keys.json anew");
    REQUIRE(golden.contains(suite));
    CHECK(json::diff(golden.at(suite), configurations) == json::array());
  }
}
