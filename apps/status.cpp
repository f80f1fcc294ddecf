// cmkd status: how much of what a suite wants is there, and what it was made with.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/harness/provenance.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/runtime/determinism.h"
#include "plan_context.h"

namespace cmkd::apps {

using nlohmann::json;
using results::RunStatus;

namespace {

// Done trainings of the plan that this program would make with something else.
struct Changed {
  std::int64_t trainings = 0;
  std::string how;  // of one of them
};

Changed count_changed(const Plan& plan, const results::Store& store, const results::Origin& here) {
  Changed changed;
  for (const PlannedTraining& planned : plan.trainings) {
    const std::string difference = stored_difference(store, planned, here);
    if (difference.empty()) continue;
    ++changed.trainings;
    changed.how = difference;
  }
  return changed;
}

}  // namespace

int run_status(const Arguments& arguments) {
  CommandLine line("cmkd status SUITE [options]",
                   "Shows what of the suite is done, failed (with the reason) and under way.",
                   "cmkd status suites/quick.toml\ncmkd status suites/quick.toml --json");
  add_plan_options(line);
  if (!line.parse(arguments)) return 0;
  const Context context = make_context(line);
  const ListedData listed = list_data(context.suite, context.cache);
  const Plan plan = make_plan(context.suite, listed.plan_source(), context.filter);
  const std::optional<results::Store> store = open_store(context.folder);
  const auto rows = count_rows(plan, store, context.folder);
  Changed changed;
  if (store) changed = count_changed(plan, *store, origin_here(parse_device("auto")));
  json failures = json::array();
  for (const PlannedTraining& planned : plan.trainings) {
    const std::optional<results::TrainingRecord> record = store ? store->training(planned.key) : std::nullopt;
    if (record && record->status == RunStatus::kFailed) {
      failures.push_back(
          {{"key", planned.key}, {"row", planned.label}, {"seed", planned.seed}, {"reason", record->reason}});
    }
  }
  if (line.flag("json")) {
    json row_list = json::array();
    for (const auto& [label, counts] : rows) row_list.push_back(counts_json(label, counts));
    print_json({{"suite", context.suite.name},
                {"rows", row_list},
                {"failures", failures},
                {"changed", changed.trainings},
                {"changed_how", changed.how},
                {"history", store ? store->history_size() : 0},
                {"store", context.folder.store().string()}});
    return 0;
  }
  std::string text =
      fmt::format("  {:<32} {:>8} {:>6} {:>7} {:>10}\n", "row", "planned", "done", "failed", "under way");
  for (const auto& [label, counts] : rows) {
    text += fmt::format("  {:<32} {:>8} {:>6} {:>7} {:>10}\n", label, counts.planned, counts.done, counts.failed,
                        counts.under_way);
  }
  for (const json& failure : failures) {
    text += fmt::format("  {} {} seed {}: {}\n", failure["key"].get<std::string>().substr(0, 12),
                        failure["row"].get<std::string>(), failure["seed"].get<std::int64_t>(),
                        failure["reason"].get<std::string>());
  }
  if (changed.trainings > 0) {
    text += fmt::format(
        "{} done runs were not made with this program on this machine: {}\n"
        "  they are trained again by: cmkd run {} --retrain changed\n",
        changed.trainings, changed.how, context.suite.file.generic_string());
  }
  if (const std::int64_t history = store ? store->history_size() : 0; history > 0) {
    text += fmt::format(
        "{} trainings in the store are of methods or settings as they were before; no report shows them "
        "(table history)\n",
        history);
  }
  print_out(text);
  return 0;
}

}  // namespace cmkd::apps
