#include "cmkd/harness/keys.h"

#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/harness/pretrained.h"
#include "cmkd/methods/method.h"

namespace cmkd {

using nlohmann::json;

namespace {

json values_json(const ParameterValues& values, const std::set<std::string>& leave_out = {}) {
  json object = json::object();
  for (const auto& [name, value] : values) {
    if (leave_out.contains(name)) continue;
    std::visit([&, &key = name](const auto& held) { object[key] = held; }, value);
  }
  return object;
}

// The file's content, not its path.
json model_json(const ModelEntry& entry) {
  json model{
      {"id", entry.id}, {"modality", to_string(entry.modality)}, {"parameters", values_json(entry.section.by_name())}};
  if (!entry.has_weights()) return model;
  model["weights"] = values_json(entry.weights.by_name(), {"weights", "weights_pretrained_on"});
  model["weights"]["content"] = weights_hash(entry);
  return model;
}

// [training] or [teacher.training]. `reads_maps`: the method compares feature maps of the teacher, and whether they are
// kept or computed anew may change their last bits.
json budget_json(const TrainingBudget& budget, bool reads_maps) {
  std::set<std::string> leave_out{"keep_weights"};
  if (!reads_maps) leave_out.insert("teacher_maps_mib");
  if (budget.optimizer != OptimizerKind::kSgd) leave_out.insert("momentum");
  // Younger than the first results, whose keys they leave as they were.
  if (budget.precision == Precision::kFloat32) leave_out.insert("precision");
  if (budget.memory_format == MemoryFormat::kContiguous) leave_out.insert("memory_format");
  if (!budget.graphs) leave_out.insert("graphs");
  return values_json(setting_table<TrainingBudget>().values(budget), leave_out);
}

// What judges an epoch or a training.
json judging_json(const Suite& suite) {
  const GeneralSettings& general = suite.general.values;
  const EvaluationSettings& evaluation = suite.evaluation.values;
  json judging{{"task", to_string(general.task)},
               {"protocol", to_string(general.protocol)},
               {"test_views", suite.clip.values.test_views},
               {"test_crops", to_string(suite.clip.values.test_crops)},
               {"batch", evaluation.batch}};
  if (evaluation.features != FeatureSource::kOwn) judging["features"] = to_string(evaluation.features);
  if (general.task != Task::kRetrieval) {
    if (evaluation.classifier == Classifier::kNetwork) {
      judging["average"] = to_string(evaluation.average);
      return judging;
    }
    judging["classifier"] = to_string(evaluation.classifier);
    judging["feature_windows"] = evaluation.feature_windows;
    if (evaluation.classifier == Classifier::kNearestNeighbours) judging["neighbours"] = evaluation.neighbours;
    return judging;
  }
  judging["gallery"] = to_string(evaluation.gallery);
  if (general.protocol == Protocol::kPaper) judging["truncate_at"] = evaluation.truncate_at;
  return judging;
}

// Where an epoch is chosen, how it is judged decides which; elsewhere nothing of the evaluation reaches the weights.
void add_selection(const Suite& suite, const TrainingBudget& budget, json& config) {
  if (suite.chooses_epoch(budget)) config["selection"] = judging_json(suite);
}

json labels_json(const Suite& suite, std::set<std::string> leave_out) {
  const LabelSettings& labels = suite.labels.values;
  leave_out.insert("folds");  // which one it is stands in the configuration itself
  if (labels.teacher_train == TeacherTrain::kSame) leave_out.insert("teacher_share");
  if (labels.labelled == 0) leave_out.insert({"label_selection", "label_draw"});
  return values_json(suite.labels.by_name(), leave_out);
}

// What every training on the suite's clips shares; `modality` is what the trained model takes.
json shared_json(const Suite& suite, const CellData& data, Modality modality) {
  const char* of_the_other = modality == Modality::kVideo ? "audio_seconds" : "normalise";
  json config{{"version", kTrainingVersion},
              {"dataset", {{"id", suite.dataset}, {"source_fingerprint", data.source_fingerprint}}},
              {"clip", values_json(suite.clip.by_name(), {"test_views", "test_crops", of_the_other})},
              {"direction", suite.direction()},
              {"runtime", values_json(suite.runtime.by_name())}};
  if (!data.fold.empty()) config["fold"] = data.fold;
  return config;
}

json corruption_json(const CorruptionSettings& corruption) {
  json config{{"kind", to_string(corruption.kind)}, {"share", corruption.share}};
  if (corruption.kind == CorruptionKind::kNoise) config["snr_db"] = corruption.snr_db;
  if (corruption.kind == CorruptionKind::kShift) config["shift_s"] = corruption.shift_s;
  if (corruption.kind == CorruptionKind::kOcclude) config["area"] = corruption.area;
  return config;
}

json identity_json(const std::string& id, const Parameters& parameters, const std::string& control) {
  return {{"id", id},
          {"source", source_hash_of(method_registry().get(id))},
          {"parameters", values_json(parameters.values())},
          {"control", control}};
}

}  // namespace

json teacher_config(const Suite& suite, const CellData& data, std::int64_t seed, Split split) {
  json config = shared_json(suite, data, suite.teacher.modality);
  config["method"] = identity_json("teacher", Parameters(), "");
  config["labels"] = labels_json(suite, {"labelled", "label_selection", "label_draw"});
  config["model"] = model_json(suite.teacher);
  config["training"] = budget_json(suite.teacher.training.values, /*reads_maps=*/false);
  config["seed"] = seed;
  add_selection(suite, suite.teacher.training.values, config);
  // Its outputs are what students learn from: the last bits of a forward pass may change with its batch.
  config["outputs_batch"] = suite.evaluation.values.batch;
  // Its cached outputs hold scores of the clips that judge: a tuning's teacher is never taken for a reported one.
  if (split != Split::kTest) config["judged_on"] = to_string(split);
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
  if (needs.both_inputs) {
    config["other_model"] = model_json(suite.teacher);
    config["clip"] = values_json(suite.clip.by_name(), {"test_views", "test_crops"});
  }
  // A method without a teacher does not notice: it is trained once for all levels of a sweep.
  if (!method.teacher_key.empty() && suite.corruption.values.kind != CorruptionKind::kNone) {
    config["corruption"] = corruption_json(suite.corruption.values);
  }
  return config;
}

json evaluation_config(const Suite& suite, const std::string& training_key, Split split) {
  json config = judging_json(suite);
  config["version"] = kEvaluationVersion;
  config["training"] = training_key;
  config["split"] = to_string(split);
  return config;
}

std::string canonical_json(const ParameterValues& values) { return values_json(values).dump(); }

std::string dataset_config_json(const Suite& suite) {
  // The folder is where the data happens to lie on this machine: no part of what it is.
  return json{{"id", suite.dataset},
              {"parameters", values_json(suite.dataset_values.by_name(), {"root", "csv"})},
              {"ingest", values_json(suite.ingest.by_name())}}
      .dump();
}

}  // namespace cmkd
