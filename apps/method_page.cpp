// `cmkd describe METHOD --markdown`: a method's page in docs/methods/, from the registration and from the comment that
// stands above its code. No page depends on a machine or on the hash of the source: it changes when what it says does.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/methods/source_code.h"
#include "describe.h"

namespace cmkd::apps {

namespace {

using Json = nlohmann::json;

// Text in a cell of a table.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string row_of(const std::string& name, const std::string& text) {
  return fmt::format("| {} | {} |\n", name, cell(text));
}

std::string joined(const Json& list) { return join(list.get<std::vector<std::string>>(), "; "); }

std::string facts(const MethodInfo& info, const Json& described, const MethodSource* source) {
  std::string text = "| | |\n|---|---|\n";
  text += row_of("paper", info.paper.empty() ? "none" : info.paper);
  text += row_of("role", role_text(info.role));
  text += row_of("verified", verified_text(info.verified));
  if (!info.conformance.empty()) {
    std::vector<std::string> folders;
    for (const auto& [folder, check] : info.conformance) folders.push_back(code(folder));
    text += row_of("vectors of `cmkd conformance`", join(folders));
  }
  text += row_of("needs", joined(described.at("needs")));
  text += row_of("cost of a step", joined(described.at("cost_per_step")));
  text += row_of("clips without a label", info.unlabelled);
  text += row_of("clips of several tags", info.multi_label ? "taken" : "refused");
  if (source == nullptr) return text;
  std::vector<std::string> files;
  for (const std::string& file : source->files) files.push_back(code(file));
  return text + row_of("source", join(files));
}

std::string formula(const MethodInfo& info, const MethodSource* source) {
  std::string text = fmt::format("\n## Formula\n\n```text\n{}\n```\n", info.formula);
  const std::string head = source == nullptr ? "" : without_differences(source->head);
  if (!head.empty())
    text += fmt::format("\nIn full, with shapes, as it stands above the code:\n\n```text\n{}```\n", head);
  return text;
}

std::string differences(const MethodInfo& info, const MethodSource* source) {
  const std::string text = source == nullptr ? "" : differences_in(source->head);
  if (!text.empty()) return fmt::format("\n## Where it differs from its paper, and why\n\n{}\n", text);
  return info.paper.empty() ? "" : "\n## Where it differs from its paper, and why\n\nNot stated.\n";
}

std::string parameters(const Json& described) {
  if (described.at("parameters").empty()) return "\n## Parameters\n\nNone.\n";
  std::string text = "\n## Parameters\n\n| parameter | default | allowed | what it is |\n|---|---|---|---|\n";
  for (const Json& spec : described.at("parameters")) {
    const std::string unit = spec.value("unit", "");
    text += fmt::format("| {} | {}{} | {} | {} |\n", code(spec.at("name")), cell(spec.at("default")),
                        unit.empty() ? "" : " " + unit, cell(spec.at("allowed")), cell(spec.at("doc")));
  }
  return text;
}

std::string presets(const Json& described) {
  std::set<std::string> names;
  for (const auto& [preset, values] : described.at("presets").items()) {
    for (const auto& [name, value] : values.items()) names.insert(name);
  }
  if (names.empty()) return "\n## Presets\n\nAll presets are the defaults.\n";
  std::string head = "| parameter |";
  std::string rule = "|---|";
  for (const auto& [preset, values] : described.at("presets").items()) {
    head += fmt::format(" {} |", code(preset));
    rule += "---|";
  }
  std::string text = fmt::format("\n## Presets\n\nAn empty cell is the default.\n\n{}\n{}\n", head, rule);
  for (const std::string& name : names) {
    text += fmt::format("| {} |", code(name));
    for (const auto& [preset, values] : described.at("presets").items()) {
      text += fmt::format(" {} |", cell(values.value(name, "")));
    }
    text += "\n";
  }
  return text;
}

std::string search(const MethodInfo& info) {
  const std::string title = "\n## What `cmkd tune` varies\n\n";
  if (info.search.empty()) return title + "Learning rate and weight decay alone.\n";
  std::string text = title + "Beside learning rate and weight decay:\n\n";
  for (const SearchRange& range : info.search) {
    if (range.choices.empty()) {
      text += fmt::format("- {}: {} to {}, {}\n", code(range.parameter), to_text(range.low), to_text(range.high),
                          range.logarithmic ? "logarithmic" : "linear");
      continue;
    }
    std::vector<std::string> choices;
    for (const ParameterValue& choice : range.choices) choices.push_back(code(to_text(choice)));
    text += fmt::format("- {}: one of {}\n", code(range.parameter), join(choices));
  }
  return text;
}

}  // namespace

std::string method_markdown(const MethodInfo& info) {
  const MethodSource* source = source_of_file(info.source_file);
  const Json described = method_json(info);
  return fmt::format("# {}: {}\n\n", code(info.id), info.title) + facts(info, described, source) +
         formula(info, source) + differences(info, source) + parameters(described) + presets(described) + search(info) +
         fmt::format("\nWritten by `cmkd describe {} --markdown`.\n", info.id);
}

}  // namespace cmkd::apps
