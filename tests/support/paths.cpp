#include "paths.h"

#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace cmkd::test {

namespace fs = std::filesystem;

fs::path source_dir() { return CMKD_SOURCE_DIR; }

fs::path vectors_dir() { return source_dir() / "tests" / "vectors"; }

fs::path shared_data_dir() {
  const char* given = std::getenv("CMKD_SHARED_DATA");
  fs::path folder = given != nullptr ? fs::path(given) : source_dir().parent_path() / "shared" / "data";
  return fs::is_directory(folder) ? folder : fs::path();
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
