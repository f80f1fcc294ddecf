// What plan and status share: the suite that is asked about, its folder, and how many of its runs are there.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/harness/plan.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/results/store.h"
#include "commands.h"

namespace cmkd::apps {

struct Context {
  Suite suite;
  RunFolder folder;
  std::filesystem::path cache;
  PlanFilter filter;
};

[[nodiscard]] Context make_context(const CommandLine& line);
void add_plan_options(CommandLine& line);

struct Counts {
  std::int64_t planned = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t under_way = 0;
};

// Nothing while there is no store.
[[nodiscard]] std::optional<results::Store> open_store(const RunFolder& folder);
// In the plan's order of rows.
[[nodiscard]] std::vector<std::pair<std::string, Counts>> count_rows(const Plan& plan,
                                                                     const std::optional<results::Store>& store,
                                                                     const RunFolder& folder);
[[nodiscard]] nlohmann::json counts_json(const std::string& label, const Counts& counts);

}  // namespace cmkd::apps
