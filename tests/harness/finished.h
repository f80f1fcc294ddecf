// A suite whose runs were trained by workers and are not in the store yet.
#pragma once

#include <filesystem>
#include <string>

#include "../../harness/run_ledger.h"
#include "trained.h"

namespace cmkd::test {

struct Finished {
  Finished() {
    options.out = trained.folder / "out";
    for (const auto& [label, result] : trained.run_results) {
      std::filesystem::create_directories(trained.runs.run(trained.keys.at(label)));
      save_result(trained.runs.result(trained.keys.at(label)), result);
    }
  }

  [[nodiscard]] RunLedger ledger() const { return {trained.suite, options, *trained.data, plan}; }
  [[nodiscard]] const PlannedTraining& planned(const std::string& label) const {
    return *plan.find(trained.keys.at(label));
  }

  Trained trained{{"kd"}, {"training.keep_weights=true"}};
  Plan plan = make_plan(trained.suite, trained.data->listed.source_fingerprint);
  RunOptions options;
};

}  // namespace cmkd::test
