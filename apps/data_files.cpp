#include "data_files.h"

#include <array>

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
  const auto all = places(folder);
  return join({fs::absolute(all[0]).string(), all[1].string(), all[2].string()});
}

}  // namespace cmkd::apps
