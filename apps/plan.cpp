// cmkd plan: what a suite wants, and what it takes.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/progress.h"
#include "cmkd/harness/check_suite.h"
#include "cmkd/harness/checkpoint.h"
#include "cmkd/harness/estimate.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/provenance.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/results/store.h"
#include "cmkd/runtime/determinism.h"
#include "commands.h"
#include "plan_context.h"
#include "run_options.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;
using results::RunStatus;

namespace {

// Trainings that 'cmkd run' would still do.
std::vector<PlannedTraining> remaining(const Plan& plan, const std::optional<results::Store>& store) {
  std::vector<PlannedTraining> left;
  for (const PlannedTraining& planned : plan.trainings) {
    const bool stored = store && (store->status(planned.key) == RunStatus::kFailed || is_evaluated(*store, planned));
    if (!stored) left.push_back(planned);
  }
  return left;
}

// What the cache that is there takes; no clip is looked at.
IngestPlan ingested(const ListedData& listed) {
  IngestPlan plan;
  plan.clips = static_cast<std::int64_t>(listed.list.clips.size());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(listed.cache_folder)) {
    if (entry.is_regular_file()) plan.estimated_bytes += entry.file_size();
  }
  return plan;
}

std::string plan_text(const Context& context, const Plan& plan, const std::vector<std::pair<std::string, Counts>>& rows,
                      const IngestPlan& ingest, bool cached, const std::optional<TimeEstimate>& time) {
  std::string text =
      fmt::format("{}: {} trainings on '{}' ({}), {} seeds\n\n  {:<32} {:>8} {:>6} {:>7} {:>12}\n", context.suite.name,
                  plan.trainings.size(), context.suite.dataset, context.suite.direction(), context.suite.seeds().size(),
                  "row", "planned", "done", "failed", "s a training");
  for (const auto& [label, counts] : rows) {
    const bool measured = time && time->seconds_by_label.contains(label);
    text += fmt::format("  {:<32} {:>8} {:>6} {:>7} {:>12}\n", label, counts.planned, counts.done, counts.failed,
                        measured ? fmt::format("{:.1f}", time->seconds_by_label.at(label)) : std::string("-"));
  }
  text += fmt::format("\n  clip cache: {} clips, {}\n", ingest.clips,
                      cached ? "there" : fmt::format("about {} to write", format_bytes(ingest.estimated_bytes)));
  if (time) {
    text += fmt::format("  time left: {:.0f} s ({} with one job), from steps measured on this machine{}\n",
                        time->total_seconds, format_duration(time->total_seconds),
                        cached ? "" : ", on made clips: without decoding the real ones");
  } else if (!cached) {
    text += "  time left: unknown before the clips are ingested; '--measure' tries steps on made clips\n";
  }
  const std::int64_t labelled = context.suite.labels.values.labelled;
  if (labelled > 0 && context.suite.labels.values.validation_clips > labelled) {
    text += "  note: validation uses more labels than the budget of labelled clips: the report marks it\n";
  }
  return text;
}

TimeEstimate measured_time(const Suite& suite, const SuiteData& data, const std::vector<PlannedTraining>& left,
                           c10::Device device) {
  std::set<std::string> labels;
  for (const PlannedTraining& planned : left) labels.insert(planned.label);
  Progress progress("measure", static_cast<std::int64_t>(labels.size()));
  std::int64_t begun = 0;
  TimeEstimate time =
      estimate_time(suite, data, left, device, [&](const std::string& label) { progress.update(begun++, label); });
  progress.finish();
  return time;
}

std::string weights_text(const WeightsLine& weights) {
  const std::string sets = weights.pretrained_on.empty() ? "not said" : weights.pretrained_on;
  return fmt::format("  {} weights: {}; {}; pretrained on: {}\n", weights.role, weights.report.file,
                     weights.report.summary(), sets);
}

// Which clip has which role for a seed: who sees which label can be checked from outside.
json roles_json(const Suite& suite, const SuiteData& data, std::int64_t seed) {
  const Roles roles = data.roles(suite, seed, data.folds(suite).front());
  const auto ids = [&](const std::vector<std::int64_t>& clips) {
    json list = json::array();
    for (const std::int64_t clip : clips) list.push_back(data.listed.list.clips[static_cast<std::size_t>(clip)].id);
    return list;
  };
  std::vector<std::int64_t> hidden;
  std::ranges::set_difference(roles.transfer, roles.labelled, std::back_inserter(hidden));
  return {{"seed", seed},          {"teacher", ids(roles.teacher)},       {"labelled", ids(roles.labelled)},
          {"hidden", ids(hidden)}, {"validation", ids(roles.validation)}, {"test", ids(roles.test)}};
}

int print_roles(const Context& context, bool as_json) {
  const SuiteData data = open_data(context.suite, context.cache, 1);
  const std::int64_t seed = context.filter.seeds.empty() ? context.suite.seeds().front() : context.filter.seeds.front();
  const json roles = roles_json(context.suite, data, seed);
  if (as_json) {
    print_json(roles);
    return 0;
  }
  for (const auto& [role, clips] : roles.items()) {
    if (clips.is_array()) print_out(fmt::format("{:<12} {} clips\n", role, clips.size()));
  }
  return 0;
}

// What one call of 'cmkd plan' has found out.
struct Found {
  Plan plan;
  std::vector<std::pair<std::string, Counts>> rows;
  IngestPlan ingest;
  bool cached;  // the clips are ingested
  std::string source_fingerprint;
  std::optional<TimeEstimate> time;
  std::vector<WeightsLine> weights;
  Winners winners;
};

Found find_out(const Context& context, const CommandLine& line) {
  ListedData listed = list_data(context.suite, context.cache);
  Winners winners;
  if (line.flag("tuned")) {
    winners = stored_winners(context.suite, context.folder.root, context.cache);
  }
  Plan plan = make_plan(context.suite, listed.plan_source(), context.filter, winners);
  const std::optional<results::Store> store = open_store(context.folder);
  const bool cached = is_ingested(listed);
  const IngestPlan ingest = cached ? ingested(listed) : plan_ingest(*listed.source, listed.list, listed.settings);
  SuiteData data = stand_in_data(context.suite, std::move(listed));
  check_suite(context.suite, data);
  std::optional<TimeEstimate> time;
  if (cached ? !line.flag("no-measure") : line.flag("measure")) {
    if (cached) data = open_data(context.suite, std::move(data.listed), 1);
    time = measured_time(context.suite, data, remaining(plan, store), parse_device(line.get<std::string>("device")));
  }
  auto rows = count_rows(plan, store, context.folder);
  return {.plan = std::move(plan),
          .rows = std::move(rows),
          .ingest = ingest,
          .cached = cached,
          .source_fingerprint = data.listed.source_fingerprint,
          .time = std::move(time),
          .weights = check_weights(context.suite, data),
          .winners = std::move(winners)};
}

void print_found(const Context& context, const Found& found) {
  print_out(plan_text(context, found.plan, found.rows, found.ingest, found.cached, found.time));
  for (const WeightsLine& weights : found.weights) print_out(weights_text(weights));
  for (const MethodEntry& entry : context.suite.methods) {
    const auto winner = found.winners.find(entry.id);
    if (winner == found.winners.end()) continue;
    print_out(fmt::format("  tuned {:<26} trial {}: {}\n", entry.id, winner->second,
                          trial_text(context.suite, entry, winner->second)));
  }
}

json found_json(const Suite& suite, const Found& found) {
  json trainings = json::array();
  for (const PlannedTraining& planned : found.plan.trainings) {
    trainings.push_back({{"key", planned.key},
                         {"evaluation_key", planned.evaluation().key},
                         {"row", planned.label},
                         {"seed", planned.seed},
                         {"teacher_key", planned.teacher_key},
                         {"config", json::parse(planned.config)}});
  }
  json rows = json::array();
  for (const auto& [label, counts] : found.rows) rows.push_back(counts_json(label, counts));
  json value{{"suite", suite.name},
             {"trainings", trainings},
             {"rows", rows},
             {"clips", found.ingest.clips},
             {"cache_bytes", found.ingest.estimated_bytes},
             {"cached", found.cached},
             {"source_fingerprint", found.source_fingerprint}};
  for (const WeightsLine& weights : found.weights) {
    value["weights"][weights.role] = {
        {"file", weights.report.file}, {"summary", weights.report.summary()}, {"pretrained_on", weights.pretrained_on}};
  }
  if (found.time) {
    value["seconds_left"] = found.time->total_seconds;
    value["measured_on"] = found.cached ? "the clips" : "made clips";
  }
  return value;
}

}  // namespace

int run_plan(const Arguments& arguments) {
  CommandLine line("cmkd plan SUITE [options]",
                   "Shows what 'cmkd run' would do: rows, trainings done and left, disk for the clip cache, and the "
                   "time, from a few\n"
                   "steps measured here: on the clips once they are ingested, before that with --measure on made ones. "
                   "Refuses what\n"
                   "does not fit together. Changes no result.",
                   "cmkd plan suites/quick.toml\ncmkd plan suites/quick.toml --show-config\ncmkd plan "
                   "suites/quick.toml --json --no-measure\ncmkd plan suites/ucf51.toml --set "
                   "'dataset.root=\"/data/UCF51\"' --measure");
  add_plan_options(line);
  line.add()("show-config", po::bool_switch(), "print every setting with its origin")(
      "roles", po::bool_switch(),
      "print which clips teach, are labelled, hidden, validate and test (--json: their ids)")(
      "no-measure", po::bool_switch(), "do not measure steps: no time")(
      "measure", po::bool_switch(),
      "measure steps before the clips are ingested, too: on made clips of the same shape")(
      "device", po::value<std::string>()->default_value("auto")->value_name("NAME"),
      "where steps are measured: auto, cpu, cuda, cuda:N")(
      "tuned", po::bool_switch(), "what 'cmkd run --tuned' would do, with the values that won");
  if (!line.parse(arguments)) return 0;
  const Context context = make_context(line);
  if (line.flag("show-config")) {
    print_out(show_config(context.suite));
    return 0;
  }
  if (line.flag("roles")) return print_roles(context, line.flag("json"));
  // Before the first operator.
  configure_runtime(context.suite.runtime.values);
  const Found found = find_out(context, line);
  if (line.flag("json")) {
    print_json(found_json(context.suite, found));
  } else {
    print_found(context, found);
  }
  return 0;
}

}  // namespace cmkd::apps
