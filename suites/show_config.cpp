#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

namespace {

std::string toml_value(const ParameterValue& value) {
  if (std::holds_alternative<std::string>(value)) {
    std::string quoted = "\"";
    for (const char c : std::get<std::string>(value)) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return quoted + "\"";
  }
  std::string text = to_text(value);
  if (std::holds_alternative<double>(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void show_values(std::string& text, const Section& section) {
  for (const auto& [name, value] : section.by_name()) {
    const std::string line = fmt::format("{} = {}", name, toml_value(value));
    text += fmt::format("{:<44} # {}\n", line, section.origin(name));
  }
}

void show_section(std::string& text, const std::string& name, const Section& section) {
  text += fmt::format("\n[{}]\n", name);
  show_values(text, section);
}

void show_model(std::string& text, const std::string& name, const ModelEntry& entry) {
  text += fmt::format("\n[{}]\nmodality = \"{}\"\nmodel = \"{}\"\n", name, to_string(entry.modality), entry.id);
  show_values(text, entry.section);
  show_values(text, entry.weights);
}

}  // namespace

std::string show_config(const Suite& suite) {
  std::string text = fmt::format("# {}: every setting with its origin\n[suite]\nname = \"{}\"\n",
                                 suite.file.filename().string(), suite.name);
  show_values(text, suite.general);
  text += fmt::format("\n[dataset]\nid = \"{}\"\n", suite.dataset);
  show_values(text, suite.dataset_values);
  show_section(text, "ingest", suite.ingest);
  show_section(text, "clip", suite.clip);
  show_section(text, "labels", suite.labels);
  show_model(text, "student", suite.student);
  show_section(text, "training", suite.training);
  show_model(text, "teacher", suite.teacher);
  show_section(text, "teacher.training", suite.teacher.training);
  show_section(text, "evaluation", suite.evaluation);
  show_section(text, "tune", suite.tune);
  show_section(text, "corruption", suite.corruption);
  show_section(text, "runtime", suite.runtime);
  show_section(text, "loading", suite.loading);
  for (const MethodEntry& method : suite.methods) {
    text += fmt::format("\n[[methods]]\nid = \"{}\"\n", method.id);
    if (!method.controls.empty()) text += fmt::format("controls = [\"{}\"]\n", join(method.controls, "\", \""));
    show_values(text, method.section);
  }
  return text;
}

}  // namespace cmkd
