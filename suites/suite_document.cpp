#include "suite_document.h"

#include <fmt/format.h>

#include <vector>

#include "cmkd/core/error.h"

namespace cmkd::suite_file {

namespace {

// What belongs to the process is one setting for teacher and students alike.
void refuse_moved(const std::string& name, const std::string& where) {
  if (name != "threads_per_run" && name != "deterministic") return;
  const char* now = name == "deterministic" ? "deterministic" : "threads";
  refuse_suite(fmt::format("'{}' is no setting of a training: a process has one, for teacher and students", name),
               where, fmt::format("[runtime] {} = …", now),
               fmt::format("move it to [runtime], or --set runtime.{}=…", now));
}

}  // namespace

void refuse_suite(const std::string& what, const std::string& where, const std::string& allowed,
                  const std::string& fix) {
  throw Error(ErrorKind::kUsage, {what, where, allowed, fix});
}

std::string Document::where(const toml::node& node) const {
  return is_override ? name : fmt::format("{}:{}", name, node.source().begin.line);
}

std::string Document::origin(const toml::node& node) const { return is_override ? "--set" : where(node); }

toml::table parse(const std::string& text, const std::string& name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    refuse_suite(fmt::format("not valid TOML: {}", error.description()),
                 fmt::format("{}:{}", name, error.source().begin.line));
  }
}

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

ParameterValue text_or_list(const toml::node& node, const std::string& key, const Document& document) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return text_value(node, key, document.where(node));
  std::vector<std::string> items;
  for (const toml::node& item : *list) items.push_back(text_value(item, key, document.where(item)));
  return join(items);
}

const toml::table* table_of(const toml::table& root, const std::string& name, const Document& document) {
  const toml::node* node = root.get(name);
  if (node == nullptr) return nullptr;
  const toml::table* table = node->as_table();
  if (table == nullptr) refuse_suite(fmt::format("'{}' must be a table: [{}]", name, name), document.where(*node));
  return table;
}

void set_value(Section& section, const std::string& name, const toml::node& node, const Document& document) {
  const std::string where = document.where(node);
  if (!section.has(name)) refuse_moved(name, where);
  section.set(name, scalar(node, name, where), where);
  section.set_origin(name, document.origin(node));
}

void read_section(const toml::table& table, const Document& document, Section& section,
                  const std::set<std::string>& reserved) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (!reserved.contains(name)) set_value(section, name, node, document);
  }
}

}  // namespace cmkd::suite_file
