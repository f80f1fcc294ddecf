// The tree stands alone: nothing that a user runs or reads names a folder beside it, which only this project's makers
// have.
#include "catch.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "cmkd/core/file.h"
#include "paths.h"

namespace fs = std::filesystem;

namespace {

// What lies beside the sources without being part of them: what is built, fetched, trained, or the user's data.
const std::set<std::string> kNotOfTheTree{".git", ".venv", ".cache", "build", "out", "data", "tests"};

bool is_text(const fs::path& file) {
  static const std::set<std::string> kTextEndings{"",    ".h",    ".cpp", ".md",    ".toml", ".txt",
                                                  ".in", ".json", ".sql", ".cmake", ".sh",   ".yml"};
  return kTextEndings.contains(file.extension().string());
}

}  // namespace

TEST_CASE("nothing outside the tests names a folder beside the source tree") {
  const std::string beside = "../shared";
  int files = 0;
  for (auto entry = fs::recursive_directory_iterator(cmkd::test::source_dir());
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry.depth() == 0 && kNotOfTheTree.contains(entry->path().filename().string())) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file() || !is_text(entry->path())) continue;
    ++files;
    std::istringstream lines(cmkd::read_file(entry->path()));
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.find(beside) == std::string::npos) continue;
      FAIL_CHECK(entry->path().string() << ":" << number << ": " << line);
    }
  }
  CHECK(files > 300);
}
