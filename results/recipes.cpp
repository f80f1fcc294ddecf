// What makes trainings again: recipes, written and asked.
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "state.h"
#include "writer.h"

namespace cmkd::results {

using nlohmann::json;

std::string Writer::put_recipe(const Recipe& recipe) {
  const std::string overrides = json(recipe.overrides).dump();
  const std::string winners = json(recipe.winners).dump();
  const std::string kind = to_string(recipe.kind);
  std::string fingerprint =
      Hasher().field(recipe.suite).field(recipe.content).field(overrides).field(kind).field(winners).hex();
  Statement(database_,
            "INSERT OR IGNORE INTO recipe (fingerprint, suite, content, overrides_json, kind, winners_json) "
            "VALUES (?, ?, ?, ?, ?, ?)")
      .bind(fingerprint, recipe.suite, recipe.content, overrides, kind, winners)
      .run();
  return fingerprint;
}

void Writer::link_recipe(const std::string& training_key, const std::string& recipe_fingerprint) {
  Statement(database_, "INSERT OR IGNORE INTO training_recipe (training_key, recipe_fingerprint) VALUES (?, ?)")
      .bind(training_key, recipe_fingerprint)
      .run();
}

void Store::put_recipe(const Recipe& recipe, const std::vector<std::string>& training_keys) {
  require_writable(*state_);
  Transaction transaction(state_->database);
  Writer writer(state_->database);
  const std::string fingerprint = writer.put_recipe(recipe);
  for (const std::string& key : training_keys) writer.link_recipe(key, fingerprint);
  transaction.commit();
}

std::vector<Recipe> Store::recipes(const std::string& training_key) const {
  Statement rows(state_->database,
                 "SELECT r.suite, r.content, r.overrides_json, r.kind, r.winners_json FROM training_recipe AS t "
                 "JOIN recipe AS r ON r.fingerprint = t.recipe_fingerprint WHERE t.training_key = ? "
                 "ORDER BY r.fingerprint");
  rows.bind(training_key);
  std::vector<Recipe> recipes;
  while (rows.step()) {
    try {
      recipes.push_back({rows.text(0), rows.text(1), json::parse(rows.text(2)).get<std::vector<std::string>>(),
                         parse_named<Recipe::Kind>(rows.text(3), "kind"),
                         json::parse(rows.text(4)).get<std::map<std::string, std::int64_t>>()});
    } catch (const json::exception& error) {
      throw Error(ErrorKind::kData, {.what = std::string("a recipe in the result store is damaged: ") + error.what(),
                                     .where = path().string() + ", training " + training_key,
                                     .fix = "restore a copy of the store"});
    }
  }
  return recipes;
}

bool Store::put_external(const TrainingRecord& training, const EvaluationRecord& evaluation, const SuiteLink& link) {
  require_writable(*state_);
  const bool external = link.role == RowRole::kExternal && training.status == RunStatus::kDone &&
                        training.initial_weights_fingerprint.empty() && training.batch_order_fingerprint.empty() &&
                        link.training_key == training.key && link.evaluation_key == evaluation.key;
  if (!external) throw Error(ErrorKind::kInternal, {.what = "a row that is not external is put as one"});
  const std::vector<EvaluationRecord> evaluations{evaluation};
  const std::vector<PreparedEvaluation> prepared =
      prepare_evaluations(training.key, evaluations, state_->artifact_folder);
  Transaction transaction(state_->database);
  Writer writer(state_->database);
  writer.put_training(training, std::nullopt);
  writer.put_evaluation(prepared.front());
  const bool other = writer.replace_external_link(link);
  transaction.commit();
  return other;
}

}  // namespace cmkd::results
