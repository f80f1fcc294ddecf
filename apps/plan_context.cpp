#include "plan_context.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/harness/provenance.h"
#include "run_options.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;
using results::RunStatus;

std::optional<results::Store> open_store(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.store())) return std::nullopt;
  return results::Store::open(folder.store(), results::OpenMode::kReadOnly);
}

std::vector<std::pair<std::string, Counts>> count_rows(const Plan& plan, const std::optional<results::Store>& store,
                                                       const RunFolder& folder) {
  std::vector<std::pair<std::string, Counts>> rows;
  for (const PlannedTraining& planned : plan.trainings) {
    auto row = std::ranges::find(rows, planned.label, &std::pair<std::string, Counts>::first);
    if (row == rows.end()) row = rows.insert(rows.end(), {planned.label, {}});
    Counts& counts = row->second;
    ++counts.planned;
    const std::optional<RunStatus> status = store ? store->status(planned.key) : std::nullopt;
    if (status == RunStatus::kFailed) {
      ++counts.failed;
    } else if (status == RunStatus::kDone && is_evaluated(*store, planned)) {
      ++counts.done;
    } else if (std::filesystem::exists(folder.checkpoint(planned.key))) {
      ++counts.under_way;
    }
  }
  return rows;
}

json counts_json(const std::string& label, const Counts& counts) {
  return {{"row", label},
          {"planned", counts.planned},
          {"done", counts.done},
          {"failed", counts.failed},
          {"under_way", counts.under_way}};
}

Context make_context(const CommandLine& line) {
  Context context{load_suite(suite_path(line.one("suite", "suite file")), line.list("set")), {}, cache_root(line), {}};
  context.folder.root = out_folder(line, context.suite.name);
  context.filter = read_filter(line);
  return context;
}

void add_plan_options(CommandLine& line) {
  add_suite_options(line);
  line.positional("suite", 1);
  add_shard_option(line);
  line.add()("only", po::value<std::vector<std::string>>()->value_name("METHOD"),
             "only this method or row (repeatable)")("seed", po::value<std::vector<std::int64_t>>()->value_name("N"),
                                                     "only this seed (repeatable)")("json", po::bool_switch(),
                                                                                    "print JSON");
}

}  // namespace cmkd::apps
