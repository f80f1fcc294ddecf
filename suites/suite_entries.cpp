// What a suite file names of the registries, with the parameters that each declares: dataset, models, methods.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/methods/method.h"
#include "cmkd/models/model.h"
#include "suite_reader.h"

namespace cmkd::suite_file {

namespace {

// The entries "weights" and "weights_…" of [student] and [teacher].
std::set<std::string> read_weights(const toml::table& table, const Document& document,
                                   TypedSection<WeightsSettings>& section) {
  std::set<std::string> taken;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (name != "weights" && !name.starts_with("weights_")) continue;
    const std::string where = document.where(node);
    section.set(name, name == "weights_pretrained_on" ? text_or_list(node, name, document) : scalar(node, name, where),
                where);
    section.set_origin(name, document.origin(node));
    taken.insert(name);
  }
  return taken;
}

// The values of the preset that is asked for, or of the preset "suite" where there is one.
void apply_preset(const toml::table& table, const Document& document, const MethodInfo& info, MethodEntry& entry) {
  std::string preset = info.presets.contains("suite") ? "suite" : "";
  if (const toml::node* node = table.get("preset")) {
    preset = text_value(*node, "preset", document.where(*node));
    if (!info.presets.contains(preset)) {
      std::vector<std::string> names;
      for (const auto& [name, values] : info.presets) names.push_back(name);
      refuse_suite(fmt::format("method '{}' has no preset '{}'", entry.id, preset), document.where(*node), join(names),
                   did_you_mean(preset, names));
    }
  }
  if (!preset.empty()) {
    for (const auto& [name, value] : info.presets.at(preset)) {
      entry.section.set(name, value);
      entry.section.set_origin(name, "preset " + preset);
    }
  }
}

void read_controls(const toml::table& table, const Document& document, const MethodInfo& info, MethodEntry& entry) {
  const toml::node* node = table.get("controls");
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  const std::vector<std::string> known(std::begin(kControls), std::end(kControls));
  if (array == nullptr) refuse_suite("'controls' must be a list", document.where(*node), join(known));
  for (const toml::node& item : *array) {
    const std::string control = text_value(item, "controls", document.where(item));
    if (std::ranges::find(known, control) == known.end()) {
      refuse_suite(fmt::format("unknown control '{}'", control), document.where(item), join(known),
                   did_you_mean(control, known));
    }
    if (!info.needs.teacher)
      refuse_suite(fmt::format("method '{}' has no teacher to shuffle", entry.id), document.where(item));
    entry.controls.push_back(control);
  }
}

MethodEntry read_method(const toml::table& table, const Document& document) {
  const toml::node* id = table.get("id");
  if (id == nullptr)
    refuse_suite("a method has no id", document.where(table), join(method_registry().names()), "add id = \"…\"");
  MethodEntry entry;
  entry.origin = document.where(*id);
  entry.id = text_value(*id, "id", entry.origin);
  const MethodInfo& info = method_registry().get(entry.id, entry.origin);
  entry.section = NamedSection(info.parameters);
  apply_preset(table, document, info, entry);
  read_controls(table, document, info, entry);
  read_section(table, document, entry.section, {"id", "preset", "controls"});
  return entry;
}

}  // namespace

void read_dataset(const toml::table& root, const Document& document, Suite& suite) {
  const toml::table* table = table_of(root, "dataset", document);
  const toml::node* id = table == nullptr ? nullptr : table->get("id");
  if (id == nullptr) {
    refuse_suite("the suite names no dataset", document.name, join(dataset_registry().names()),
                 "add [dataset] with id = \"…\"");
  }
  suite.dataset = text_value(*id, "id", document.where(*id));
  suite.dataset_values = NamedSection(dataset_registry().get(suite.dataset, document.where(*id)).parameters);
  read_section(*table, document, suite.dataset_values, {"id"});
}

void read_model(const toml::table& table, const Document& document, ModelEntry& entry, const std::string& role) {
  if (const toml::node* node = table.get("modality")) {
    entry.modality = parse_modality(text_value(*node, "modality", document.where(*node)), document.where(*node));
  }
  if (const toml::node* node = table.get("model")) {
    const std::string id = text_value(*node, "model", document.where(*node));
    const ModelInfo& info = model_registry().get(id, document.where(*node));
    if (id != entry.id) entry.section = NamedSection(info.parameters);
    entry.id = id;
  }
  if (entry.id.empty()) {
    refuse_suite(fmt::format("[{}] names no model", role), document.name, join(model_registry().names()),
                 "add model = \"…\"");
  }
  const ModelInfo& info = model_registry().get(entry.id);
  if (info.modality != entry.modality) {
    refuse_suite(fmt::format("[{}] model '{}' is for {}, not for {}", role, entry.id, to_string(info.modality),
                             to_string(entry.modality)),
                 document.where(table), "", "set modality or another model");
  }
  if (const toml::table* training = table_of(table, "training", document))
    read_section(*training, document, entry.training);
  std::set<std::string> reserved = read_weights(table, document, entry.weights);
  reserved.insert({"modality", "model", "training"});
  read_section(table, document, entry.section, reserved);
}

void read_methods(const toml::table& root, const Document& document, Suite& suite) {
  const toml::node* node = root.get("methods");
  const toml::array* array = node == nullptr ? nullptr : node->as_array();
  if (array == nullptr || array->empty()) {
    refuse_suite("the suite names no method", document.name, join(method_registry().names()), "add [[methods]] tables");
  }
  std::set<std::string> seen;
  for (const toml::node& item : *array) {
    const toml::table* table = item.as_table();
    if (table == nullptr) refuse_suite("a method must be a table: [[methods]]", document.where(item));
    MethodEntry entry = read_method(*table, document);
    if (!seen.insert(entry.id).second) {
      refuse_suite(fmt::format("method '{}' stands twice", entry.id), entry.origin, "", "remove one of them");
    }
    suite.methods.push_back(std::move(entry));
  }
}

}  // namespace cmkd::suite_file
