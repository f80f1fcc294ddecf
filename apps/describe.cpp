#include "describe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/methods/source_code.h"

namespace cmkd::apps {

using nlohmann::json;

namespace {

std::string default_text(const ParameterSpec& spec) {
  const std::string text = to_text(spec.default_value);
  return text.empty() ? "\"\"" : text;
}

json spec_json(const ParameterSpec& spec) {
  json value{
      {"name", spec.name}, {"default", to_text(spec.default_value)}, {"allowed", spec.allowed()}, {"doc", spec.doc}};
  if (!spec.unit.empty()) value["unit"] = spec.unit;
  return value;
}

std::vector<std::string> needs_of(const Needs& needs) {
  std::vector<std::string> list;
  if (needs.teacher) list.emplace_back("teacher's logits and embedding (cached)");
  if (needs.teacher_tokens) list.emplace_back("teacher's tokens (kept while they fit training.teacher_maps_mib)");
  if (needs.teacher_stages) list.emplace_back("teacher's stages (kept while they fit training.teacher_maps_mib)");
  if (needs.teacher_network) list.emplace_back("teacher's network itself, and its modality in every batch");
  if (needs.student_tokens) list.emplace_back("student's tokens");
  if (needs.student_stages) list.emplace_back("student's stages");
  if (needs.second_student) list.emplace_back("a second network like the student's, with the same first weights");
  if (needs.both_inputs) list.emplace_back("both modalities of each clip, and a network for the other one");
  if (needs.strong_view) list.emplace_back("a second, strongly augmented view of the student's input");
  if (needs.all_labels) list.emplace_back("the true labels of all clips");
  if (list.empty()) list.emplace_back("the labelled clips alone");
  return list;
}

// What a training step costs beside the student's own, as far as it follows from what the method needs.
std::vector<std::string> cost_of(const MethodInfo& info) {
  const Needs& needs = info.needs;
  std::vector<std::string> list{info.role == MethodRole::kTeacher ? "a pass of the teacher, forward and backward"
                                                                  : "a pass of the student, forward and backward"};
  if (info.role == MethodRole::kUntrained) return {"nothing: batches are read, and no step is made"};
  if (needs.both_inputs) list = {"passes of a network for each modality, forward and backward; both are read"};
  if (needs.strong_view) list.emplace_back("a second pass of the student, on the strong view");
  if (needs.teacher_tokens || needs.teacher_stages) {
    list.emplace_back("a forward pass of the teacher, whose maps are not cached; its modality is read, too");
  } else if (needs.teacher && !needs.teacher_network) {
    list.emplace_back("the teacher's outputs come from a cache that is made once a seed");
  }
  if (needs.teacher_network) list.emplace_back("passes of the teacher's network; both modalities are read");
  if (!info.cost.empty()) list.push_back(info.cost);
  return list;
}

std::vector<std::string> folders_of(const MethodInfo& info) {
  std::vector<std::string> folders;
  for (const auto& [folder, check] : info.conformance) folders.push_back(folder);
  return folders;
}

json presets_json(const MethodInfo& info) {
  json presets = json::object();
  for (const auto& [name, values] : info.presets) {
    presets[name] = json::object();
    for (const auto& [key, value] : values) presets[name][key] = to_text(value);
  }
  return presets;
}

std::vector<std::string> choices_of(const SearchRange& range) {
  std::vector<std::string> choices;
  for (const ParameterValue& choice : range.choices) choices.push_back(to_text(choice));
  return choices;
}

json search_json(const MethodInfo& info) {
  json list = json::array();
  for (const SearchRange& range : info.search) {
    if (range.choices.empty()) {
      list.push_back({{"parameter", range.parameter},
                      {"low", range.low},
                      {"high", range.high},
                      {"scale", range.logarithmic ? "logarithmic" : "linear"}});
    } else {
      list.push_back({{"parameter", range.parameter}, {"choices", choices_of(range)}});
    }
  }
  return list;
}

std::string search_text(const MethodInfo& info) {
  if (info.search.empty())
    return "  search ranges: none of its own; 'cmkd tune' varies learning rate and weight decay\n";
  std::string text = "  search ranges of 'cmkd tune', beside learning rate and weight decay:\n";
  for (const SearchRange& range : info.search) {
    text += range.choices.empty() ? fmt::format("    {}: {} to {}, {}\n", range.parameter, to_text(range.low),
                                                to_text(range.high), range.logarithmic ? "logarithmic" : "linear")
                                  : fmt::format("    {}: one of {}\n", range.parameter, join(choices_of(range)));
  }
  return text;
}

std::string presets_text(const MethodInfo& info) {
  std::string text;
  for (const auto& [name, values] : info.presets) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : values) parts.push_back(key + " = " + to_text(value));
    text += fmt::format("  preset {}: {}\n", name, parts.empty() ? "the defaults" : join(parts));
  }
  return text;
}

std::string differences_of(const MethodInfo& info) {
  const MethodSource* source = source_of_file(info.source_file);
  return source == nullptr ? "" : differences_in(source->head);
}

std::vector<std::string> source_files_of(const MethodInfo& info) {
  const MethodSource* source = source_of_file(info.source_file);
  return source == nullptr ? std::vector<std::string>() : source->files;
}

}  // namespace

std::string role_text(MethodRole role) {
  switch (role) {
    case MethodRole::kMethod:
      return "method: ranked";
    case MethodRole::kLowerBound:
      return "lower bound: the student alone";
    case MethodRole::kCeiling:
      return "ceiling: sees labels that the others do not; not ranked";
    case MethodRole::kTeacher:
      return "teacher: on its own modality; not ranked";
    case MethodRole::kUpperBound:
      return "upper bound: uses both modalities at test; not ranked";
    case MethodRole::kUntrained:
      return "untrained: what random weights give; ranked";
  }
  return to_string(role);
}

std::string verified_text(Verified verified) {
  switch (verified) {
    case Verified::kStep:
      return "step: a whole training step agrees with the official code";
    case Verified::kLoss:
      return "loss: values and gradients of the loss agree with the official code";
    case Verified::kPart:
      return "part: a part of the method agrees with the official code";
    case Verified::kNone:
      return "none: no vectors of official code; tested on hand-derived cases";
  }
  return to_string(verified);
}

json specs_json(const std::vector<ParameterSpec>& specs) {
  json list = json::array();
  for (const ParameterSpec& spec : specs) list.push_back(spec_json(spec));
  return list;
}

std::string specs_text(const std::vector<ParameterSpec>& specs) {
  if (specs.empty()) return "  parameters: none\n";
  std::string text = "  parameters:\n";
  for (const ParameterSpec& spec : specs) {
    text += fmt::format("    {} = {}{}  ({})\n        {}\n", spec.name, default_text(spec),
                        spec.unit.empty() ? "" : " " + spec.unit, spec.allowed(), spec.doc);
  }
  return text;
}

json method_json(const MethodInfo& info) {
  return {{"kind", "method"},
          {"id", info.id},
          {"title", info.title},
          {"role", to_string(info.role)},
          {"paper", info.paper},
          {"formula", info.formula},
          {"verified", to_string(info.verified)},
          {"conformance", folders_of(info)},
          {"needs", needs_of(info.needs)},
          {"cost_per_step", cost_of(info)},
          {"unlabelled", info.unlabelled},
          {"graphs", info.repeatable_step},
          {"differs", differences_of(info)},
          {"parameters", specs_json(info.parameters)},
          {"search", search_json(info)},
          {"presets", presets_json(info)},
          {"source_hash", source_hash_of(info)},
          {"source_files", source_files_of(info)}};
}

std::string method_text(const MethodInfo& info) {
  const std::vector<std::string> folders = folders_of(info);
  std::string text = fmt::format("{}: {}\n  role: {}\n{}  formula: {}\n  verified: {}\n", info.id, info.title,
                                 role_text(info.role), info.paper.empty() ? "" : "  paper: " + info.paper + "\n",
                                 info.formula, verified_text(info.verified));
  if (!folders.empty()) text += fmt::format("  checked by 'cmkd conformance' against: {}\n", join(folders));
  text += fmt::format("  needs: {}\n  cost of a step: {}\n  unlabelled clips: {}\n", join(needs_of(info.needs), "; "),
                      join(cost_of(info), "; "), info.unlabelled);
  text += fmt::format("  training.graphs: {}\n",
                      info.repeatable_step ? "its steps are repeated as a graph" : "its steps are computed as ever");
  const std::string differs = differences_of(info);
  if (!differs.empty()) text += "  differs from its paper: " + differs + "\n";
  return text + specs_text(info.parameters) + search_text(info) + presets_text(info) +
         fmt::format("  source: {} (hash {:.10}: part of its trainings' keys)\n", join(source_files_of(info)),
                     source_hash_of(info));
}

}  // namespace cmkd::apps
