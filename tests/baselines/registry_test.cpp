#include "catch.h"
//
#include <algorithm>
#include <filesystem>
#include <set>

#include "cmkd/methods/conformance.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/source_code.h"
#include "paths.h"

using namespace cmkd;

TEST_CASE("Every file of baselines/ registers one method of its name, and nothing else is registered from there") {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "baselines")) {
    if (entry.path().extension() == ".cpp") files.insert(entry.path().stem().string());
  }
  std::set<std::string> registered;
  const std::set<std::string> of_methods_folder{
      "mnf_csc", "mnf", "csc", "xkd", "xkd_mas", "xkd_mats", "mae", "mfh", "mfh_least_general", "mfh_random"};
  for (const std::string& id : method_registry().names()) {
    if (!of_methods_folder.contains(id)) registered.insert(id);
  }
  CHECK(registered == files);
}

TEST_CASE("Every method describes itself, and its presets set declared parameters to allowed values") {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = *method_registry().find(id);
    INFO(id);
    CHECK(info.id == id);
    CHECK_FALSE(info.title.empty());
    CHECK_FALSE(info.formula.empty());
    CHECK_FALSE(info.unlabelled.empty());
    CHECK(info.make);
    CHECK((info.verified == Verified::kNone) == info.conformance.empty());
    REQUIRE(info.presets.contains("paper"));
    REQUIRE(info.presets.contains("suite"));
    for (const auto& [preset, values] : info.presets) {
      Parameters parameters(info.parameters);
      for (const auto& [name, value] : values) CHECK_NOTHROW(parameters.set(name, value));
    }
    for (const ParameterSpec& spec : info.parameters) CHECK_FALSE(spec.doc.empty());
  }
}

TEST_CASE("Every method with a paper says above its code where it differs from it") {
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = *method_registry().find(id);
    const MethodSource* source = source_of_file(info.source_file);
    INFO(id);
    REQUIRE(source != nullptr);
    CHECK_FALSE(source->head.empty());
    if (!info.paper.empty()) CHECK_FALSE(differences_in(source->head).empty());
  }
}

TEST_CASE("The paragraph of differences is found at any place of a head, and what is left is the rest") {
  CHECK(differences_in("a\n\nDiffers: one\ntwo.\n\nb\n") == "one two.");
  CHECK(without_differences("a\n\nDiffers: one\ntwo.\n\nb\n") == "a\n\nb\n");
  CHECK(differences_in("Differs: one.\n") == "one.");
  CHECK(without_differences("a\n\nDiffers: one.\n") == "a\n");
  CHECK(differences_in("a\nIt says Differs: within a line\n").empty());
  CHECK(without_differences("a\n") == "a\n");
}

TEST_CASE("Every baseline with official vectors agrees with them, on values and gradients") {
  const ConformanceReport report = run_conformance(test::vectors_dir());
  std::set<std::string> passed;
  for (const FolderResult& folder : report.folders) {
    INFO(folder.folder << ": values " << folder.value_error << ", gradients " << folder.gradient_error << ", "
                       << folder.detail);
    CHECK(folder.verdict != ConformanceVerdict::kMismatch);
    if (folder.verdict == ConformanceVerdict::kPass) passed.insert(folder.folder);
  }
  for (const std::string& id : method_registry().names()) {
    for (const auto& [folder, check] : method_registry().get(id).conformance) {
      INFO(id << ": " << folder);
      CHECK(passed.contains(folder));
    }
  }
}
