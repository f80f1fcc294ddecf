#include "catch.h"
// The test framework comes first.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/vector_check.h"
#include "paths.h"

namespace cmkd::reports {
namespace {

nlohmann::json statistics_case(const std::string& name) {
  std::ifstream file(test::vectors_dir() / "statistics" / name);
  REQUIRE(file);
  return nlohmann::json::parse(file);
}

VectorCheck check_of_statistics(const nlohmann::json& content) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder / "case.json";
  std::ofstream(file) << content.dump();
  return check_statistics_vector(file);
}

TEST_CASE("every statistics vector of the folder agrees within 1e-9, with nothing left out") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::vectors_dir() / "statistics")) {
    INFO(entry.path());
    const VectorCheck check = check_statistics_vector(entry.path());
    INFO(check.worst << " " << check.error);
    CHECK(check.problem == "");
    CHECK(check.error < 1e-9);
    CHECK_FALSE(check.compared.empty());
    CHECK(check.not_compared.empty());
    ++files;
  }
  CHECK(files >= 4);
}

TEST_CASE("a changed statistic is named with its error, and an unknown part is a problem") {
  nlohmann::json content = statistics_case("case0.json");
  auto& value = content["omnibus"]["expected"]["nemenyi_cd_05"];
  value = value.get<double>() * 1.01;
  CHECK(check_of_statistics(content).worst == "omnibus.nemenyi_cd_05");
  CHECK(check_of_statistics(content).error == Approx(0.01 / 1.01));
  CHECK(check_of_statistics({{"anova", {{"expected", {{"f", 1}}}}}}).problem.find("anova") != std::string::npos);
}

TEST_CASE("a sign-flip p that the reference did not compute is not compared with ours") {
  nlohmann::json content = statistics_case("case0.json");
  content["paired"]["expected"]["sign_flip_p"] = nullptr;
  CHECK(check_of_statistics(content).problem == "");
}

TEST_CASE("a malformed statistics case is refused by its file and place") {
  struct Wrong {
    const char* pointer;
    const char* place;
    nlohmann::json value;
  };
  const std::vector<Wrong> all{{"/paired/b", "paired.b", nlohmann::json::array({0.5})},
                               {"/paired/a/1", "paired.a[1]", "x"},
                               {"/omnibus/scores/0", "omnibus.scores", nlohmann::json::array({1})},
                               {"/holm/p/0", "holm", 1.5},
                               {"/mcnemar/table/0/1", "mcnemar.table", -1},
                               {"/mcnemar/table", "mcnemar.table", nlohmann::json::array({{1, 2, 3}})},
                               {"/aggregate/taus", "aggregate.taus", nlohmann::json::array()}};
  for (const Wrong& wrong : all) {
    nlohmann::json content = statistics_case("case0.json");
    content[nlohmann::json::json_pointer(wrong.pointer)] = wrong.value;
    INFO(wrong.pointer);
    CHECK_THROWS_WITH(check_of_statistics(content), message_contains(std::string("case.json: ") + wrong.place));
  }
}

}  // namespace
}  // namespace cmkd::reports
