#include "suite_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <variant>

#include "cmkd/core/error.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/harness/plan.h"
#include "cmkd/readers/data_root.h"
#include "cmkd/suites/suite.h"
#include "data_files.h"

namespace cmkd::apps {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// Weights change a training's key, which is the hash of their file, and not how many trainings there are.
Suite without_weights(Suite suite) {
  for (Suite& variant : suite.variants) variant = without_weights(variant);
  suite.teacher.weights.values.file.clear();
  suite.student.weights.values.file.clear();
  return suite;
}

// The files and folders that the dataset is told to read: those that `cmkd run` cannot do without.
std::vector<fs::path> data_paths(const Suite& suite) {
  std::vector<fs::path> paths;
  const auto& values = suite.dataset_values.values.values();
  for (const char* name : {"root", "csv", "video_dir", "audio_dir"}) {
    const auto found = values.find(name);
    if (found == values.end()) continue;
    const auto* path = std::get_if<std::string>(&found->second);
    if (path == nullptr || path->empty()) continue;
    paths.push_back(std::string(name) == "root" ? data_root(*path) : fs::path(*path));
  }
  return paths;
}

void find_data_of(const Suite& suite, SuiteSummary& summary) {
  if (dataset_registry().get(suite.dataset).made_here) {
    summary.data = "made";
    return;
  }
  const std::vector<fs::path> paths = data_paths(suite);
  const auto missing = std::ranges::find_if(paths, [](const fs::path& path) { return !fs::exists(path); });
  summary.data = paths.empty() || missing != paths.end() ? "not here" : "here";
  if (!paths.empty()) summary.data_path = (missing != paths.end() ? *missing : paths.front()).string();
}

void read_suite(const fs::path& file, SuiteSummary& summary) {
  const Suite suite = without_weights(load_suite(file, {}));
  summary.title = suite.general.values.title;
  summary.task = to_string(suite.general.values.task);
  summary.dataset = suite.dataset;
  summary.seeds = static_cast<std::int64_t>(suite.seeds().size());
  const std::vector<std::string> folds = official_folds(suite.dataset, suite.dataset_values.values);
  summary.folds = static_cast<std::int64_t>(suite.folds(folds).size());
  // Keys of no data: they are counted only.
  summary.trainings = static_cast<std::int64_t>(make_plan(suite, PlanSource("", folds)).trainings.size());
  find_data_of(suite, summary);
}

// "135 (5 folds)"
std::string trainings_text(const SuiteSummary& suite) {
  return suite.folds == 1 ? fmt::format("{}", suite.trainings)
                          : fmt::format("{} ({} folds)", suite.trainings, suite.folds);
}

using SuiteCells = std::array<std::string, 6>;

SuiteCells cells_of(const SuiteSummary& suite) {
  if (!suite.error.empty()) return {suite.file, "", "", "", "", "cannot be read: " + suite.error};
  return {suite.file, trainings_text(suite), suite.task, suite.dataset, suite.data, suite.title};
}

}  // namespace

std::vector<fs::path> suite_files() {
  std::vector<fs::path> files;
  const fs::path folder = find_data(kSuites);
  if (folder.empty()) return files;
  for (const auto& item : fs::directory_iterator(folder)) {
    if (item.path().extension() == ".toml") files.push_back(item.path());
  }
  std::ranges::sort(files);
  return files;
}

SuiteSummary summarise_suite(const fs::path& file) {
  SuiteSummary summary;
  summary.file = file.generic_string();
  try {
    read_suite(file, summary);
  } catch (const Error& error) {  // one broken file shall not hide the others
    const ErrorParts& parts = error.parts();
    summary.error = parts.where.empty() ? parts.what : fmt::format("{} ({})", parts.what, parts.where);
  }
  return summary;
}

std::string suites_text(const std::vector<SuiteSummary>& suites) {
  std::vector<SuiteCells> rows{{"", "trainings", "task", "dataset", "data", "title"}};
  for (const SuiteSummary& suite : suites) rows.push_back(cells_of(suite));
  std::array<std::size_t, 6> widths{};
  for (const SuiteCells& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const SuiteCells& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i + 1 < row.size(); ++i) line += fmt::format(" {:<{}} ", row[i], widths[i]);
    text += line + " " + row.back() + "\n";
  }
  const char* given = std::getenv("CMKD_DATA");
  const bool is_set = given != nullptr && *given != '\0';
  text += fmt::format(
      "\n  data: whether its folder is there, not what is in it; made: by the first run. Looked for in {}.\n",
      is_set ? std::string(given) + " (CMKD_DATA)" : "data/ of the current folder (CMKD_DATA is not set)");
  return text;
}

json suites_json(const std::vector<SuiteSummary>& suites) {
  json list = json::array();
  for (const SuiteSummary& suite : suites) {
    json one{{"id", suite.file}, {"summary", suite.title}};
    if (!suite.error.empty()) {
      one["error"] = suite.error;
    } else {
      one.update({{"title", suite.title},
                  {"task", suite.task},
                  {"dataset", suite.dataset},
                  {"trainings", suite.trainings},
                  {"seeds", suite.seeds},
                  {"folds", suite.folds},
                  {"data", suite.data},
                  {"data_path", suite.data_path}});
    }
    list.push_back(one);
  }
  return list;
}

}  // namespace cmkd::apps
