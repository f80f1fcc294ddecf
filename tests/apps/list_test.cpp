// cmkd list suites: what there is to run, without opening a dataset.
#include "catch.h"
// Catch first.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "environment.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::TemporaryFolder;

json listed_suites(const std::filesystem::path& folder) {
  const auto result = test::cmkd({"list", "suites", "--json"}, folder);
  INFO(result.err);
  REQUIRE(result.status == 0);
  return json::parse(result.out).at("suites");
}

const json& suite_named(const json& suites, const std::string& name) {
  const auto found = std::ranges::find_if(
      suites, [&](const json& one) { return one.at("id").get<std::string>().ends_with("suites/" + name + ".toml"); });
  REQUIRE(found != suites.end());
  return *found;
}

}  // namespace

TEST_CASE("list suites says of each suite its title, task, dataset and as many trainings as plan") {
  const TemporaryFolder folder;
  const json suites = listed_suites(folder.path());
  CHECK(suites.size() >= 13);
  for (const json& one : suites) {
    INFO(one.dump());
    REQUIRE_FALSE(one.contains("error"));
    CHECK_FALSE(one.at("title").get<std::string>().empty());
    CHECK(one.at("trainings") > 0);
  }
  const json& quick = suite_named(suites, "quick");
  CHECK(quick.at("task") == "action_recognition");
  CHECK(quick.at("dataset") == "synthetic");
  CHECK(quick.at("trainings") == 13 * 5);  // rows, each with five seeds
  CHECK(quick.at("data") == "made");
  const json& esc10 = suite_named(suites, "esc10");
  CHECK(esc10.at("task") == "audio_tagging");
  CHECK(esc10.at("folds") == 5);
  CHECK(esc10.at("trainings") == 9 * 3 * 5);  // rows, seeds, folds
  // The teacher, student and oracle_labels once, ten methods at each of six levels; three seeds.
  CHECK(suite_named(suites, "robustness").at("trainings") == (3 + 10 * 6) * 3);
  CHECK(suite_named(suites, "ucf101").at("folds") == 3);
}

TEST_CASE("list suites says whose data are here, by their folder alone") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "sets/esc10");
  CHECK(suite_named(listed_suites(folder.path()), "esc10").at("data") == "not here");
  const test::EnvironmentVariable data("CMKD_DATA", (folder / "sets").string());
  const json suites = listed_suites(folder.path());
  CHECK(suite_named(suites, "esc10").at("data") == "here");
  CHECK(suite_named(suites, "esc10").at("data_path") == (folder / "sets/esc10").string());
  CHECK(suite_named(suites, "av_mnist").at("data") == "not here");
  const std::string text = test::cmkd({"list", "suites"}, folder.path()).out;
  CHECK(text.find("AV-MNIST: speech teaches handwriting") != std::string::npos);
  CHECK(text.find("135 (5 folds)") != std::string::npos);
  CHECK(text.find((folder / "sets").string() + " (CMKD_DATA)") != std::string::npos);
}

TEST_CASE("a suite file that cannot be read hides no other") {
  const TemporaryFolder folder;
  test::write_text(folder / "suites/broken.toml", "[suite]\ntitel = \"Broken\"\n");
  test::write_text(folder / "suites/small.toml", test::small_suite());
  const json suites = listed_suites(folder.path());
  REQUIRE(suites.size() == 2);
  CHECK(suite_named(suites, "broken").at("error").get<std::string>().find("unknown parameter 'titel'") == 0);
  CHECK(suite_named(suites, "small").at("trainings") == 5 * 2);  // student, teacher, kd, its control, mnf_csc
  const auto text = test::cmkd({"list", "suites"}, folder.path());
  CHECK(text.status == 0);
  CHECK(text.out.find("cannot be read: unknown parameter 'titel'") != std::string::npos);
}
