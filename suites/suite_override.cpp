// A setting by its dotted name: `--set`, and what a sweep varies.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"
#include "suite_reader.h"

namespace cmkd::suite_file {

void apply_override(Suite& suite, const std::string& text) {
  const std::string where = "--set " + text;
  const Document document{where, /*is_override=*/true};
  const toml::table table = parse_override(text, where);
  const toml::node& node = *table.get("value");
  const std::string key = text.substr(0, text.find('='));
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos)
    refuse_suite(fmt::format("'{}' names no table", key), where, "table.name", "for example --set training.epochs=2");
  const std::string head = key.substr(0, dot);
  const std::string tail = key.substr(dot + 1);
  if (Section* section = suite.section(head)) return set_value(*section, tail, node, document);
  if (head == "teacher" || head == "student") {
    ModelEntry& entry = head == "teacher" ? suite.teacher : suite.student;
    if (head == "teacher" && tail.starts_with("training."))
      return set_value(entry.training, tail.substr(9), node, document);
    toml::table one;
    one.insert(tail, node);
    return read_model(one, document, entry, head);
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
    return set_value(method->section, tail.substr(second + 1), node, document);
  }
  std::vector<std::string> names(known_tables().begin(), known_tables().end());
  std::erase(names, "sweep");
  if (head == "sweep") {
    refuse_suite("a sweep is not changed from the command line: its values are part of what the suite is", where,
                 join(names), "edit the suite file, or a copy of it");
  }
  refuse_suite(fmt::format("unknown table '{}'", head), where, join(names), did_you_mean(head, names));
}

namespace {

// Tables whose settings may be swept: they leave the clips as they are.
const std::vector<std::string>& swept_tables() {
  static const std::vector<std::string> names{"corruption", "labels",  "training",  "teacher",
                                              "student",    "methods", "evaluation"};
  return names;
}

}  // namespace

void read_sweep(const toml::table& root, const Document& document, Suite& suite) {
  const toml::table* table = table_of(root, "sweep", document);
  if (table == nullptr) return;
  const std::vector<std::string> keys{"setting", "values"};
  for (const auto& [key, node] : *table) {
    const std::string name(key.str());
    if (name != "setting" && name != "values") {
      refuse_suite(fmt::format("unknown setting '{}' of [sweep]", name), document.where(node), join(keys),
                   did_you_mean(name, keys));
    }
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
    // Words have no level: their tables stand beside one another, and no curve joins them.
    const std::optional<double> level = value.is_number() ? value.value<double>() : std::nullopt;
    if (level ? !std::isfinite(*level) : !value.is_string() && !value.is_boolean()) {
      refuse_suite("a value of [sweep] is neither a finite number, nor a text, nor true or false",
                   document.where(value));
    }
    std::ostringstream text;
    text << toml::node_view<const toml::node>(value);
    Suite variant = base;
    apply_override(variant, fmt::format("{}={}", name, text.str()));
    variant.swept_setting = name;
    variant.swept_value = value.is_string() ? value.value_or(std::string()) : text.str();
    variant.level = level;
    for (const Suite& other : suite.variants) {
      if (level ? other.level == level : other.swept_value == variant.swept_value)
        refuse_suite(fmt::format("[sweep] lists {} twice", text.str()), document.where(value), "", "remove one");
    }
    suite.variants.push_back(std::move(variant));
  }
}

}  // namespace cmkd::suite_file
