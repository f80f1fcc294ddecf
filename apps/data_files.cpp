#include "data_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd::apps {

namespace fs = std::filesystem;

namespace {

std::array<fs::path, 3> places(const DataFolder& folder) {
  const fs::path prefix = fs::canonical("/proc/self/exe").parent_path().parent_path();
  return {fs::path(folder.source), prefix / "share" / "cmkd" / folder.installed,
          fs::path(CMKD_SOURCE_DIR) / folder.source};
}

}  // namespace

fs::path find_data(const DataFolder& folder) {
  for (const fs::path& place : places(folder)) {
    if (fs::is_directory(place)) return place;
  }
  return {};
}

std::string data_places(const DataFolder& folder) {
  std::vector<std::string> names;
  for (const fs::path& place : places(folder)) {
    const std::string name = fs::absolute(place).lexically_normal().string();
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return join(names);
}

}  // namespace cmkd::apps
