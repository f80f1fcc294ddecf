#include "cmkd/harness/keys.h"

#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/harness/pretrained.h"
#include "cmkd/methods/method.h"

namespace cmkd {

using nlohmann::json;

namespace {

json values_json(const Parameters& parameters, const std::set<std::string>& leave_out = {}) {
  json object = json::object();
  for (const auto& [name, value] : parameters.values()) {
    if (leave_out.contains(name)) continue;
    std::visit([&, &key = name](const auto& held) { object[key] = held; }, value);
  }
  return object;
}

// The file's content, not its path.
json model_json(const ModelEntry& entry) {
  json model{
      {"id", entry.id}, {"modality", to_string(entry.modality)}, {"parameters", values_json(entry.section.values)}};
  if (!entry.has_weights()) return model;
  model["weights"] = values_json(entry.weights.values, {"weights", "weights_pretrained_on"});
  model["weights"]["content"] = weights_hash(entry);
  return model;
}

// [training] or [teacher.training]. `reads_maps`: the method compares feature maps of the teacher, and whether they are
// kept or computed anew may change their last bits.
json budget_json(const Parameters& budget, bool reads_maps) {
  std::set<std::string> leave_out{"keep_weights"};
  if (!reads_maps) leave_out.insert("teacher_maps_mib");
  if (budget.text("optimizer") != "sgd") leave_out.insert("momentum");
  return values_json(budget, leave_out);
}

// What judges an epoch or a training.
json judging_json(const Suite& suite) {
  const Parameters& evaluation = suite.evaluation.values;
  const std::string& task = suite.general.values.text("task");
  json judging{{"task", task},
               {"protocol", suite.general.values.text("protocol")},
               {"test_views", suite.clip.values.integer("test_views")},
               {"test_crops", suite.clip.values.text("test_crops")},
               {"batch", evaluation.integer("batch")}};
  if (task != "retrieval") {
    judging["average"] = evaluation.text("average");
    return judging;
  }
  judging["gallery"] = evaluation.text("gallery");
  if (suite.general.values.text("protocol") == "paper") judging["truncate_at"] = evaluation.integer("truncate_at");
  return judging;
}

// Where an epoch is chosen, how it is judged decides which; elsewhere nothing of the evaluation reaches the weights.
void add_selection(const Suite& suite, const Parameters& budget, json& config) {
  const bool chooses = budget.text("select") == "best_validation" || suite.general.values.text("protocol") == "paper";
  if (chooses) config["selection"] = judging_json(suite);
}

json labels_json(const Suite& suite, std::set<std::string> leave_out) {
  const Parameters& labels = suite.labels.values;
  leave_out.insert("folds");  // which one it is stands in the configuration itself
  if (labels.text("teacher_train") == "same") leave_out.insert("teacher_share");
  if (labels.integer("labelled") == 0) leave_out.insert({"label_selection", "label_draw"});
  return values_json(labels, leave_out);
}

// What every training on the suite's clips shares; `modality` is what the trained model takes.
json shared_json(const Suite& suite, const CellData& data, Modality modality) {
  const char* of_the_other = modality == Modality::kVideo ? "audio_seconds" : "normalise";
  json config{{"version", kTrainingVersion},
              {"dataset", {{"id", suite.dataset}, {"source_fingerprint", data.source_fingerprint}}},
              {"clip", values_json(suite.clip.values, {"test_views", "test_crops", of_the_other})},
              {"direction", suite.direction()},
              {"runtime", values_json(suite.runtime.values)}};
  if (!data.fold.empty()) config["fold"] = data.fold;
  return config;
}

json corruption_json(const Parameters& corruption) {
  const std::string& kind = corruption.text("kind");
  json config{{"kind", kind}, {"share", corruption.number("share")}};
  if (kind == "noise") config["snr_db"] = corruption.number("snr_db");
  if (kind == "shift") config["shift_s"] = corruption.number("shift_s");
  if (kind == "occlude") config["area"] = corruption.number("area");
  return config;
}

json identity_json(const std::string& id, const Parameters& parameters, const std::string& control) {
  return {{"id", id},
          {"source", source_hash_of(method_registry().get(id))},
          {"parameters", values_json(parameters)},
          {"control", control}};
}

}  // namespace

json teacher_config(const Suite& suite, const CellData& data, std::int64_t seed, const std::string& split) {
  json config = shared_json(suite, data, suite.teacher.modality);
  config["method"] = identity_json("teacher", Parameters(), "");
  config["labels"] = labels_json(suite, {"labelled", "label_selection", "label_draw"});
  config["model"] = model_json(suite.teacher);
  config["training"] = budget_json(suite.teacher.training.values, /*reads_maps=*/false);
  config["seed"] = seed;
  add_selection(suite, suite.teacher.training.values, config);
  // Its outputs are what students learn from: the last bits of a forward pass may change with its batch.
  config["outputs_batch"] = suite.evaluation.values.integer("batch");
  // Its cached outputs hold scores of the clips that judge: a tuning's teacher is never taken for a reported one.
  if (split != "test") config["judged_on"] = split;
  return config;
}

json cell_config(const Suite& suite, const CellData& data, std::int64_t seed) {
  json config = shared_json(suite, data, suite.student.modality);
  config["labels"] = labels_json(suite, {});
  config["model"] = model_json(suite.student);
  config["training"] = budget_json(suite.training.values, /*reads_maps=*/false);
  config["seed"] = seed;
  add_selection(suite, suite.training.values, config);
  return config;
}

json method_config(const Suite& suite, const json& cell, const MethodChoice& method) {
  const Needs& needs = method_registry().get(method.id).needs;
  json config = cell;
  config["training"] = budget_json(method.budget, needs.teacher_tokens || needs.teacher_stages);
  config["method"] = identity_json(method.id, method.parameters, method.control);
  config["teacher"] = method.teacher_key;
  // A method without a teacher does not notice: it is trained once for all levels of a sweep.
  if (!method.teacher_key.empty() && suite.corruption.values.text("kind") != "none") {
    config["corruption"] = corruption_json(suite.corruption.values);
  }
  return config;
}

json evaluation_config(const Suite& suite, const std::string& training_key, const std::string& split) {
  json config = judging_json(suite);
  config["version"] = kEvaluationVersion;
  config["training"] = training_key;
  config["split"] = split;
  return config;
}

std::string canonical_json(const Parameters& parameters) { return values_json(parameters).dump(); }

std::string dataset_config_json(const Suite& suite) {
  // The folder is where the data happens to lie on this machine: no part of what it is.
  return json{{"id", suite.dataset},
              {"parameters", values_json(suite.dataset_values.values, {"root", "csv"})},
              {"ingest", values_json(suite.ingest.values)}}
      .dump();
}

}  // namespace cmkd
