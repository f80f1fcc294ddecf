// cmkd list and cmkd describe: what there is, from the registries themselves.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/methods/method.h"
#include "cmkd/models/model.h"
#include "cmkd/suites/suite.h"
#include "cmkd/suites/task.h"
#include "commands.h"
#include "describe.h"
#include "suite_list.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

struct Entry {
  std::string kind;
  std::string id;
  std::string summary;
};

// All but the suites, which have a table of their own.
std::vector<Entry> entries() {
  std::vector<Entry> all;
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    all.push_back({"methods", id,
                   fmt::format("{}{}, verified: {}", info.title, info.paper.empty() ? "" : " (" + info.paper + ")",
                               to_string(info.verified))});
  }
  for (const std::string& id : dataset_registry().names())
    all.push_back({"datasets", id, dataset_registry().get(id).title});
  for (const std::string& id : model_registry().names()) {
    const ModelInfo& info = model_registry().get(id);
    all.push_back({"models", id, fmt::format("{}, {}", info.title, to_string(info.modality))});
  }
  for (const MetricDoc& metric : all_metric_docs()) all.push_back({"metrics", metric.name, metric.doc});
  for (const std::string& section : section_names()) {
    all.push_back(
        {"settings", section, fmt::format("{}, {} settings", section_title(section), section_specs(section).size())});
  }
  return all;
}

int describe_one(const std::string& id, bool as_json) {
  if (const MethodInfo* method = method_registry().find(id)) {
    as_json ? print_json(method_json(*method)) : print_out(method_text(*method));
    return 0;
  }
  if (const ModelInfo* model = model_registry().find(id)) {
    if (as_json) {
      print_json({{"kind", "model"},
                  {"id", id},
                  {"title", model->title},
                  {"source", model->source},
                  {"modality", to_string(model->modality)},
                  {"doc", model->doc},
                  {"parameters", specs_json(model->parameters)}});
    } else {
      print_out(fmt::format("{}: {}\n  source: {}\n  modality: {}\n  {}\n{}", id, model->title, model->source,
                            to_string(model->modality), model->doc, specs_text(model->parameters)));
    }
    return 0;
  }
  if (const DatasetInfo* dataset = dataset_registry().find(id)) {
    if (as_json) {
      print_json({{"kind", "dataset"},
                  {"id", id},
                  {"title", dataset->title},
                  {"source", dataset->source},
                  {"tree", dataset->tree},
                  {"tested_on", dataset->tested_on},
                  {"parameters", specs_json(dataset->parameters)}});
    } else {
      const std::string tested =
          dataset->tested_on.empty() ? std::string() : fmt::format("  tested on: {}\n", dataset->tested_on);
      print_out(fmt::format("{}: {}\n  source: {}\n{}  expected files:\n{}\n{}", id, dataset->title, dataset->source,
                            tested, indented(dataset->tree, 4), specs_text(dataset->parameters)));
    }
    return 0;
  }
  const std::vector<std::string> sections = section_names();
  if (std::ranges::find(sections, id) != sections.end()) {
    as_json ? print_json({{"kind", "settings"}, {"id", id}, {"parameters", specs_json(section_specs(id))}})
            : print_out(fmt::format("{}\n{}", section_title(id), specs_text(section_specs(id))));
    return 0;
  }
  for (const MetricDoc& metric : all_metric_docs()) {
    if (metric.name != id) continue;
    const char* better = metric.higher_is_better ? "higher is better" : "lower is better";
    as_json ? print_json(
                  {{"kind", "metric"}, {"id", id}, {"doc", metric.doc}, {"higher_is_better", metric.higher_is_better}})
            : print_out(fmt::format("{}: {} ({})\n", id, metric.doc, better));
    return 0;
  }
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.id);
  for (const std::filesystem::path& file : suite_files()) names.push_back(file.generic_string());
  throw Error(ErrorKind::kUsage, {.what = fmt::format("nothing is called '{}'", id),
                                  .allowed = "see 'cmkd list'",
                                  .fix = did_you_mean(id, names)});
}

}  // namespace

int run_list(const Arguments& arguments) {
  CommandLine line("cmkd list [methods|datasets|models|metrics|settings|suites] [options]",
                   "Lists what this build knows. Of a suite: how many trainings it is, and whether its data are here.",
                   "cmkd list\ncmkd list methods\nCMKD_DATA=/data cmkd list suites\ncmkd list --json");
  line.positional("kind", 1);
  line.add()("json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> kinds{"methods", "datasets", "models", "metrics", "settings", "suites"};
  const std::string wanted = line.has("kind") ? line.one("kind", "kind") : "";
  if (!wanted.empty() && std::ranges::find(kinds, wanted) == kinds.end()) {
    throw Error(ErrorKind::kUsage,
                {fmt::format("unknown kind '{}'", wanted), "cmkd list", join(kinds), did_you_mean(wanted, kinds)});
  }
  json object = json::object();
  std::string text;
  std::string kind;
  for (const Entry& entry : entries()) {
    if (!wanted.empty() && entry.kind != wanted) continue;
    if (entry.kind != kind) text += (text.empty() ? "" : "\n") + entry.kind + "\n";
    kind = entry.kind;
    text += fmt::format("  {:<24} {}\n", entry.id, entry.summary);
    object[entry.kind].push_back({{"id", entry.id}, {"summary", entry.summary}});
  }
  if (wanted.empty() || wanted == "suites") {
    std::vector<SuiteSummary> suites;
    for (const std::filesystem::path& file : suite_files()) suites.push_back(summarise_suite(file));
    if (!text.empty()) text += '\n';
    text.append("suites\n").append(suites_text(suites));
    object["suites"] = suites_json(suites);
  }
  line.flag("json") ? print_json(object) : print_out(text);
  return 0;
}

int run_describe(const Arguments& arguments) {
  CommandLine line("cmkd describe NAME [options]",
                   "Explains a method, a dataset, a model, a metric or a table of settings: paper, formula, parameters "
                   "with defaults and ranges.",
                   "cmkd describe mnf_csc\ncmkd describe mnf_csc --markdown\ncmkd describe training\ncmkd describe "
                   "synthetic --json");
  line.positional("name", 1);
  line.add()("json", po::bool_switch(), "print JSON")("markdown", po::bool_switch(),
                                                      "a method's page, as docs/methods/ has it");
  if (!line.parse(arguments)) return 0;
  const std::string name = line.one("name", "name of a method, dataset, model, metric or settings table");
  if (!line.flag("markdown")) return describe_one(name, line.flag("json"));
  if (line.flag("json")) {
    throw Error(ErrorKind::kUsage,
                {.what = "--markdown and --json at once", .where = "cmkd describe", .fix = "give one of them"});
  }
  print_out(method_markdown(method_registry().get(name, "cmkd describe --markdown")));
  return 0;
}

}  // namespace cmkd::apps
