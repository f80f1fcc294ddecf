// A stored training planned again from its recipe.
#include "catch.h"
//
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/rerun.h"
#include "finished.h"

using namespace cmkd;
using nlohmann::json;

namespace {

std::string error_text(const results::Store& store, const std::string& key, const RerunOptions& options) {
  try {
    (void)prepare_rerun(store, key, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a stored training is planned again from the store alone, also where its code has changed since") {
  const test::Finished finished;
  const PlannedTraining& kd = finished.planned("kd");
  {
    RunLedger ledger = finished.ledger();
    CHECK(ledger.commit(finished.planned("teacher")));
    CHECK(ledger.commit(kd));
  }
  const std::filesystem::path path = RunFolder{finished.options.out}.store();
  results::Store store = results::Store::open(path, results::OpenMode::kReadWriteCreate);
  const std::vector<results::Recipe> recipes = store.recipes(kd.key);
  REQUIRE(recipes.size() == 1);
  CHECK(recipes[0].suite == "tiny");
  CHECK(recipes[0].content == test::tiny_suite("Tiny", {"kd"}));
  RerunOptions options;
  options.folder = finished.trained.folder / "again";
  options.cache_root = finished.trained.folder / "cache";
  options.overrides = {"training.keep_weights=true"};
  const Rerun same = prepare_rerun(store, kd.key, options);
  CHECK(same.key == kd.key);
  CHECK(same.evaluation_key == kd.evaluation().key);
  CHECK(same.options.filter.keys == std::vector<std::string>{kd.key});
  CHECK(std::filesystem::exists(options.folder / "tiny.toml"));
  // Its teacher is trained before it, and may be made again by itself although the suite does not show it.
  const Plan plan = plan_of(same.suite, finished.trained.data->listed.plan_source(), same.options);
  CHECK(plan.trainings.size() == 2);
  const Rerun teacher = prepare_rerun(store, kd.teacher_key, options);
  CHECK(plan_of(teacher.suite, finished.trained.data->listed.plan_source(), teacher.options).trainings.size() == 1);

  // The same training as an older program had it: another source of the method, another teacher.
  results::TrainingRecord older = *store.training(kd.key);
  json config = json::parse(older.config_json);
  config["method"]["source"] = "of an older program";
  config["teacher"] = "of an older program";
  older.config_json = config.dump();
  older.key = hash_hex(older.config_json);
  store.commit_run(older, {});
  CHECK(mentions(error_text(store, older.key, options), "does not hold what makes training"));
  store.put_recipe(recipes[0], {older.key});
  CHECK(prepare_rerun(store, older.key, options).key == kd.key);
  // A setting that is another is another training.
  config["training"]["learning_rate"] = 77.0;
  older.config_json = config.dump();
  older.key = hash_hex(older.config_json);
  store.commit_run(older, {});
  store.put_recipe(recipes[0], {older.key});
  CHECK(mentions(error_text(store, older.key, options), "no 'kd' of seed 0 with these settings"));
  CHECK(mentions(error_text(store, "unknown", options), "no training unknown"));
}
