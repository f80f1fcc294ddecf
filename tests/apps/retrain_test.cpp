// Results of code that is no longer there, as a user meets them: told apart everywhere, trained again by one command.
#include "catch.h"
// Catch first.
#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "cmkd/results/store.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

class RetrainFolder {
 public:
  RetrainFolder() { test::write_text(folder_ / "small.toml", test::small_suite()); }

  [[nodiscard]] fs::path path() const { return folder_.path(); }

  test::ProcessResult run(std::vector<std::string> options = {},
                          std::chrono::milliseconds kill_after = std::chrono::milliseconds::max()) const {
    options.insert(options.begin(), {"run", "small.toml", "--out", "out", "--json"});
    return test::cmkd(options, folder_.path(), kill_after);
  }

  [[nodiscard]] json run_summary(const std::vector<std::string>& options = {}) const {
    const test::ProcessResult result = run(options);
    INFO(result.err);
    REQUIRE(result.status == 0);
    return json::parse(result.out);
  }

  [[nodiscard]] std::string report(const std::string& format) const {
    const auto result = test::cmkd({"report", "small.toml", "--out", "out", "--format", format, "--no-cost"}, path());
    INFO(result.err);
    REQUIRE(result.status == 0);
    return result.out;
  }

  [[nodiscard]] std::string status() const {
    const auto result = test::cmkd({"status", "small.toml", "--out", "out"}, path());
    REQUIRE(result.status == 0);
    return result.out;
  }

  void sql(const std::string& statement) const {
    const auto result = test::run_process({"/usr/bin/env", "sqlite3", "out/results.db", statement}, path());
    INFO(result.err);
    REQUIRE(result.status == 0);
  }

 private:
  test::TemporaryFolder folder_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

constexpr const char* kOtherCode = "0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("rows of other shared code are told apart by run, status and every report, and trained again on request") {
  const RetrainFolder folder;
  CHECK(folder.run_summary({"--jobs", "2"}).at("done") == 10);
  const std::string before = folder.report("html");
  CHECK_FALSE(has(folder.status(), "--retrain"));
  CHECK(has(folder.report("markdown"), "All trainings were made with shared code"));

  folder.sql(std::string("UPDATE training SET shared_code = '") + kOtherCode + "' WHERE method = 'kd'");
  CHECK(has(folder.status(), "4 done runs were not made with this program"));
  CHECK(has(folder.status(), "shared code 0123456789"));
  const json untouched = folder.run_summary();
  CHECK(untouched.at("done") == 0);
  CHECK(untouched.at("already_done") == 10);
  CHECK(untouched.at("changed") == 4);
  for (const std::string format : {"markdown", "html", "json"}) {
    INFO(format);
    CHECK(has(folder.report(format), "0123456789"));
    CHECK(has(folder.report(format), "--retrain changed"));
  }
  CHECK(json::parse(folder.report("json")).at("made_with").at("mixed") == true);

  const json again = folder.run_summary({"--retrain", "changed"});
  CHECK(again.at("done") == 4);
  CHECK(again.at("already_done") == 6);
  CHECK(folder.report("html") == before);
  CHECK_FALSE(has(folder.status(), "--retrain"));
  CHECK(folder.run_summary({"--retrain", "changed"}).at("done") == 0);
}

TEST_CASE("training again is as safe to kill as training") {
  const RetrainFolder folder;
  (void)folder.run_summary();
  const std::string before = folder.report("html");
  folder.sql(std::string("UPDATE training SET shared_code = '") + kOtherCode + "'");
  int kills = 0;
  for (auto patience = 600ms; kills < 60; patience += 100ms, ++kills) {
    const auto result = folder.run({"--retrain", "changed", "--checkpoint-seconds", "0.05"}, patience);
    if (result.status == 0) break;
    REQUIRE(result.status == 128 + 9);
    CHECK(folder.report("markdown").find("not run") == std::string::npos);  // no row is ever missing
  }
  CHECK(kills > 1);
  CHECK(folder.report("html") == before);
}

TEST_CASE(
    "a teacher of other code is trained again with its outputs; those that learned from it follow if it differs") {
  const RetrainFolder folder;
  (void)folder.run_summary();
  const std::string before = folder.report("html");
  SECTION("it comes out the same") {
    folder.sql(std::string("UPDATE training SET shared_code = '") + kOtherCode + "' WHERE method = 'teacher'");
    CHECK(folder.run_summary({"--retrain", "changed"}).at("done") == 2);
  }
  SECTION("its stored content was another") {
    folder.sql(std::string("UPDATE training SET content_fingerprint = 'other', shared_code = '") + kOtherCode +
               "' WHERE method = 'teacher'");
    CHECK(folder.run_summary({"--retrain", "changed"}).at("done") == 8);  // 2 teachers, kd, its control, mnf_csc
  }
  CHECK(folder.report("html") == before);
}

TEST_CASE("results of a method as it was before are history: in the store, in no report") {
  const RetrainFolder folder;
  (void)folder.run_summary({"--only", "kd"});
  // An edit of the method's source changes its trainings' keys, as a changed parameter does.
  const auto edited = folder.run({"--only", "kd", "--set", "methods.kd.weight=25.0"});
  REQUIRE(edited.status == 0);
  CHECK(json::parse(edited.out).at("done") == 4);  // with its control, two seeds; the teacher is not trained again
  CHECK(has(folder.status(), "trainings in the store are of methods or settings as they were before"));
  const json board = json::parse(folder.report("json"));
  for (const json& table : board.at("tables")) {
    for (const json& row : table.at("rows")) {
      std::set<std::int64_t> seeds;
      for (const json& seed : row.at("seeds")) CHECK(seeds.insert(seed.at("seed").get<std::int64_t>()).second);
    }
  }
}

TEST_CASE("two commands on one folder share the work, and each says what it did itself") {
  const RetrainFolder folder;
  (void)folder.run_summary({"--only", "teacher"});  // the data is there, so both begin at once
  auto other = std::async(std::launch::async, [&] { return folder.run(); });
  const test::ProcessResult one = folder.run();
  const test::ProcessResult two = other.get();
  INFO(one.err << two.err);
  REQUIRE(one.status == 0);
  REQUIRE(two.status == 0);
  const json first = json::parse(one.out);
  const json second = json::parse(two.out);
  const auto count = [](const json& summary, const char* name) { return summary.at(name).get<int>(); };
  CHECK(count(first, "done") + count(second, "done") == 8);  // none is trained twice
  for (const json& summary : {first, second}) {
    CHECK(count(summary, "done") + count(summary, "done_elsewhere") + count(summary, "already_done") == 10);
  }
}
