// The files that cmkd brings along: suites, vectors, templates.
#pragma once

#include <filesystem>
#include <string>

namespace cmkd::apps {

struct DataFolder {
  const char* source;     // in the source tree: "tests/vectors"
  const char* installed;  // in PREFIX/share/cmkd: "vectors"
};
inline constexpr DataFolder kSuites{"suites", "suites"};
inline constexpr DataFolder kVectors{"tests/vectors", "vectors"};
inline constexpr DataFolder kTemplates{"baselines/template", "templates"};

// The first that is a folder: in the source tree that one works in; beside an installed program, PREFIX/bin/cmkd; in
// the source tree that this program was built from. Empty when there is none.
[[nodiscard]] std::filesystem::path find_data(const DataFolder& folder);

// The places that find_data looks at, for an error.
[[nodiscard]] std::string data_places(const DataFolder& folder);

}  // namespace cmkd::apps
