#include "catch.h"
// The test framework comes first.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

VectorCheck check_text(const std::string& content) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder / "case.json";
  std::ofstream(file) << content;
  return check_metric_vector(file);
}

VectorCheck check_of(const nlohmann::json& content) { return check_text(content.dump()); }

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

TEST_CASE("every vector of the folder agrees within 1e-9") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::vectors_dir() / "metrics")) {
    INFO(entry.path());
    const VectorCheck check = check_metric_vector(entry.path());
    CHECK(check.problem.empty());
    CHECK(check.error < 1e-9);
    CHECK_FALSE(check.compared.empty());
    ++files;
  }
  CHECK(files >= 2);
}

// One clip with the only tag and one without, of equal scores: the area under the curve is ½, and d' is zero.
nlohmann::json chance() {
  return {{"tagging", {{"truth", {{1}, {0}}}, {"scores", {{1.5}, {1.5}}}, {"expected", {{"auc_macro", 0.5}}}}}};
}

TEST_CASE("a value that another library leaves beside zero is measured by the case's largest") {
  nlohmann::json content = chance();
  content["tagging"]["expected"]["d_prime"] = 1e-16;
  // 1e-16 / max(1e-16, 1e-6 · 0.5)
  CHECK(check_of(content).error == Approx(2e-10));
  content["tagging"]["expected"]["d_prime"] = 1e-8;
  CHECK(check_of(content).error == Approx(0.02));
}

TEST_CASE("NaN and infinities are read as Python writes them, and must stand in the same places") {
  const auto check = [](const std::string& truth, const std::string& scores, const std::string& expected) {
    return check_text(R"({"tagging": {"truth": )" + truth + R"(, "scores": )" + scores + R"(, "expected": )" +
                      expected + "}}");
  };
  CHECK(check("[[1], [0]]", "[[2], [1]]", R"({"d_prime": Infinity})").problem.empty());
  CHECK(check("[[1], [0]]", "[[1], [2]]", R"({"d_prime": -Infinity})").problem.empty());
  CHECK(check("[[1], [0]]", "[[Infinity], [-Infinity]]", R"({"auc_macro": 1})").problem.empty());
  CHECK(check("[[1], [1]]", "[[1], [2]]", R"({"auc_macro": NaN, "d_prime": null})").problem.empty());
  CHECK_FALSE(check("[[1], [0]]", "[[1], [2]]", R"({"d_prime": Infinity})").problem.empty());
  CHECK_FALSE(check("[[1], [0]]", "[[1], [2]]", R"({"auc_macro": NaN})").problem.empty());
}

TEST_CASE("a part that expects nothing is no pass, and what a part leaves out is named") {
  nlohmann::json content = chance();
  CHECK(check_of(content).problem.empty());
  CHECK(check_of(content).compared == std::vector<std::string>{"tagging.auc_macro"});
  CHECK(check_of(content).not_compared == std::vector<std::string>{"tagging.ap_per_class", "tagging.d_prime",
                                                                   "tagging.lrap", "tagging.lwlrap",
                                                                   "tagging.map_macro", "tagging.map_micro"});
  content["tagging"]["expected"] = nlohmann::json::object();
  CHECK(check_of(content).problem == "tagging expects nothing");
  content["tagging"]["expected"] = nullptr;
  CHECK_THROWS_WITH(check_of(content), message_contains("case.json: tagging.expected"));
}

TEST_CASE("a malformed case is refused by its file and place") {
  struct Wrong {
    const char* pointer;
    const char* place;
    nlohmann::json value;
  };
  const std::vector<Wrong> all{
      {"/classification/labels/2", "classification.labels[2]", 2.5},
      {"/classification/labels/2", "classification.labels[2]", 4294967298},
      {"/classification/labels/2", "classification.labels[2]", -1},
      {"/classification/labels/2", "classification.labels[2]", "2"},
      {"/classification/labels", "classification.labels", 2},
      {"/classification/scores/3/2", "classification.scores[3][2]", "x"},
      {"/classification/scores/3/2", "classification.scores[3][2]", nlohmann::json::array({1})},
      {"/classification/scores/3", "classification.scores[3]", nlohmann::json::array({1, 2})},
      {"/classification/scores", "classification.scores", nlohmann::json::array()},
      {"/tagging/truth/2/1", "tagging.truth[2][1]", nlohmann::json::object()},
      {"/retrieval/truncate_at", "retrieval.truncate_at", 9.5},
      {"/retrieval/truncate_at", "retrieval.truncate_at", 0},
      {"/retrieval/ks/0", "retrieval.ks[0]", 0},
      {"/retrieval/gallery_labels/1", "retrieval.gallery_labels[1]", 0.5},
      {"/classification/expected/top1", "classification.expected.top1", "x"},
      {"/classification/expected/confusion/1", "classification.expected.confusion[1]", 7},
      {"/classification/expected", "classification.expected", 1},
      {"/classification", "classification", 1},
  };
  for (const Wrong& wrong : all) {
    nlohmann::json content = first_case();
    content[nlohmann::json::json_pointer(wrong.pointer)] = wrong.value;
    INFO(wrong.pointer << " " << wrong.value);
    CHECK_THROWS_WITH(check_of(content), message_contains(std::string("case.json: ") + wrong.place));
  }
}

TEST_CASE("lists that do not fit together, and tags other than 0 and 1, are refused by their place") {
  nlohmann::json shorter = first_case();
  shorter["classification"]["labels"].erase(0);
  CHECK_THROWS_WITH(check_of(shorter), message_contains("case.json: classification.labels"));
  nlohmann::json outside = first_case();
  outside["classification"]["labels"][0] = 5;
  CHECK_THROWS_WITH(check_of(outside), message_contains("case.json: classification") && message_contains("label 5"));
  nlohmann::json half = first_case();
  half["tagging"]["truth"][0][0] = 0.5;
  CHECK_THROWS_WITH(check_of(half), message_contains("case.json: tagging.truth") && message_contains("0.5"));
  nlohmann::json narrow = first_case();
  for (auto& row : narrow["retrieval"]["query"]) row.erase(0);
  CHECK_THROWS_WITH(check_of(narrow), message_contains("case.json: retrieval.gallery"));
  nlohmann::json flat = first_case();
  auto& confusion = flat["classification"]["expected"]["confusion"];
  confusion = confusion.flatten();
  CHECK_THROWS_AS(check_of(flat), Error);
  CHECK_THROWS_WITH(check_text("{\"tagging\": "), message_contains("case.json") && message_contains("column"));
}

}  // namespace
}  // namespace cmkd::metrics
