// The file by which a worker hands a finished run to the process that owns the store.
#include <ATen/Functions.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/harness/run_one.h"

namespace cmkd {

using nlohmann::json;
using results::EvaluationRecord;
using results::TrainingRecord;

namespace {

// One list of the text fields of a training, for both directions.
template <typename Record, typename Visit>
void visit_texts(Record& record, const Visit& visit) {
  visit("key", record.key);
  visit("config", record.config_json);
  visit("cell", record.cell_key);
  visit("dataset", record.dataset_fingerprint);
  visit("decoded", record.decoded_fingerprint);
  visit("method", record.method);
  visit("control", record.control);
  visit("label", record.label);
  visit("verified", record.verified);
  visit("direction", record.direction);
  visit("student_model", record.student_model);
  visit("teacher_model", record.teacher_model);
  visit("teacher_key", record.teacher_key);
  visit("reason", record.reason);
  visit("initial_weights", record.initial_weights_fingerprint);
  visit("batch_order", record.batch_order_fingerprint);
  visit("augmentation", record.augmentation_fingerprint);
  visit("final_weights", record.final_weights_fingerprint);
  visit("weights_file", record.weights_file);
  visit("selection_rule", record.selection_rule);
  visit("shared_code", record.shared_code);
}

json training_json(const TrainingRecord& record) {
  json object = json::object();
  visit_texts(record, [&](const char* name, const std::string& text) { object[name] = text; });
  object["seed"] = record.seed;
  object["failed"] = record.status == results::RunStatus::kFailed;
  object["selected_epoch"] = record.selected_epoch;
  object["environment"] = record.environment.values;
  object["measured"] = record.measured;
  json& epochs = object["epochs"] = json::array();
  for (const results::EpochValue& value : record.epochs)
    epochs.push_back({value.epoch, value.phase, value.kind, value.name, value.value});
  return object;
}

TrainingRecord training_of(const json& object) {
  TrainingRecord record;
  visit_texts(record, [&](const char* name, std::string& text) { text = object.at(name); });
  record.seed = object.at("seed");
  record.status = object.at("failed").get<bool>() ? results::RunStatus::kFailed : results::RunStatus::kDone;
  record.selected_epoch = object.at("selected_epoch");
  record.environment.values = object.at("environment").get<std::map<std::string, std::string>>();
  record.measured = object.at("measured").get<std::map<std::string, double>>();
  for (const json& row : object.at("epochs")) record.epochs.push_back({row[0], row[1], row[2], row[3], row[4]});
  return record;
}

json evaluation_json(const EvaluationRecord& record) {
  json metrics = json::array();
  for (const results::MetricValue& metric : record.metrics)
    metrics.push_back({metric.name, metric.split, metric.value, metric.clips});
  return {{"key", record.key},
          {"config", record.config_json},
          {"training", record.training_key},
          {"task", record.task},
          {"protocol", record.protocol},
          {"split", record.split},
          {"shared_code", record.shared_code},
          {"metrics", metrics},
          {"measured", record.measured},
          {"clip_ids", record.outputs.clip_ids},
          {"groups", record.outputs.groups},
          {"labels", record.outputs.labels},
          {"tags", record.outputs.tags},
          {"queries", record.outputs.queries},
          {"width", record.outputs.width}};
}

EvaluationRecord evaluation_of(const json& object, const at::Tensor& scores) {
  EvaluationRecord record;
  record.key = object.at("key");
  record.config_json = object.at("config");
  record.training_key = object.at("training");
  record.task = object.at("task");
  record.protocol = object.at("protocol");
  record.split = object.at("split");
  record.shared_code = object.at("shared_code");
  for (const json& row : object.at("metrics")) record.metrics.push_back({row[0], row[1], row[2], row[3]});
  record.measured = object.at("measured").get<std::map<std::string, double>>();
  record.outputs.clip_ids = object.at("clip_ids").get<std::vector<std::string>>();
  record.outputs.groups = object.at("groups").get<std::vector<std::string>>();
  record.outputs.labels = object.at("labels").get<std::vector<std::int32_t>>();
  record.outputs.width = object.at("width");
  record.outputs.tags = object.at("tags").get<std::vector<std::vector<std::int32_t>>>();
  record.outputs.queries = object.at("queries");
  const auto* values = scores.const_data_ptr<float>();
  record.outputs.scores.assign(values, values + scores.numel());
  return record;
}

std::string scores_name(std::size_t index) { return "scores." + std::to_string(index); }

}  // namespace

void save_result(const std::filesystem::path& file, const RunResult& result) {
  SafetensorsFile content;
  json evaluations = json::array();
  for (std::size_t i = 0; i < result.evaluations.size(); ++i) {
    evaluations.push_back(evaluation_json(result.evaluations[i]));
    content.tensors.emplace(scores_name(i), at::tensor(result.evaluations[i].outputs.scores, at::kFloat));
  }
  content.metadata = {{"training", training_json(result.training).dump()},
                      {"evaluations", evaluations.dump()},
                      {"evaluation_only", result.evaluation_only ? "true" : "false"},
                      {"replaces", result.replaces ? "true" : "false"},
                      {"fingerprint", fingerprint(content.tensors)}};
  write_safetensors(file, content);
}

RunResult load_result(const std::filesystem::path& file) {
  const SafetensorsFile content = read_safetensors(file);
  try {
    if (content.metadata.at("fingerprint") != fingerprint(content.tensors)) throw std::out_of_range("checksum");
    RunResult result;
    result.evaluation_only = content.metadata.at("evaluation_only") == "true";
    result.replaces = content.metadata.at("replaces") == "true";
    result.training = training_of(json::parse(content.metadata.at("training")));
    const json evaluations = json::parse(content.metadata.at("evaluations"));
    for (std::size_t i = 0; i < evaluations.size(); ++i) {
      result.evaluations.push_back(evaluation_of(evaluations[i], content.tensors.at(scores_name(i))));
    }
    return result;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kData, {.what = std::string("a finished run cannot be read: ") + error.what(),
                                   .where = file.string(),
                                   .fix = "delete the file: the run is then evaluated again from its checkpoint"});
  }
}

}  // namespace cmkd
