// Reads a suite file (TOML) and `--set` against the declared settings.
#include <fmt/format.h>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/methods/method.h"
#include "cmkd/models/model.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

namespace {

[[noreturn]] void refuse_suite(const std::string& what, const std::string& where, const std::string& allowed = "",
                               const std::string& fix = "") {
  throw Error(ErrorKind::kUsage, {what, where, allowed, fix});
}

// A parsed document with the name that its errors carry.
struct Document {
  std::string name;
  bool is_override = false;

  [[nodiscard]] std::string where(const toml::node& node) const {
    return is_override ? name : fmt::format("{}:{}", name, node.source().begin.line);
  }
};

ParameterValue scalar(const toml::node& node, const std::string& key, const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return static_cast<std::int64_t>(integer->get());
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  refuse_suite(fmt::format("'{}' is not a single value", key), where, "a text, a number, true or false");
}

std::string text_value(const toml::node& node, const std::string& key, const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  refuse_suite(fmt::format("'{}' must be a text", key), where);
}

// A list of texts counts as one text: ["a", "b"] as "a, b".
ParameterValue text_or_list(const toml::node& node, const std::string& key, const Document& document) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return text_value(node, key, document.where(node));
  std::vector<std::string> items;
  for (const toml::node& item : *list) items.push_back(text_value(item, key, document.where(item)));
  return join(items);
}

// The entries "weights" and "weights_…" of [student] and [teacher].
std::set<std::string> read_weights(const toml::table& table, const Document& document, Section& section) {
  std::set<std::string> taken;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (name != "weights" && !name.starts_with("weights_")) continue;
    const std::string where = document.where(node);
    section.values.set(
        name, name == "weights_pretrained_on" ? text_or_list(node, name, document) : scalar(node, name, where), where);
    section.origins[name] = document.is_override ? "--set" : where;
    taken.insert(name);
  }
  return taken;
}

// What belongs to the process is one setting for teacher and students alike.
void refuse_moved(const std::string& name, const std::string& where) {
  if (name != "threads_per_run" && name != "deterministic") return;
  const char* now = name == "deterministic" ? "deterministic" : "threads";
  refuse_suite(fmt::format("'{}' is no setting of a training: a process has one, for teacher and students", name),
               where, fmt::format("[runtime] {} = …", now),
               fmt::format("move it to [runtime], or --set runtime.{}=…", now));
}

// Writes the entries of `table` that are not in `reserved` into `section`.
void read_section(const toml::table& table, const Document& document, Section& section,
                  const std::set<std::string>& reserved = {}) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (reserved.contains(name)) continue;
    if (!section.values.values().contains(name)) refuse_moved(name, document.where(node));
    section.values.set(name, scalar(node, name, document.where(node)), document.where(node));
    section.origins[name] = document.is_override ? "--set" : document.where(node);
  }
}

const toml::table* table_of(const toml::table& root, const std::string& name, const Document& document) {
  const toml::node* node = root.get(name);
  if (node == nullptr) return nullptr;
  const toml::table* table = node->as_table();
  if (table == nullptr) refuse_suite(fmt::format("'{}' must be a table: [{}]", name, name), document.where(*node));
  return table;
}

void read_model(const toml::table& table, const Document& document, ModelEntry& entry, const std::string& role) {
  if (const toml::node* node = table.get("modality")) {
    entry.modality = parse_modality(text_value(*node, "modality", document.where(*node)), document.where(*node));
  }
  if (const toml::node* node = table.get("model")) {
    const std::string id = text_value(*node, "model", document.where(*node));
    const ModelInfo& info = model_registry().get(id, document.where(*node));
    if (id != entry.id) entry.section = {Parameters(info.parameters), {}};
    entry.id = id;
  }
  if (entry.id.empty())
    refuse_suite(fmt::format("[{}] names no model", role), document.name, join(model_registry().names()),
                 "add model = \"…\"");
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

MethodEntry read_method(const toml::table& table, const Document& document) {
  const toml::node* id = table.get("id");
  if (id == nullptr)
    refuse_suite("a method has no id", document.where(table), join(method_registry().names()), "add id = \"…\"");
  MethodEntry entry;
  entry.origin = document.where(*id);
  entry.id = text_value(*id, "id", entry.origin);
  const MethodInfo& info = method_registry().get(entry.id, entry.origin);
  entry.section.values = Parameters(info.parameters);
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
      entry.section.values.set(name, value);
      entry.section.origins[name] = "preset " + preset;
    }
  }
  if (const toml::node* node = table.get("controls")) {
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
  read_section(table, document, entry.section, {"id", "preset", "controls"});
  return entry;
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

void read_dataset(const toml::table& root, const Document& document, Suite& suite) {
  const toml::table* table = table_of(root, "dataset", document);
  const toml::node* id = table == nullptr ? nullptr : table->get("id");
  if (id == nullptr)
    refuse_suite("the suite names no dataset", document.name, join(dataset_registry().names()),
                 "add [dataset] with id = \"…\"");
  suite.dataset = text_value(*id, "id", document.where(*id));
  suite.dataset_values.values = Parameters(dataset_registry().get(suite.dataset, document.where(*id)).parameters);
  read_section(*table, document, suite.dataset_values, {"id"});
}

const std::set<std::string>& known_tables() {
  static const std::set<std::string> names{"suite",    "dataset",    "ingest", "clip",    "labels",
                                           "training", "evaluation", "tune",   "teacher", "student",
                                           "methods",  "corruption", "sweep",  "runtime"};
  return names;
}

void check_tables(const toml::table& root, const Document& document) {
  const std::vector<std::string> names(known_tables().begin(), known_tables().end());
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    if (!known_tables().contains(name)) {
      refuse_suite(fmt::format("unknown table '{}'", name), document.where(node), join(names),
                   did_you_mean(name, names));
    }
  }
}

void read_plain_sections(const toml::table& root, const Document& document, Suite& suite) {
  const std::pair<const char*, Section*> sections[] = {{"ingest", &suite.ingest},         {"clip", &suite.clip},
                                                       {"labels", &suite.labels},         {"training", &suite.training},
                                                       {"evaluation", &suite.evaluation}, {"tune", &suite.tune},
                                                       {"corruption", &suite.corruption}, {"runtime", &suite.runtime}};
  for (const auto& [name, section] : sections) {
    if (const toml::table* table = table_of(root, name, document)) read_section(*table, document, *section);
  }
  if (const toml::table* table = table_of(root, "suite", document)) {
    if (const toml::node* node = table->get("name")) suite.name = text_value(*node, "name", document.where(*node));
    read_section(*table, document, suite.general, {"name"});
  }
}

toml::table parse(const std::string& text, const std::string& name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    refuse_suite(fmt::format("not valid TOML: {}", error.description()),
                 fmt::format("{}:{}", name, error.source().begin.line));
  }
}

// The table that `--set key=value` means: the value in TOML syntax; a bare word is taken as a text.
toml::table parse_override(const std::string& text, const std::string& name) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    refuse_suite("--set wants key=value", name, "", "for example --set training.epochs=2");
  const std::string value = text.substr(equals + 1);
  try {
    return toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    toml::table table;
    table.insert("value", value);
    return table;
  }
}

void set_value(Section& section, const std::string& name, const toml::node& node, const std::string& where) {
  if (!section.values.values().contains(name)) refuse_moved(name, where);
  section.values.set(name, scalar(node, name, where), where);
  section.origins[name] = "--set";
}

void apply_override(Suite& suite, const std::string& text) {
  const std::string where = "--set " + text;
  const toml::table table = parse_override(text, where);
  const toml::node& node = *table.get("value");
  const std::string key = text.substr(0, text.find('='));
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos)
    refuse_suite(fmt::format("'{}' names no table", key), where, "table.name", "for example --set training.epochs=2");
  const std::string head = key.substr(0, dot);
  const std::string tail = key.substr(dot + 1);
  const std::map<std::string, Section*> sections{{"suite", &suite.general},         {"dataset", &suite.dataset_values},
                                                 {"ingest", &suite.ingest},         {"clip", &suite.clip},
                                                 {"labels", &suite.labels},         {"training", &suite.training},
                                                 {"evaluation", &suite.evaluation}, {"tune", &suite.tune},
                                                 {"corruption", &suite.corruption}, {"runtime", &suite.runtime}};
  if (const auto found = sections.find(head); found != sections.end())
    return set_value(*found->second, tail, node, where);
  if (head == "teacher" || head == "student") {
    ModelEntry& entry = head == "teacher" ? suite.teacher : suite.student;
    if (head == "teacher" && tail.starts_with("training."))
      return set_value(entry.training, tail.substr(9), node, where);
    toml::table one;
    one.insert(tail, node);
    return read_model(one, {where, true}, entry, head);
  }
  if (head == "methods") {
    const std::size_t second = tail.find('.');
    const std::string id = tail.substr(0, second);
    const auto method = std::ranges::find(suite.methods, id, &MethodEntry::id);
    std::vector<std::string> ids;
    for (const MethodEntry& entry : suite.methods) ids.push_back(entry.id);
    if (method == suite.methods.end())
      refuse_suite(fmt::format("the suite has no method '{}'", id), where, join(ids), did_you_mean(id, ids));
    if (second == std::string::npos) refuse_suite("no parameter named", where, "methods.<id>.<parameter>");
    return set_value(method->section, tail.substr(second + 1), node, where);
  }
  const std::vector<std::string> names(known_tables().begin(), known_tables().end());
  refuse_suite(fmt::format("unknown table '{}'", head), where, join(names), did_you_mean(head, names));
}

// Tables whose settings may be swept: they leave the clips as they are.
const std::vector<std::string>& swept_tables() {
  static const std::vector<std::string> names{"corruption", "labels", "training", "teacher", "student", "methods"};
  return names;
}

// [sweep] setting = "corruption.share", values = [0.0, 0.2]: a variant of the suite for each value.
void read_sweep(const toml::table& root, const Document& document, Suite& suite) {
  const toml::table* table = table_of(root, "sweep", document);
  if (table == nullptr) return;
  const std::vector<std::string> keys{"setting", "values"};
  for (const auto& [key, node] : *table) {
    const std::string name(key.str());
    if (name != "setting" && name != "values")
      refuse_suite(fmt::format("unknown setting '{}' of [sweep]", name), document.where(node), join(keys),
                   did_you_mean(name, keys));
  }
  const toml::node* setting = table->get("setting");
  const toml::array* values = table->get_as<toml::array>("values");
  if (setting == nullptr || values == nullptr || values->empty()) {
    refuse_suite("[sweep] needs a setting and a list of values", document.where(*table), "",
                 "for example setting = \"corruption.share\" and values = [0.0, 0.5, 1.0]");
  }
  const std::string name = text_value(*setting, "setting", document.where(*setting));
  const std::string head = name.substr(0, name.find('.'));
  if (std::ranges::find(swept_tables(), head) == swept_tables().end()) {
    refuse_suite(fmt::format("'{}' cannot be swept", name), document.where(*setting), join(swept_tables()),
                 "a sweep keeps the clips: make a suite file for each dataset");
  }
  const Suite base = suite;
  for (const toml::node& value : *values) {
    const std::optional<double> level = value.value<double>();
    if (!level) refuse_suite("a value of [sweep] is not a number", document.where(value));
    std::ostringstream text;
    text << toml::node_view<const toml::node>(value);
    Suite variant = base;
    apply_override(variant, fmt::format("{}={}", name, text.str()));
    variant.swept_setting = name;
    variant.swept_value = text.str();
    variant.condition = fmt::format("{} = {}", name, text.str());
    variant.level = level;
    for (const Suite& other : suite.variants) {
      if (other.level == level)
        refuse_suite(fmt::format("[sweep] lists {} twice", text.str()), document.where(value), "", "remove one");
    }
    suite.variants.push_back(std::move(variant));
  }
}

// A feature is the input of models for features, a waveform that of all others.
void check_audio_form(const Suite& suite, const std::string& side, const ModelEntry& entry) {
  const bool features = suite.ingest_settings().sound_is_features();
  if (entry.modality != Modality::kAudio || model_registry().get(entry.id).takes_features == features) return;
  std::vector<std::string> fitting;
  for (const std::string& id : model_registry().names()) {
    const ModelInfo& info = model_registry().get(id);
    if (info.modality == Modality::kAudio && info.takes_features == features) fitting.push_back(id);
  }
  refuse_suite(
      fmt::format("{}.model = \"{}\" does not take {}", side, entry.id,
                  features ? "features of the sound" : "sound as it was recorded"),
      suite.ingest.origin("audio_form"),
      fmt::format("with ingest.audio_form = \"{}\": {}", suite.ingest.values.text("audio_form"), join(fitting)),
      "choose another model, or set ingest.audio_form");
}

void check_features(const Suite& suite) {
  const IngestSettings settings = suite.ingest_settings();
  if (!settings.sound_is_features()) return;
  if (settings.feature_values == 0) {
    refuse_suite("ingest.feature_values is not given, and the sound is features", suite.ingest.origin("audio_form"),
                 "the number of values of a clip's array: 512 for an array of [512]",
                 "cmkd weights FILE tells its shape");
  }
  if (settings.audio_storage != "float32") {
    refuse_suite("features are stored as they are, not as int16", suite.ingest.origin("audio_storage"),
                 "ingest.audio_storage = \"float32\"", "");
  }
  const CorruptionKind kind = suite.corruption_settings().kind;
  if (kind == CorruptionKind::kNoise || kind == CorruptionKind::kShift) {
    refuse_suite(fmt::format("corruption '{}' needs the sound itself, and the suite takes features", to_string(kind)),
                 suite.corruption.origin("kind"), "none, swap, missing", "");
  }
}

// What must fit between the tables.
void check_sides(const Suite& suite, const Document& document) {
  if (suite.general.values.text("task") == "audio_tagging" && suite.student.modality != Modality::kAudio) {
    refuse_suite("the task 'audio_tagging' wants a student that hears", document.name, "[student] modality = \"audio\"",
                 "set student.modality and student.model, or another task");
  }
  check_audio_form(suite, "student", suite.student);
  check_audio_form(suite, "teacher", suite.teacher);
  for (const Suite* one : suite.cases()) {
    check_features(*one);
    const CorruptionSettings corruption = one->corruption_settings();
    if (!possible(corruption.kind, suite.teacher.modality)) {
      refuse_suite(fmt::format("corruption '{}' cannot be done to {}", to_string(corruption.kind),
                               to_string(suite.teacher.modality)),
                   one->corruption.origin("kind"), "",
                   "choose a kind for the teacher's modality: cmkd describe corruption");
    }
  }
}

}  // namespace

void set_parameter(Parameters& parameters, const std::string& text) {
  const std::string where = "--set " + text;
  const toml::table table = parse_override(text, where);
  const std::string key = text.substr(0, text.find('='));
  parameters.set(key, scalar(*table.get("value"), key, where), where);
}

Suite load_suite(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  const Document document{file.string(), false};
  const toml::table root = parse(read_file(file), document.name);
  check_tables(root, document);
  Suite suite;
  suite.file = file;
  suite.name = file.stem().string();
  suite.general.values = Parameters(section_specs("suite"));
  suite.ingest.values = Parameters(section_specs("ingest"));
  suite.clip.values = Parameters(section_specs("clip"));
  suite.labels.values = Parameters(section_specs("labels"));
  suite.training.values = Parameters(section_specs("training"));
  suite.evaluation.values = Parameters(section_specs("evaluation"));
  suite.tune.values = Parameters(section_specs("tune"));
  suite.corruption.values = Parameters(section_specs("corruption"));
  suite.runtime.values = Parameters(section_specs("runtime"));
  suite.teacher.training.values = Parameters(section_specs("training"));
  suite.teacher.weights.values = Parameters(section_specs("weights"));
  suite.student.weights.values = Parameters(section_specs("weights"));
  suite.teacher.modality = Modality::kAudio;
  suite.student.modality = Modality::kVideo;
  read_plain_sections(root, document, suite);
  read_dataset(root, document, suite);
  for (const auto& [name, entry] : {std::pair{"teacher", &suite.teacher}, std::pair{"student", &suite.student}}) {
    const toml::table* table = table_of(root, name, document);
    if (table == nullptr)
      refuse_suite(fmt::format("the suite has no [{}] table", name), document.name, "",
                   fmt::format("add [{}] with model = \"…\"", name));
    read_model(*table, document, *entry, name);
  }
  read_methods(root, document, suite);
  for (const std::string& text : overrides) apply_override(suite, text);
  read_sweep(root, document, suite);
  check_sides(suite, document);
  return suite;
}

}  // namespace cmkd
