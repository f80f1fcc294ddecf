// What `cmkd list suites` says of each suite file. No dataset is opened, listed or hashed for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace cmkd::apps {

// The suite files that come along, sorted.
[[nodiscard]] std::vector<std::filesystem::path> suite_files();

struct SuiteSummary {
  std::string file;
  std::string error;  // why the file cannot be read, in one line; all below is then empty
  std::string title;
  std::string task;
  std::string dataset;
  std::int64_t trainings = 0;  // of `cmkd plan`: each once, with the folds that the dataset's reader declares
  std::int64_t seeds = 0;
  std::int64_t folds = 1;  // official ones that are run
  std::string data;        // "here", "not here": its folder is there, whatever is in it; "made" by the first run
  std::string data_path;   // what was looked for
};
[[nodiscard]] SuiteSummary summarise_suite(const std::filesystem::path& file);

[[nodiscard]] std::string suites_text(const std::vector<SuiteSummary>& suites);
[[nodiscard]] nlohmann::json suites_json(const std::vector<SuiteSummary>& suites);

}  // namespace cmkd::apps
