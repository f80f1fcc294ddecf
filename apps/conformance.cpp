// cmkd conformance: methods against the vectors of their official code.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/replace.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/methods/conformance.h"
#include "cmkd/metrics/vector_check.h"
#include "cmkd/models/vector_check.h"
#include "cmkd/reports/vector_check.h"
#include "cmkd/runtime/determinism.h"
#include "commands.h"
#include "data_files.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

std::filesystem::path default_vectors() {
  std::filesystem::path folder = find_data(kVectors);
  if (!folder.empty()) return folder;
  throw Error(ErrorKind::kUsage, {.what = "the project's vectors are not here",
                                  .where = data_places(kVectors),
                                  .fix = "name a folder: cmkd conformance DIR"});
}

CaseResult as_case(const std::filesystem::path& file, const VectorCheck& check) {
  CaseResult result;
  result.name = file.stem().string();
  result.value_error = check.error;
  result.worst = check.worst;
  result.problem = check.problem;
  result.compared = check.compared;
  result.not_compared = check.not_compared;
  return result;
}

// Folders that belong to no method.
void add_other_checks() {
  conformance_registry().add("backbones", {"models/", ".json", [](const std::filesystem::path& file) {
                                             return as_case(file, check_backbone_vector(file));
                                           }});
  conformance_registry().add("log_mel", {"models/", ".pt", [](const std::filesystem::path& file) {
                                           return as_case(file, check_log_mel_vector(file));
                                         }});
  conformance_registry().add("metrics", {"metrics/", ".json", [](const std::filesystem::path& file) {
                                           return as_case(file, metrics::check_metric_vector(file));
                                         }});
  conformance_registry().add("statistics", {"reports/", ".json", [](const std::filesystem::path& file) {
                                              return as_case(file, reports::check_statistics_vector(file));
                                            }});
}

std::string error_text(double error) { return error < 1e-300 ? "0" : fmt::format("{:.1e}", error); }

// A reason of several lines in a table of one line a folder.
std::string failure_on_one_line(std::string text) {
  boost::replace_all(text, "\n  ", "; ");
  return text;
}

// What stands behind the verdict: why there is none, the worst tensor of a mismatch, or what a pass rests on.
std::string remark(const FolderResult& folder) {
  if (folder.verdict != ConformanceVerdict::kPass) return ": " + failure_on_one_line(folder.detail);
  std::size_t compared = 0;
  std::size_t rounding = 0;
  std::vector<std::string> parts;
  std::set<std::string> missing;
  for (const CaseResult& one : folder.cases) {
    compared += one.compared.size();
    rounding += one.rounding.size();
    missing.insert(one.not_compared.begin(), one.not_compared.end());
  }
  if (compared > 0) parts.push_back(fmt::format("{} names compared", compared));
  if (rounding > 0) parts.push_back(fmt::format("{} gradients are zero up to rounding on both sides", rounding));
  if (!missing.empty()) parts.push_back(fmt::format("not expected in every case: {}", fmt::join(missing, ", ")));
  return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, "; "));
}

json folder_json(const FolderResult& folder) {
  json cases = json::array();
  for (const CaseResult& one : folder.cases) {
    cases.push_back({{"name", one.name},
                     {"value_error", one.value_error},
                     {"gradient_error", one.gradient_error},
                     {"worst", one.worst},
                     {"problem", one.problem},
                     {"compared", one.compared},
                     {"not_compared", one.not_compared},
                     {"zero_up_to_rounding", one.rounding}});
  }
  return {{"folder", folder.folder},
          {"implementation", folder.implementation},
          {"verdict", to_string(folder.verdict)},
          {"value_error", folder.value_error},
          {"gradient_error", folder.gradient_error},
          {"detail", folder.detail},
          {"cases", cases}};
}

}  // namespace

int run_conformance_command(const Arguments& arguments) {
  CommandLine line(
      "cmkd conformance [DIR] [options]",
      "Runs the very code that trains on vectors made with each method's official code, and compares values and "
      "gradients\n"
      "(float64). Without DIR: the project's own copy of the vectors. Exit status 0: all within 1e-9; 1: a mismatch;\n"
      "6: no mismatch, but some folders have no implementation.",
      "cmkd conformance\ncmkd conformance my-vectors/ --json");
  line.positional("dir", 1);
  line.add()("json", po::bool_switch(), "print JSON")(
      "device", po::value<std::string>()->default_value("cpu")->value_name("NAME"),
      "where the methods compute: auto, cpu, cuda, cuda:N; metrics, statistics and networks are checked on the CPU");
  if (!line.parse(arguments)) return 0;
  add_other_checks();
  const ConformanceReport report =
      run_conformance(line.has("dir") ? std::filesystem::path(line.one("dir", "folder")) : default_vectors(),
                      kConformanceTolerance, parse_device(line.get<std::string>("device")));
  if (line.flag("json")) {
    json folders = json::array();
    for (const FolderResult& folder : report.folders) folders.push_back(folder_json(folder));
    print_json({{"tolerance", kConformanceTolerance}, {"folders", folders}});
  } else {
    print_out(fmt::format("{:<24} {:<16} {:>5} {:>12} {:>14}  {}\n", "vectors", "checked by", "cases", "value error",
                          "gradient error", "verdict"));
    for (const FolderResult& folder : report.folders) {
      const bool covered = folder.verdict != ConformanceVerdict::kNotCovered;
      print_out(
          fmt::format("{:<24} {:<16} {:>5} {:>12} {:>14}  {}{}\n", folder.folder, covered ? folder.implementation : "-",
                      folder.cases.size(), covered ? error_text(folder.value_error) : "-",
                      covered ? error_text(folder.gradient_error) : "-", to_string(folder.verdict), remark(folder)));
    }
  }
  if (report.any(ConformanceVerdict::kMismatch)) return 1;
  return report.any(ConformanceVerdict::kNotCovered) ? 6 : 0;
}

}  // namespace cmkd::apps
