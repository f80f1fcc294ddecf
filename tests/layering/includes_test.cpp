// Reads the sources: what the compiler cannot refuse (system headers, headers reached through an allowed folder).
#include "catch.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cmkd/core/file.h"
#include "paths.h"

namespace fs = std::filesystem;

namespace {

using Rules = std::map<std::string, std::set<std::string>>;

Rules allowed_folders() {
  Rules rules;
  std::istringstream lines(cmkd::read_file(cmkd::test::source_dir() / "tests/layering/allowed.txt"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string::npos) continue;
    std::set<std::string>& allowed = rules[line.substr(0, colon)];
    std::istringstream names(line.substr(colon + 1));
    for (std::string name; names >> name;) allowed.insert(name);
  }
  return rules;
}

struct Include {
  fs::path file;       // relative to the root of the tree
  std::string folder;  // of allowed.txt
  std::string header;  // "cmkd/core/error.h", "torch/nn.h"
};

// Where a folder of allowed.txt lies: the rooms of datasets/ below it.
fs::path place_of(const std::string& folder) {
  const fs::path room = fs::path("datasets") / folder;
  return fs::is_directory(cmkd::test::source_dir() / room) ? room : fs::path(folder);
}

std::vector<Include> includes_of(const std::vector<std::string>& folders) {
  static const std::regex kInclude(R"re(^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"])re");
  std::vector<Include> includes;
  for (const std::string& folder : folders) {
    const fs::path root = cmkd::test::source_dir() / place_of(folder);
    if (!fs::is_directory(root)) continue;
    for (auto walk = fs::recursive_directory_iterator(root); walk != fs::recursive_directory_iterator(); ++walk) {
      const fs::directory_entry& entry = *walk;
      const std::string name = entry.path().filename().string();
      if (folder == "datasets" && walk.depth() == 0 && std::ranges::count(folders, name) == 1) {
        walk.disable_recursion_pending();  // a room of its own
        continue;
      }
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp") continue;
      std::istringstream lines(cmkd::read_file(entry.path()));
      std::smatch match;
      for (std::string line; std::getline(lines, line);) {
        if (!std::regex_search(line, match, kInclude)) continue;
        includes.push_back({fs::relative(entry.path(), cmkd::test::source_dir()), folder, match[1].str()});
      }
    }
  }
  return includes;
}

std::vector<std::string> all_folders() {
  std::vector<std::string> folders{"apps"};
  for (const auto& [folder, allowed] : allowed_folders()) folders.push_back(folder);
  return folders;
}

}  // namespace

TEST_CASE("the rules name every folder of the libraries") {
  const Rules rules = allowed_folders();
  CHECK(rules.size() == 18);
  for (const auto& [folder, allowed] : rules) {
    for (const std::string& other : allowed) {
      CAPTURE(folder, other);
      REQUIRE(rules.count(other) == 1);
      CHECK(rules.at(other).count(folder) == 0);  // arrows point downward only
    }
  }
}

TEST_CASE("each folder includes only itself and the folders that it may use") {
  const Rules rules = allowed_folders();
  int seen = 0;
  for (const Include& include : includes_of(all_folders())) {
    if (!include.header.starts_with("cmkd/") || include.folder == "apps") continue;
    ++seen;
    const std::string rest = include.header.substr(5);
    const std::string target = rest.substr(0, rest.find('/'));
    INFO(include.file.string() << " includes " << include.header);
    CHECK((target == include.folder || rules.at(include.folder).count(target) == 1));
  }
  CHECK(seen > 0);
}

TEST_CASE("foreign libraries are included in their own room only") {
  const std::vector<std::pair<std::regex, std::set<std::string>>> rooms{
      {std::regex("^lib(av|sw)[a-z]*/"), {"media"}},
      {std::regex("^sqlite3\\.h$"), {"results"}},
      {std::regex("^boost/program_options"), {"apps"}},
      {std::regex("^(torch|ATen|c10)/"),
       {"runtime", "weights", "readers", "batches", "models", "methods", "baselines", "suites", "harness", "apps"}},
  };
  for (const Include& include : includes_of(all_folders())) {
    for (const auto& [pattern, folders] : rooms) {
      if (!std::regex_search(include.header, pattern)) continue;
      INFO(include.file.string() << " includes " << include.header);
      CHECK(folders.count(include.folder) == 1);
    }
  }
}

TEST_CASE("no header includes the whole of LibTorch") {
  for (const Include& include : includes_of(all_folders())) {
    if (include.file.extension() != ".h") continue;
    INFO(include.file.string() << " includes " << include.header);
    CHECK(include.header != "torch/torch.h");
    CHECK(include.header != "torch/extension.h");
  }
}
