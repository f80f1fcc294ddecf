#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "paths.h"
#include "vectors.h"

namespace cmkd::metrics::test_support {

std::vector<std::pair<std::string, nlohmann::json>> cases_of(const std::string& part) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(test::vectors_dir() / "metrics")) {
    if (entry.path().filename().string().starts_with("case")) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<std::pair<std::string, nlohmann::json>> cases;
  for (const auto& path : paths) {
    std::ifstream file(path);
    REQUIRE(file);
    const nlohmann::json whole = nlohmann::json::parse(file);
    if (whole.contains(part)) cases.emplace_back(path.filename().string(), whole.at(part));
  }
  REQUIRE_FALSE(cases.empty());
  return cases;
}

Matrix matrix(const nlohmann::json& rows) {
  Matrix result;
  for (const auto& row : rows) {
    result.columns = static_cast<std::int64_t>(row.size());
    for (const auto& value : row) result.values.push_back(value.get<double>());
  }
  return result;
}

void check_close(double actual, double expected) { CHECK(actual == Approx(expected).margin(1e-9).epsilon(0)); }

}  // namespace cmkd::metrics::test_support
