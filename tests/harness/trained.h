// A suite of the embedded set, trained whole in this process.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/core/file.h"
#include "cmkd/harness/run_one.h"
#include "paths.h"
#include "tiny_suite.h"

namespace cmkd::test {

// Everything of one suite file in a folder of its own. Results by label: "kd", "kd (shuffled-teacher)".
struct WholeSuite {};  // tag: the text is that of a whole suite file
struct Trained {
  explicit Trained(const std::vector<std::string>& methods, const std::vector<std::string>& overrides = {})
      : Trained(WholeSuite{}, tiny_suite("Tiny", methods), overrides) {}
  Trained(const std::vector<std::string>& methods, const std::vector<std::string>& overrides,
          const MakeDeviceGraph& make_graph)
      : Trained(WholeSuite{}, tiny_suite("Tiny", methods), overrides, make_graph) {}
  Trained(WholeSuite /*tag*/, const std::string& suite_text, const std::vector<std::string>& overrides,
          const MakeDeviceGraph& make_graph = make_device_graph) {
    write_file_atomically(folder / "tiny.toml", suite_text);
    suite = load_suite(folder / "tiny.toml", overrides);
    data.emplace(open_data(suite, folder / "cache", 1));
    data->loading = start_loading(suite.loading.values, data->cache, c10::kCPU);
    const Plan plan = make_plan(suite, data->listed.source_fingerprint);
    for (const PlannedTraining& planned : plan.trainings) {
      std::filesystem::create_directories(runs.run(planned.key));
      RunOneOptions options;
      options.make_graph = make_graph;
      run_results[planned.label] = run_one(suite, planned, *data, runs, options);
      records[planned.label] = run_results[planned.label].training;
      keys[planned.label] = planned.key;
    }
  }

  TemporaryFolder folder;
  Suite suite;
  std::optional<SuiteData> data;
  RunFolder runs{folder / "out"};
  std::map<std::string, RunResult> run_results;
  std::map<std::string, results::TrainingRecord> records;
  std::map<std::string, std::string> keys;
};

}  // namespace cmkd::test
