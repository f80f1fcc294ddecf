#include "run_start.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/harness/check_suite.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/device_graph.h"
#include "cmkd/runtime/precision.h"

namespace cmkd {

namespace {

void check_devices(const Suite& suite, const RunOptions& options) {
  std::vector<std::string> names = options.devices;
  if (names.empty()) names.push_back(options.device);
  for (const std::string& name : names) {
    const c10::Device device = parse_device(name);
    for (const Suite* one : suite.cases()) {
      require_precision(one->training.values.precision, device, "training.precision");
      require_precision(one->teacher.training.values.precision, device, "teacher.training.precision");
      if (one->training.values.graphs) require_graphs(device, "training.graphs");
      if (one->teacher.training.values.graphs) require_graphs(device, "teacher.training.graphs");
    }
  }
}

}  // namespace

SuiteData checked_data(const Suite& suite, const RunOptions& options) {
  check_devices(suite, options);
  ListedData listed = list_data(suite, options.cache_root);
  if (!is_ingested(listed)) {
    SuiteData made = stand_in_data(suite, std::move(listed));
    check_suite(suite, made);
    listed = std::move(made.listed);
  }
  return open_data(suite, std::move(listed), options.jobs);
}

std::vector<std::string> worker_arguments(const Suite& suite, const RunOptions& options, const std::string& device) {
  std::vector<std::string> arguments{"worker",
                                     suite.file.string(),
                                     "--out",
                                     options.out.string(),
                                     "--cache",
                                     options.cache_root.string(),
                                     "--device",
                                     device,
                                     "--checkpoint-seconds",
                                     fmt::format("{}", options.checkpoint_seconds),
                                     "--parent",
                                     fmt::format("{}", ::getpid())};
  for (const std::string& text : options.overrides) arguments.insert(arguments.end(), {"--set", text});
  for (const std::string& method : options.filter.methods) arguments.insert(arguments.end(), {"--only", method});
  for (const std::int64_t seed : options.filter.seeds)
    arguments.insert(arguments.end(), {"--seed", fmt::format("{}", seed)});
  if (options.tuning) arguments.emplace_back("--tuning");
  for (const auto& [method, trial] : options.winners) {
    arguments.insert(arguments.end(), {"--winner", fmt::format("{}={}", method, trial)});
  }
  return arguments;
}

std::string progress_text(const PlannedTraining& planned, const nlohmann::json& event) {
  std::string text = fmt::format("{} seed {}: epoch {}/{}", planned.label, planned.seed,
                                 event.at("epoch").get<int>() + 1, event.at("epochs").get<int>());
  if (const double validation = event.at("validation"); validation >= 0) {
    text += fmt::format(" val {:.1f} %", 100 * validation);
  }
  return text + fmt::format(", step {}/{}", event.at("step").get<int>(), event.at("steps").get<int>());
}

void refuse_other_code(const Suite& suite, const RunLedger& ledger, const PlannedTraining& planned) {
  throw Error(
      ErrorKind::kUsage,
      {.what = fmt::format("{} {} is to be evaluated anew, but its weights were not kept, and it was trained with {}",
                           planned.label, cell_text(suite, planned), ledger.difference(planned)),
       .where = ledger.folder().store().string(),
       .fix = fmt::format("cmkd run {} --retrain changed, or another --out", suite.file.generic_string())});
}

}  // namespace cmkd
