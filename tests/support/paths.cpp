#include "paths.h"

#include <cstdlib>
#include <set>
#include <stdexcept>
#include <system_error>

#include "catch.h"

namespace cmkd::test {

namespace fs = std::filesystem;

fs::path source_dir() { return CMKD_SOURCE_DIR; }

fs::path vectors_dir() { return source_dir() / "tests" / "vectors"; }

namespace {

struct SharedData {
  std::string given;  // by CMKD_SHARED_DATA
  fs::path folder;    // empty when there is none

  SharedData() {
    if (const char* value = std::getenv("CMKD_SHARED_DATA")) given = value;
    const fs::path wanted = given.empty() ? source_dir().parent_path() / "shared" / "data" : fs::path(given);
    if (fs::is_directory(wanted)) folder = wanted;
  }
};

const SharedData& shared_data_here() {
  static const SharedData found;
  return found;
}

// Names: a test case asks once for each of its sections, and for each part that it wants.
std::set<std::string>& skipped_test_cases() {
  static std::set<std::string> names;
  return names;
}

}  // namespace

fs::path shared_data(const std::string& part) {
  const fs::path& folder = shared_data_here().folder;
  if (!folder.empty() && fs::exists(folder / part)) return folder / part;
  skipped_test_cases().insert(Catch::getResultCapture().getCurrentTestName());
  WARN("skipped: no shared data here: " << part);
  return {};
}

std::string skipped_summary() {
  std::string text;
  const SharedData& data = shared_data_here();
  if (!data.given.empty() && data.folder.empty())
    text += "CMKD_SHARED_DATA is '" + data.given + "', which is no folder: taken as none\n";
  const std::size_t count = skipped_test_cases().size();
  if (count == 0) return text;
  return text + std::to_string(count) + (count == 1 ? " test case" : " test cases") +
         " skipped: no shared data (CMKD_SHARED_DATA or ../shared/data)\n";
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "cmkd-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace cmkd::test
