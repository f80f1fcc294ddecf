#include "cmkd/harness/rerun.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/tuning.h"

namespace cmkd {

using nlohmann::json;
using results::Recipe;

namespace {

// What stays of a training's configuration when code and data change under it.
json settled_config(const std::string& text) {
  json config = json::parse(text);
  config.erase("version");
  config.erase("teacher");
  if (config.contains("method")) config["method"].erase("source");
  if (config.contains("dataset")) config["dataset"].erase("source_fingerprint");
  if (config.contains("model") && config["model"].contains("weights")) config["model"]["weights"].erase("content");
  return config;
}

const PlannedTraining* find_planned(const Plan& plan, const results::TrainingRecord& stored) {
  if (const PlannedTraining* same = plan.find(stored.key)) return same;
  const json wanted = settled_config(stored.config_json);
  const auto alike = [&](const PlannedTraining& planned) {
    return planned.seed == stored.seed && settled_config(planned.config) == wanted;
  };
  const auto found = std::ranges::find_if(plan.trainings, alike);
  return found == plan.trainings.end() ? nullptr : &*found;
}

std::string suite_command(const results::Store& store, const std::string& training_key) {
  for (const results::SuiteSummary& suite : store.suites()) {
    for (const results::LeaderboardRow& row : store.leaderboard_rows(suite.suite)) {
      if (row.link.training_key == training_key) return row.link.rerun_command;
    }
  }
  return "cmkd run SUITE";
}

Recipe stored_recipe(const results::Store& store, const std::string& training_key) {
  const std::vector<Recipe> recipes = store.recipes(training_key);
  if (!recipes.empty()) return recipes.front();
  throw Error(ErrorKind::kData,
              {.what = fmt::format("the store does not hold what makes training {} again: its suite file and the "
                                   "values of --set (it was stored by an older cmkd)",
                                   training_key.substr(0, 12)),
               .where = store.path().string(),
               .fix = fmt::format("'{}' with the same settings, into this store, adds them and trains nothing",
                                  suite_command(store, training_key))});
}

void refuse_external(const results::TrainingRecord& stored, const results::Store& store) {
  if (!json::parse(stored.config_json).contains("external")) return;
  throw Error(ErrorKind::kUsage, {.what = fmt::format("'{}' (seed {}) was made by another program and came in by 'cmkd "
                                                      "import': nothing here can make it again",
                                                      stored.label, stored.seed),
                                  .where = store.path().string()});
}

}  // namespace

Recipe recipe_of(const Suite& suite, const RunOptions& options) {
  const Recipe::Kind kind = options.tuning            ? Recipe::Kind::kTuning
                            : options.winners.empty() ? Recipe::Kind::kRun
                                                      : Recipe::Kind::kTuned;
  return {suite.file.stem().string(), suite.text, options.overrides, kind, options.winners};
}

Suite load_recipe(const Recipe& recipe, const std::filesystem::path& folder, const std::vector<std::string>& more) {
  const std::filesystem::path file = folder / (recipe.suite + ".toml");
  write_file_atomically(file, recipe.content);
  std::vector<std::string> overrides = recipe.overrides;
  overrides.insert(overrides.end(), more.begin(), more.end());
  Suite suite = load_suite(file, overrides);
  if (recipe.kind == Recipe::Kind::kTuning) return tuning_suite(suite);
  return recipe.kind == Recipe::Kind::kTuned ? tuned_suite(suite) : suite;
}

Rerun prepare_rerun(const results::Store& store, const std::string& training_key, const RerunOptions& options) {
  const std::optional<results::TrainingRecord> stored = store.training(training_key);
  if (!stored) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("the store has no training {}", training_key), .where = store.path().string()});
  }
  refuse_external(*stored, store);
  const Recipe recipe = stored_recipe(store, training_key);
  Rerun rerun{load_recipe(recipe, options.folder, options.overrides), {}, training_key, "", ""};
  rerun.options.out = options.folder;
  rerun.options.cache_root = options.cache_root;
  rerun.options.overrides = recipe.overrides;
  rerun.options.overrides.insert(rerun.options.overrides.end(), options.overrides.begin(), options.overrides.end());
  rerun.options.tuning = recipe.kind == Recipe::Kind::kTuning;
  rerun.options.winners = recipe.winners;
  rerun.options.jobs = options.jobs;
  rerun.options.device = options.device;
  const Plan plan = plan_of(rerun.suite, list_data(rerun.suite, options.cache_root).plan_source(), rerun.options);
  const PlannedTraining* planned = find_planned(plan, *stored);
  if (planned == nullptr) {
    throw Error(
        ErrorKind::kData,
        {.what = fmt::format("this program's plan of the stored suite has no '{}' of seed {} with these settings",
                             stored->label, stored->seed),
         .where = rerun.suite.file.string(),
         .fix = "settings or their defaults have changed since: take the program that made it (" +
                store.environment(training_key).values["git_revision"] + ")"});
  }
  rerun.key = planned->key;
  rerun.evaluation_key = planned->evaluation().key;
  rerun.options.filter.keys = {planned->key};
  return rerun;
}

RunSummary run_again(const Rerun& rerun) { return run_suite(rerun.suite, rerun.options); }

}  // namespace cmkd
