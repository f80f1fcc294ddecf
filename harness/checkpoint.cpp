#include "cmkd/harness/checkpoint.h"

#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"

namespace cmkd {

using nlohmann::json;

namespace {

json epochs_json(const std::vector<results::EpochValue>& epochs) {
  json rows = json::array();
  for (const results::EpochValue& value : epochs)
    rows.push_back({value.epoch, value.phase, value.kind, value.name, value.value});
  return rows;
}

std::vector<results::EpochValue> epochs_of(const json& rows) {
  std::vector<results::EpochValue> epochs;
  for (const json& row : rows) epochs.push_back({row[0], row[1], row[2], row[3], row[4]});
  return epochs;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint) {
  SafetensorsFile content;
  content.tensors = checkpoint.tensors;
  const json position{{"key", checkpoint.key},
                      {"shared_code", checkpoint.shared_code},
                      {"phase", checkpoint.phase},
                      {"epoch", checkpoint.epoch},
                      {"step", checkpoint.step},
                      {"initial_weights", checkpoint.initial_weights_fingerprint},
                      {"batch_order", checkpoint.batch_order},
                      {"augmentation", checkpoint.augmentation},
                      {"epochs", epochs_json(checkpoint.epochs)},
                      {"best_validation", checkpoint.best_validation},
                      {"selected_epoch", checkpoint.selected_epoch},
                      {"seconds", checkpoint.seconds},
                      {"validation_seconds", checkpoint.validation_seconds},
                      {"sum_names", checkpoint.sum_names}};
  content.metadata = {{"position", position.dump()}, {"fingerprint", fingerprint(content.tensors)}};
  write_safetensors(file, content);
}

std::optional<Checkpoint> load_checkpoint(const std::filesystem::path& file, const std::string& key) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::kData, {.what = "the checkpoint " + why,
                                   .where = file.string(),
                                   .fix = "delete the file: the training then starts again"});
  };
  SafetensorsFile content = read_safetensors(file);
  Checkpoint checkpoint;
  try {
    const json position = json::parse(content.metadata.at("position"));
    checkpoint.key = position.at("key");
    if (checkpoint.key != key) refuse("belongs to another training");
    checkpoint.shared_code = position.value("shared_code", std::string());
    checkpoint.phase = position.at("phase");
    checkpoint.epoch = position.at("epoch");
    checkpoint.step = position.at("step");
    checkpoint.initial_weights_fingerprint = position.at("initial_weights");
    checkpoint.batch_order = position.at("batch_order");
    checkpoint.augmentation = position.at("augmentation");
    checkpoint.epochs = epochs_of(position.at("epochs"));
    checkpoint.best_validation = position.at("best_validation");
    checkpoint.selected_epoch = position.at("selected_epoch");
    checkpoint.seconds = position.at("seconds");
    checkpoint.validation_seconds = position.at("validation_seconds");
    checkpoint.sum_names = position.at("sum_names").get<std::vector<std::string>>();
    if (content.metadata.at("fingerprint") != fingerprint(content.tensors)) refuse("does not match its checksum");
  } catch (const json::exception& error) {
    refuse(std::string("cannot be read: ") + error.what());
  } catch (const std::out_of_range&) {
    refuse("lacks its position");
  }
  checkpoint.tensors = std::move(content.tensors);
  return checkpoint;
}

}  // namespace cmkd
