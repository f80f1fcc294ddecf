// Versions of this program and of the libraries that results depend on.
#pragma once

#include <map>
#include <string>

namespace cmkd::apps {

[[nodiscard]] std::map<std::string, std::string> versions();

}  // namespace cmkd::apps
