#include "cmkd/methods/conformance.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/vector_checks.h"
#include "cmkd/runtime/errors.h"

namespace cmkd {

const char* to_string(ConformanceVerdict verdict) noexcept {
  switch (verdict) {
    case ConformanceVerdict::kPass:
      return "pass";
    case ConformanceVerdict::kMismatch:
      return "mismatch";
    case ConformanceVerdict::kNotCovered:
      return "not covered";
  }
  return "not covered";
}

bool ConformanceReport::any(ConformanceVerdict verdict) const {
  return std::any_of(folders.begin(), folders.end(),
                     [&](const FolderResult& folder) { return folder.verdict == verdict; });
}

Registry<FolderCheck>& conformance_registry() {
  static auto* registry = new Registry<FolderCheck>("conformance check");
  return *registry;
}

FolderCheck case_check(const std::string& implementation, const ConformanceCheck& check, c10::Device device) {
  return {implementation, ".pt", [check, device](const std::filesystem::path& path) {
            const VectorCase vector_case(read_tensor_dict(path), device);
            return compare_case(path.stem().string(), check(vector_case), vector_case.with_prefix("expected."));
          }};
}

namespace {

std::string reason_of(const std::exception& error) { return short_message(error); }

// The files of a folder that are cases, by name.
std::vector<std::filesystem::path> cases_in(const std::filesystem::path& folder, const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

CaseResult run_case(const std::filesystem::path& path, const FolderCheck& check) {
  CaseResult result;
  try {
    result = check.check(path);
  } catch (const c10::Error& error) {
    result.problem = short_message(error);
  } catch (const std::exception& error) {
    result.problem = reason_of(error);
  }
  result.name = path.stem().string();
  return result;
}

void summarise(FolderResult& folder, double tolerance) {
  folder.verdict = ConformanceVerdict::kPass;
  double worst = -1.0;
  for (const CaseResult& result : folder.cases) {
    folder.value_error = std::max(folder.value_error, result.value_error);
    folder.gradient_error = std::max(folder.gradient_error, result.gradient_error);
    // Written so that NaN is no pass.
    const bool within = result.value_error <= tolerance && result.gradient_error <= tolerance;
    if (!result.problem.empty() || !within) folder.verdict = ConformanceVerdict::kMismatch;
    const double error = std::max(result.value_error, result.gradient_error);
    if (error > worst && !result.worst.empty()) {
      worst = error;
      folder.detail = "worst: " + result.worst + " of " + result.name;
    }
  }
  const auto has_problem = [](const CaseResult& result) { return !result.problem.empty(); };
  const auto first = std::find_if(folder.cases.begin(), folder.cases.end(), has_problem);
  if (first == folder.cases.end()) return;
  folder.detail = first->name + ": " + first->problem;
  const auto others = std::count_if(first + 1, folder.cases.end(), has_problem);
  if (others > 0) folder.detail += "; " + std::to_string(others) + " more cases have a problem (--json names them)";
}

FolderResult check_folder(const std::filesystem::path& path, const FolderCheck& check, double tolerance) {
  FolderResult folder;
  folder.folder = path.filename().string();
  folder.implementation = check.implementation;
  for (const auto& file : cases_in(path, check.extension)) folder.cases.push_back(run_case(file, check));
  if (folder.cases.empty()) {
    folder.detail = "the folder holds no *" + check.extension + " file";
  } else {
    summarise(folder, tolerance);
  }
  return folder;
}

// Every implementation of a folder, in the order of the names.
std::vector<FolderCheck> checks_of(const std::string& folder, c10::Device device) {
  std::vector<FolderCheck> checks;
  for (const std::string& id : method_registry().names()) {
    const auto& conformance = method_registry().find(id)->conformance;
    if (const auto found = conformance.find(folder); found != conformance.end()) {
      checks.push_back(case_check(id, found->second, device));
    }
  }
  if (const FolderCheck* extra = conformance_registry().find(folder)) checks.push_back(*extra);
  return checks;
}

std::vector<std::filesystem::path> folders_of(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::directory_iterator entries(directory, failure);
  if (failure) {
    throw Error(ErrorKind::kData, {.what = "no folder of vectors: " + failure.message(),
                                   .where = directory.string(),
                                   .fix = "give a folder such as tests/vectors"});
  }
  std::vector<std::filesystem::path> folders;
  bool has_cases = false;
  for (const auto& entry : entries) {
    if (entry.is_directory()) folders.push_back(entry.path());
    const auto extension = entry.path().extension();
    has_cases = has_cases || extension == ".pt" || extension == ".json";
  }
  // A single folder was given: its name says what it is.
  if (folders.empty() && has_cases) return {std::filesystem::canonical(directory)};
  if (folders.empty()) {
    throw Error(ErrorKind::kData, {.what = "the folder holds no vectors",
                                   .where = directory.string(),
                                   .allowed = "folders of .pt or .json cases, or one such folder"});
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace

ConformanceReport run_conformance(const std::filesystem::path& directory, double tolerance, c10::Device device) {
  ConformanceReport report;
  for (const auto& path : folders_of(directory)) {
    const std::vector<FolderCheck> checks = checks_of(path.filename().string(), device);
    for (const FolderCheck& check : checks) report.folders.push_back(check_folder(path, check, tolerance));
    if (checks.empty()) {
      FolderResult folder;
      folder.folder = path.filename().string();
      folder.detail = "no implementation";
      report.folders.push_back(folder);
    }
  }
  return report;
}

}  // namespace cmkd
