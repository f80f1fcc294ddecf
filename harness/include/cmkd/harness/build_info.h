// Which build this is.
#pragma once

#include <map>
#include <string>

namespace cmkd {

[[nodiscard]] std::string project_version();  // "0.1.0"
[[nodiscard]] std::string git_revision();  // "1a2b3c4", with "-dirty" when the tree had changes; "unknown" outside git

// "cmkd", "git_revision", "build_type".
void add_build_info(std::map<std::string, std::string>& values);

}  // namespace cmkd
