// A training that is judged in several ways: trained once, each judgement a row.
#include "suite_runs.h"
// Catch first.
#include <map>
#include <set>

#include "cmkd/results/store.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::one_seed, test::run_and_report, test::TemporaryFolder;

}  // namespace

TEST_CASE("a sweep over what judges trains nothing twice, and a value that joins later is judged alone") {
  const TemporaryFolder folder;
  const auto with_values = [](const std::string& values) {
    return one_seed() + "[sweep]\nsetting = \"evaluation.classifier\"\nvalues = " + values + "\n";
  };
  test::write_text(folder / "judged.toml", with_values("[\"network\", \"knn\"]"));
  const json board = run_and_report(folder.path(), "judged.toml");
  REQUIRE(board.at("tables").size() == 2);
  std::set<std::string> keys;
  std::set<std::string> evaluations;
  std::size_t rows = 0;
  for (const json& table : board.at("tables")) {
    CHECK(table.at("level").is_null());
    for (const json& row : table.at("rows")) {
      INFO(table.at("condition") << " " << row.at("name"));
      const json& seed = row.at("seeds").at(0);
      CHECK(seed.at("value").is_number());
      keys.insert(seed.at("training_key").get<std::string>());
      evaluations.insert(seed.at("evaluation_key").get<std::string>());
      ++rows;
    }
  }
  CHECK(evaluations.size() == rows);
  CHECK(2 * keys.size() == rows);

  // Weights were not kept: the trainings are made again, to the same bytes, and only the new judge's rows are new.
  const auto fingerprints = [&] {
    const results::Store store = results::Store::open(folder / "out/results.db", results::OpenMode::kReadOnly);
    std::map<std::string, std::string> found;
    for (const std::string& key : keys) found[key] = store.training(key)->final_weights_fingerprint;
    return found;
  };
  const auto before = fingerprints();
  test::write_text(folder / "judged.toml", with_values("[\"network\", \"knn\", \"linear_probe\"]"));
  const json more = run_and_report(folder.path(), "judged.toml");
  REQUIRE(more.at("tables").size() == 3);
  CHECK(fingerprints() == before);
  for (const json& table : more.at("tables")) {
    for (const json& row : table.at("rows")) CHECK(row.at("seeds").at(0).at("value").is_number());
  }
  const auto done = test::cmkd({"run", "judged.toml", "--out", "out"}, folder.path());
  CHECK(done.status == 0);
  CHECK(done.out.find("0 done now") != std::string::npos);
}
