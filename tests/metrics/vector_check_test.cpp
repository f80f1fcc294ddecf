#include "catch.h"
// The test framework comes first.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/metrics/vector_check.h"
#include "paths.h"

namespace cmkd::metrics {
namespace {

nlohmann::json first_case() {
  std::ifstream file(test::vectors_dir() / "metrics" / "case0.json");
  REQUIRE(file);
  return nlohmann::json::parse(file);
}

VectorCheck check_of(const nlohmann::json& content) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder / "case.json";
  std::ofstream(file) << content;
  return check_metric_vector(file);
}

TEST_CASE("the official values pass, and a changed one is named with its error") {
  nlohmann::json content = first_case();
  CHECK(check_of(content).problem.empty());
  CHECK(check_of(content).error < 1e-9);
  auto& value = content["retrieval"]["expected"]["map"];
  value = value.get<double>() * 1.01;
  CHECK(check_of(content).worst == "retrieval.map");
  CHECK(check_of(content).error == Approx(0.01 / 1.01));
}

TEST_CASE("what cannot be compared is a problem, not a pass") {
  nlohmann::json more = first_case();
  more["classification"]["expected"]["top3"] = 0.5;
  CHECK(check_of(more).problem == "classification.top3 is not computed");
  nlohmann::json shorter = first_case();
  shorter["tagging"]["expected"]["ap_per_class"].erase(0);
  CHECK_FALSE(check_of(shorter).problem.empty());
  nlohmann::json none = first_case();
  none["tagging"]["expected"]["lrap"] = nullptr;
  CHECK_FALSE(check_of(none).problem.empty());
  CHECK(check_of({{"segmentation", nlohmann::json::object()}}).problem.find("segmentation") != std::string::npos);
  CHECK_THROWS_AS(check_of({{"classification", nlohmann::json::object()}}), Error);
}

}  // namespace
}  // namespace cmkd::metrics
