// Suites that a case runs, reports and recomputes.
#pragma once

#include "catch.h"
// Catch first.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "paths.h"
#include "program.h"

namespace cmkd::test {

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline nlohmann::json run_and_report(const std::filesystem::path& folder, const std::string& suite,
                                     int expected_status = 0) {
  const auto run = cmkd({"run", suite, "--out", "out", "--jobs", "2"}, folder);
  INFO(run.err);
  REQUIRE(run.status == expected_status);
  const auto report = cmkd({"report", suite, "--out", "out", "--json"}, folder);
  INFO(report.err);
  REQUIRE(report.status == 0);
  const auto again = cmkd({"report", suite, "--out", "out", "--recompute"}, folder);
  INFO(again.out << again.err);
  CHECK(again.status == 0);
  CHECK(again.out.find(", 0 differ") != std::string::npos);
  CHECK(again.out.find("not checked") == std::string::npos);
  return nlohmann::json::parse(report.out);
}

inline const nlohmann::json& row_of(const nlohmann::json& table, const std::string& name) {
  const auto found =
      std::ranges::find_if(table.at("rows"), [&](const nlohmann::json& row) { return row.at("name") == name; });
  REQUIRE(found != table.at("rows").end());
  return *found;
}

// One seed, so that a case takes seconds.
inline std::string one_seed() { return replaced(small_suite(), "seeds = 2", "seeds = 1"); }

}  // namespace cmkd::test
